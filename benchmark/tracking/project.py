"""MLflow's own command line, with one line for an error in place of a traceback, for the launcher of a stage."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mlflow.cli import cli

from benchmark.core.addresses import without_passwords


def call(arguments: Sequence[str]) -> bool:
    """What one would type behind `mlflow`; whether it came to a good end. Why not stands on stderr, in one line.

    By the time that it fails at its last word to a store that went away, the stage is done and has said so.
    """
    try:
        cli(list(arguments), prog_name="mlflow", standalone_mode=False)
    except Exception as error:
        text = without_passwords(" ".join(str(error).split()))
        print(f"MLflow: {type(error).__name__}: {text[:200]}", file=sys.stderr)
        return False
    return True
