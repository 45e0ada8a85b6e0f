"""Errors that end a command with one sentence instead of a traceback.

A message says what is wrong and where. How to mend it depends on who asked and by what command, so whoever catches the
error adds that, from its class and its `facts`. ``exit_code`` is what the command line returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class BenchmarkError(Exception):
    """Something the user can mend."""

    exit_code = 1

    def __init__(self, sentence: str, **facts: Any) -> None:
        super().__init__(sentence)
        self.facts = facts
        """What a mend may have to name: a task, a recipe, a path."""


# ------------------------------------------------------------------------------------------------ input


class BadInput(BenchmarkError):
    """A name, value or option outside what is allowed; found before anything is written."""

    exit_code = 2


class NoConfiguration(BadInput):
    """There is no configuration file."""


class BadTask(BadInput):
    """An entry of the configuration that no task can be made of."""


class NoWinner(BadInput):
    """A recipe takes its objective from a search that was not run, or whose result can't be read."""


class Refused(BadInput):
    """An objective that does not accept this kind of task. Recorded as such where a whole grid is run."""


class NoTrunk(BadInput):
    """A recipe starts from a trunk that is not there."""


class NoStart(BadInput):
    """A recipe starts from another one's run that is not there."""


class NoMember(BadInput):
    """A run that an ensemble is the mean of is not there, or is damaged."""


class NoCluster(BadInput):
    """No cluster answers at the address that was given."""


def allowed(what: str, given: object, where: str, choices: Iterable[object]) -> BadInput:
    """The sentence for an unknown name: what was given, where, and every name that is known."""
    return BadInput(f"{where}: unknown {what} '{given}'; known: {', '.join(sorted(map(str, choices)))}")


# ------------------------------------------------------------------------------------------------ data and runs


class DataError(BenchmarkError):
    """A file that is not what it should be."""

    exit_code = 2


class DataMissing(DataError):
    """A data file that was never fetched, or is another one by now."""


class WrongFile(DataError):
    """A file was found where the task's should be, and has another MD5."""


class WrongStructure(DataError):
    """A data file without the arrays, types, shapes or values of its task."""


class OneClass(DataError):
    """A split in which a label has one class only."""


class DamagedRun(DataError):
    """A file of a run folder that can't be read."""


class DataUnreachable(BenchmarkError):
    """No source that may be asked has the data file."""


# ------------------------------------------------------------------------------------------------ training


class TrainingFailed(BenchmarkError):
    """Training that makes no sense to go on with."""

    def __init__(self, sentence: str, history: list[dict[str, float]] | None = None, **facts: Any) -> None:
        super().__init__(sentence, **facts)
        self.history = history or []
        """A row for each epoch that was finished."""


class NotFinite(TrainingFailed):
    """A loss, gradient or score that is infinite or no number."""


class OutOfMemory(TrainingFailed):
    """Too many images at once for this network on this machine."""


class Occupied(BenchmarkError):
    """Another process is at work on what would be changed."""


class NoScheduler(BenchmarkError):
    """What runs a search is not installed."""


class NoStore(BenchmarkError):
    """A tracking store that does not answer, or not as it should."""


class NothingDone(BenchmarkError):
    """A search of which no trial came to figures."""
