import benchmark  # noqa: F401 - before PyTorch: see there
