"""Precision and memory format are measured in turns, and kept where they win by enough."""

import pytest

from benchmark.training.speed import Choice, fastest, measure
from tests.helpers import CPU, OBJECTIVES, make_config, make_data

PLAIN, BEST = Choice("fp32", "contiguous"), Choice("bf16", "channels-last")


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm"])
def test_every_choice_is_measured_on_the_runs_own_step(loss: str) -> None:
    config = make_config("breastmnist", objective=OBJECTIVES[loss], batch_size=4)
    rates = measure(config, make_data("breastmnist"), CPU, steps=1)
    assert next(iter(rates)) == PLAIN
    assert BEST in rates
    assert len(rates) == 4
    assert all(rate > 0 for rate in rates.values())


@pytest.mark.parametrize(("gain", "expected"), [(2.0, BEST), (1.06, BEST), (1.04, PLAIN), (0.5, PLAIN)])
def test_the_plain_way_stays_unless_another_wins_by_five_per_cent(gain: float, expected: Choice) -> None:
    assert fastest({PLAIN: 100.0, BEST: 100.0 * gain}) == expected


def test_a_choice_reads_as_it_is_written_in_a_profile() -> None:
    assert str(BEST) == "precision: bf16, memory_format: channels-last"
