"""Augmentations: the files of this folder, found by being there, each with the functions that its `NAMES` give names to.

Such a function returns a module on normalised batches of the file's `DIMENSIONS`, float32 (n, 1, *spatial), on whatever
device they are. Draws come from PyTorch's global generator (see `core.seeding`). Adding one is a function and a line in
one of these files, or a file more. As with networks, what builds it is imported in its function.
"""

from __future__ import annotations

from benchmark.core.discovery import Makers

AUGMENTATIONS = Makers(__name__)
