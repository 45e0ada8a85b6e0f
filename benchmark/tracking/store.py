"""The tracking store: where it is, and that it may be gone at any time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import mlflow
from filelock import FileLock
from mlflow import MlflowClient

from benchmark.core import provenance

Answer = TypeVar("Answer")


def use_default_store() -> None:
    """Where MLFLOW_TRACKING_URI says nothing: a SQLite file and an artifact folder at the repository's root."""
    if "MLFLOW_TRACKING_URI" not in os.environ:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{provenance.ROOT / 'mlflow.db'}"
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])


def prepare() -> bool:
    """Make the default store's tables once: several processes that start on an empty database race.

    Returns:
        Whether the store answers; where it does not, a warning was printed.
    """
    with FileLock(provenance.ROOT / "mlflow.db.lock"):
        use_default_store()
        answers, _ = attempt("ask the tracking store", lambda: MlflowClient().search_experiments(max_results=1))
    return answers


def attempt(what: str, call: Callable[[], Answer]) -> tuple[bool, Answer | None]:
    """Whether the call went through, and its answer; a failure is one line on stderr."""
    try:
        return True, call()
    except Exception as error:  # whatever MLflow or its server raises: the run folder is what counts
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        print(
            f"warning: MLflow: could not {what} ({reason[:200]}); the run folder is complete without it, "
            "and running the stage again writes MLflow's view of it",
            file=sys.stderr,
        )
        return False, None


def without_password(uri: str) -> str:
    """The address without user and password; a local store's without the machine's own path."""
    if uri.startswith("sqlite:///"):
        return f"sqlite:///{Path(uri.removeprefix('sqlite:///')).name}"
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
