"""MLflow's project run, with one line for an error in place of a traceback, for the launcher of a stage."""

from __future__ import annotations

import sys

import mlflow

from benchmark.core.addresses import without_passwords


def run(entry_point: str, parameters: dict[str, str], experiment: str) -> bool:
    """Run an entry point of the project here, in this environment; whether it came to a good end. Why not stands on stderr.

    MLflow's command line does the same, but its import takes 1.5 s more. By the time that it fails at its last word to a
    store that went away, the stage is done and has said so.
    """
    try:
        mlflow.run(".", entry_point, parameters=parameters, experiment_name=experiment, env_manager="local")
    except Exception as error:
        text = without_passwords(" ".join(str(error).split()))
        print(f"MLflow: {type(error).__name__}: {text[:200]}", file=sys.stderr)
        return False
    return True
