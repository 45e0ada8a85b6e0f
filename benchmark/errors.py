"""Errors that end a command with one sentence instead of a traceback.

Each message says what is wrong, where, and how to mend it. ``exit_code`` is what the command line returns.
"""


class BenchmarkError(Exception):
    """Something the user can mend; the command line prints the message alone."""

    exit_code = 1


class BadInput(BenchmarkError):
    """A name, value or option outside what is allowed; found before anything is written."""

    exit_code = 2


class DataError(BenchmarkError):
    """A data file that is not what its task says it is: wrong MD5, truncated, wrong structure."""

    exit_code = 2


class DataUnreachable(BenchmarkError):
    """No source that may be asked has the data file."""


class Refused(BadInput):
    """An objective that does not accept this kind of task. Recorded as such where a whole grid is run."""


class TrainingFailed(BenchmarkError):
    """Training that makes no sense to go on with, such as a loss that is not finite."""

    def __init__(self, message: str, history: list[dict[str, float]] | None = None) -> None:
        super().__init__(message)
        self.history = history or []


def allowed(what: str, given: object, where: str, choices: object) -> BadInput:
    """The sentence for an unknown name: what was given, where, and every name that is known."""
    known = ", ".join(sorted(str(choice) for choice in choices))  # type: ignore[attr-defined]
    return BadInput(f"{where}: unknown {what} '{given}'; known: {known}")
