"""A configuration and data → a complete run folder: the loop, the model, checkpoints, precision."""
