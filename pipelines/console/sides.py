"""What a name of the command line stands for, as a side of a comparison."""

from __future__ import annotations

from pathlib import Path

from benchmark.evaluation import comparison
from benchmark.evaluation.comparison import Side
from pipelines.console import project

CACHE = Path(".cache")


def side(name: str, profile: str) -> Side:
    """A recipe, a method from elsewhere, a folder; or the run behind a registered model."""
    if not name.startswith("models:/"):
        return comparison.find(name, profile, project.WORKSPACE)
    from benchmark.tracking.versions import run_of_version  # late: imports MLflow, which takes seconds

    folder = run_of_version(name, "argument", CACHE)
    return Side(name, {folder.record().config.tasks[0]: (folder,)})
