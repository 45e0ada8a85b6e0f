"""The learning rate of each batch against PyTorch's own schedulers."""

import itertools
import math
import warnings

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from benchmark.config.schedules import Cosine, OneCycle
from benchmark.training.schedule import rate

BATCHES = 137


def theirs(scheduler: type, **settings: object) -> list[float]:
    """Shares of the highest rate that one of PyTorch's schedulers gives to each batch."""
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    made, rates = scheduler(optimizer, **settings), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(BATCHES):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            made.step() if len(rates) < BATCHES else None
    return rates


@pytest.mark.parametrize("warm_up", [0.1, 0.3, 0.5])
def test_one_cycle_is_pytorchs(warm_up: float) -> None:
    ours = [rate(OneCycle(shape="one-cycle", warm_up=warm_up), batch, BATCHES) for batch in range(BATCHES)]
    expected = theirs(OneCycleLR, max_lr=1.0, total_steps=BATCHES, pct_start=warm_up, cycle_momentum=False)
    assert ours == pytest.approx(expected, abs=1e-12)


def test_a_cosine_without_warm_up_is_pytorchs() -> None:
    ours = [rate(Cosine(shape="cosine", warm_up=0), batch, BATCHES) for batch in range(BATCHES)]
    assert ours == pytest.approx(theirs(CosineAnnealingLR, T_max=BATCHES), abs=1e-12)


def test_warm_up_rises_in_a_line_and_the_rest_falls_to_nothing() -> None:
    rates = [rate(Cosine(shape="cosine", warm_up=0.25), batch, 100) for batch in range(100)]
    steps = [after - before for before, after in itertools.pairwise(rates[:26])]
    assert steps == pytest.approx([1 / 26] * 25)
    assert rates[25] == max(rates) == 1
    assert all(after < before for before, after in itertools.pairwise(rates[25:]))
    assert 0 < rates[-1] < 0.001


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_run_of_a_few_batches_has_rates_too(batches: int) -> None:
    for schedule in (OneCycle(shape="one-cycle", warm_up=0.3), Cosine(shape="cosine", warm_up=0.3)):
        rates = [rate(schedule, batch, batches) for batch in range(batches)]
        assert all(math.isfinite(one) and 0 <= one <= 1 for one in rates)
