"""Run folder → MLflow. The only package that knows MLflow.

The run folder is the truth, MLflow a view of it: a server that does not answer costs a warning and a few seconds,
never a result. Running the same stage again writes the view anew from the folders.

One experiment a task; a parent run for each task and recipe, a nested run for each seed. Metrics without a prefix
are of the selected epoch, `epoch/…` has every epoch as a step. Parent runs hold means and spreads over seeds, and
intervals.
"""

import os

# A server that is gone must not hold up a training: MLflow's own defaults block for minutes. Set before its import.
for variable, value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}.items():
    os.environ.setdefault(variable, value)
