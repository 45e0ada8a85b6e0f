"""Seeds that belong to a name, and code that draws from global generators without leaking.

Every seed is derived from the run's seed, the task and the name of the stream ("order", "initialisation",
"augmentation", …), never from the recipe: recipes are compared on equal draws, and a new one shifts nobody else's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derive(seed: int, *names: object) -> int:
    """A seed in [0, 2**32) for one stream, the same on every machine. Seed 0 is a seed like any other."""
    text = "/".join(str(name) for name in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def generator(seed: int, *names: object) -> torch.Generator:
    """A CPU generator of its own for one stream."""
    return torch.Generator().manual_seed(derive(seed, *names))


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Seed PyTorch's and NumPy's global generators inside the block; both are as before behind it.

    For code that can't be handed a generator: weight initialisation, kornia, LibAUC's samplers and optimizers.
    """
    # LibAUC draws from NumPy's legacy global generator, hence the legacy calls here.
    numpy_state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
