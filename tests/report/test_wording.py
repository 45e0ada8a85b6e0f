"""How figures are written: with their sign and interval, and as undefined where they are."""

import math

import pytest

from benchmark.evaluation.effect import Effect
from benchmark.evaluation.statistics import Estimate
from benchmark.published.verdict import Limits
from benchmark.report import wording
from benchmark.report.model import Figure

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (wording.spanned(Estimate(0.91, 0.8504, 0.95, 0.02)), "0.9100 [0.850, 0.950]"),
        (wording.spanned(Estimate(math.nan, math.nan, math.nan, math.nan)), "undefined"),
        (wording.bounds(Limits(-0.01, -0.02, 0.0)), f"[{MINUS}0.0200, +0.0000]"),
        (wording.bounds(Limits(math.nan, math.nan, math.nan)), ""),
        (wording.effect(Effect(-0.01, -0.02, 0.03, 0.4)), f"{MINUS}0.0100 [{MINUS}0.0200, +0.0300]"),
        (wording.effect(Effect(-0.01, None, None, None)), f"{MINUS}0.0100"),
        (wording.effect(Effect(math.nan, None, None, None)), "undefined"),
        (wording.measured(Figure(0.9, 0.01, 5)), "0.9000 ± 0.0100"),
        (wording.measured(Figure(math.nan, math.nan, 5)), "undefined"),
        (wording.measured(None), wording.NOTHING),
        (wording.difference(math.nan), "undefined"),
    ],
)
def test_a_figure_is_written_with_its_interval_and_one_that_is_undefined_says_so(written: str, text: str) -> None:
    assert written == text
