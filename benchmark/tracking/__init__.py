"""Run folder → MLflow. The only package that knows MLflow.

The run folder is the truth, MLflow a view of it: a server that does not answer costs a warning and a few seconds,
never a result. Running the same stage again writes the view anew from the folders.

One experiment a task; a parent run for each task and recipe, a nested run for each seed. Metrics without a prefix
are of the selected epoch, `epoch/…` has every epoch as a step. Parent runs hold means and spreads over seeds, and
intervals.
"""

from benchmark.tracking.registry import run_of_version
from benchmark.tracking.store import prepare
from benchmark.tracking.tracker import LiveMetrics, Tracker

__all__ = ["LiveMetrics", "Tracker", "prepare", "run_of_version"]
