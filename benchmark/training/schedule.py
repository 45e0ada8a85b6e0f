"""The learning rate of each batch, as a share of its highest: a function of how far the run is, so nothing to resume."""

from __future__ import annotations

import math

from benchmark.config.schedules import ByBatch, OneCycle

FIRST, LAST = 1 / 25, 1e-4 / 25
"""Of a cycle, as shares of the highest rate: PyTorch's defaults (OneCycleLR's div_factor and final_div_factor)."""


def rate(schedule: ByBatch, batch: int, batches: int) -> float:
    """In [0, 1], of batch number `batch` (from 0) of so many in the whole run."""
    if isinstance(schedule, OneCycle):
        highest = schedule.warm_up * batches - 1  # PyTorch's count
        if batch <= highest:
            return _along_cosine(FIRST, 1.0, batch / highest if highest > 0 else 1.0)
        return _along_cosine(1.0, LAST, (batch - highest) / max(batches - 1 - highest, 1e-9))
    warm = schedule.warm_up * batches
    if batch < warm:
        return (batch + 1) / (warm + 1)
    return _along_cosine(1.0, 0.0, (batch - warm) / max(batches - warm, 1.0))


def _along_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * min(share, 1.0)))
