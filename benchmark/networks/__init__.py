"""Networks: the files of this folder, found by being there, each with the functions that its `NAMES` give names to.

Such a function returns a trunk with fresh weights of PyTorch's global generator, (n, 1, *spatial) → (n, 512), for images
of the file's `DIMENSIONS`. Adding one is a function and a line in one of these files, or a file more.

The files are imported when a configuration is read, to know the names; what builds a network is imported in its function,
which saves two seconds on every command that trains nothing.
"""

from __future__ import annotations

from benchmark.core.discovery import Makers

NETWORKS = Makers(__name__)
