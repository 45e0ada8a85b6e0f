"""The commands: a file for each, `python -m pipelines.<name>`."""

import gc

gc.set_threshold(100_000)
"""Objects more than there were, until Python looks for cycles among them. It looks at every 700 by itself, and PyTorch and
MLflow bring a million that stay: their imports took a third longer."""
