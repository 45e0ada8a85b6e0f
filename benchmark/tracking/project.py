"""MLflow's own command line, with one line for an error in place of a traceback, for the launcher of a stage.

By the time that it fails at its last word to a store that went away, the stage is done and has said so.
"""

from __future__ import annotations

import sys
from types import TracebackType

from mlflow.cli import cli

from benchmark.core.addresses import without_passwords


def say(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """The error's first words, on stderr."""
    text = without_passwords(" ".join(str(error).split()))
    print(f"MLflow: {kind.__name__}: {text[:200]}", file=sys.stderr)


if __name__ == "__main__":
    sys.excepthook = say
    cli(prog_name="mlflow")
