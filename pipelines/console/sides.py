"""What a name of the command line stands for, as a side of a comparison."""

from __future__ import annotations

from benchmark.evaluation import comparison
from benchmark.evaluation.comparison import Side
from pipelines.console import project


def side(name: str, profile: str) -> Side:
    """A recipe, a method from elsewhere, a folder; or the run behind a registered model."""
    if not name.startswith("models:/"):
        return comparison.find(name, profile, project.WORKSPACE)
    from benchmark.tracking.registry import run_of_version  # late: imports MLflow and PyTorch, which take seconds

    behind = comparison.find(str(run_of_version(name, "argument")), profile, project.WORKSPACE)
    return Side(name, behind.cells)
