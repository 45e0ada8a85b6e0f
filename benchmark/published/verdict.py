"""Is our test AUROC above or below a published one, or can the two not be told apart, or not be compared at all?

The published run is taken for one more draw of a seed on the same test images. So the difference of the two has the
variance

    images + seeds * (1 / ours + 1 / theirs)

where `images` is DeLong's of our mean (the noise of the shared test images, counted once), `seeds` our variance over
seeds, and `ours` and `theirs` are the numbers of seeds. Where 0 is within the 95 % interval, t with Satterthwaite's degrees
of freedom, the two are not distinguishable. Fewer than five seeds may lie close together by chance, which would call
one verdict in eight wrong (of two seeds); their standard deviation counts as `ASSUMED_SEED_SD` at least.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import scipy

from benchmark.config.tasks import Task
from benchmark.evaluation import statistics
from benchmark.evaluation.statistics import OverSeeds
from benchmark.published.table import PublishedResult

PIXELS = 28
"""MedMNIST's image size, taken where a source states none."""


class Verdict(StrEnum):
    """What may be said of ours beside a published figure."""

    ABOVE = "above"
    BELOW = "below"
    SAME = "not distinguishable"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    reason: str
    """One sentence."""


def judge(row: PublishedResult, ours: OverSeeds, task: Task, network: str) -> Judgement:
    """Set our test AUROC beside a published row by the rule above.

    Args:
        ours: of the test split, over all seeds.
        task: whose test split that is.
        network: ours, which the reason names beside theirs.
    """
    in_the_way = obstacle(row, task)
    if not in_the_way and math.isnan(ours.images.se):
        in_the_way = "our AUROC, or its error, is undefined: a label has fewer than two images of a class"
    if in_the_way or row.test_auc is None:
        return Judgement(Verdict.NOT_COMPARABLE, f"Not comparable: {in_the_way}.")
    difference, half = ours.mean - row.test_auc, _half_width(row, ours)
    verdict = Verdict.SAME if abs(difference) <= half else Verdict.ABOVE if difference > 0 else Verdict.BELOW
    interval = f"95 % interval {_signed(difference - half)} to {_signed(difference + half)}"
    return Judgement(
        verdict,
        f"{verdict.capitalize()}: {ours.mean:.4f} ({_seeds(ours)}, {network}) against {row.test_auc:.4f} "
        f"({row.network}), a difference of {_signed(difference)}, {interval}{_unstated(row)}.",
    )


def obstacle(row: PublishedResult, task: Task) -> str:
    """Why a published row may not be set beside ours, for a sentence; empty where it may."""
    size = task.size or PIXELS  # an own file's size is what its `compare_with` vouches for
    reasons = {
        "ours is of stand-in data": task.is_standin,
        f"no published figures go with {task.name}": task.reference is None,
        f"the figure is of {row.task}": task.reference not in (None, row.task),
        row.comparable.removeprefix("no: "): not row.is_comparable,
        "the source gives no test AUROC": row.test_auc is None,
        "what is published was selected on the test split": row.selected_on_test == "yes",
        f"it starts from external weights ({row.pretraining})": row.external_weights == "yes",
        f"its images have {row.pixels} pixels a side, ours {size}": row.pixels is not None and row.pixels != size,
        f"ours have {size} pixels a side, and the source states no other size than MedMNIST's {PIXELS}": (
            row.pixels is None and size != PIXELS
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def best_comparable(rows: Iterable[PublishedResult], task: Task) -> PublishedResult | None:
    """The row with the highest test AUROC among those that ours may be set beside; the earlier of two equals."""
    comparable = [row for row in rows if not obstacle(row, task)]
    return max(comparable, key=lambda row: row.test_auc or 0.0, default=None)


def _half_width(row: PublishedResult, ours: OverSeeds) -> float:
    sd, freedom = statistics.spread(ours.sd, ours.seeds)
    of_seeds = sd**2 * (1 / ours.seeds + 1 / row.seeds)
    variance = ours.images.se**2 + of_seeds
    total = variance**2 / (of_seeds**2 / freedom) if of_seeds and math.isfinite(freedom) else math.inf
    return math.sqrt(variance) * float(scipy.stats.t.ppf((1 + statistics.CONFIDENCE) / 2, total))


def _seeds(ours: OverSeeds) -> str:
    count = "one seed" if ours.seeds == 1 else f"{ours.seeds} seeds"
    assumed = math.isinf(statistics.spread(ours.sd, ours.seeds)[1])
    return f"{count}, a spread of {statistics.ASSUMED_SEED_SD} assumed" if assumed else count


def _unstated(row: PublishedResult) -> str:
    """What a reader must take on trust."""
    stated = {
        "image size": row.pixels is not None,
        "external weights": row.external_weights != "not stated",
        "selection": row.selected_on_test != "not stated",
    }
    missing = [name for name, known in stated.items() if not known]
    return f"; the source leaves open: {', '.join(missing)}" if missing else ""


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")
