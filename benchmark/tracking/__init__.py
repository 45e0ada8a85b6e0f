"""Run folder → MLflow. The only package that knows MLflow.

The run folder is the truth, MLflow a view of it: a server that does not answer costs a warning and less than a minute,
never a result. The view can be made again from the folders, all of it or what is missing (`everything`): a run is found
again by its identity.

One experiment a task; a parent run for each task and recipe, a nested run for each seed. Metrics without a prefix
are of the selected epoch, `epoch/…` has every epoch as a step. Parent runs hold means and spreads over seeds, and
intervals.
"""

import os

# MLflow's own defaults block for minutes; `line` bounds the whole. Set before its import.
for variable, value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}.items():
    os.environ.setdefault(variable, value)
