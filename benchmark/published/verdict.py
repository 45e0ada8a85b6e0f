"""Is our test AUROC above or below a published one, or can the two not be told apart, or not be compared at all?

The published run is taken for one more draw of a seed on the same test images. So the difference of the two has the
variance

    images + seeds * (1 / ours + 1 / theirs)

where `images` is DeLong's of our mean (the noise of the shared test images, counted once), `seeds` our variance over
seeds, and `ours` and `theirs` are the numbers of seeds. The 95 % interval of the difference has the quantile of Cochran and
Cox (`evaluation.chance`); where 0 is within, the two are not distinguishable. The spread of two to four seeds is taken as
measured: no least spread is assumed. One seed shows none, and decides nothing.

The highest of k comparable rows is no fixed opponent: of equal methods, the luckiest draw stands there. What can be told is
how ours lies to the best *true* value behind the k rows, which is the least of k true differences. *Above* says above every
row; it is wrong only if it is wrong of the best one, so each row's plain lower limit serves (intersection-union test: Berger,
Technometrics 24 (1982)). *Below* may be wrong by any row's luck, so the upper limits hold for all rows together, each with
1/k of the error (Bonferroni). The interval is from the lowest lower to the lowest upper limit, as in Hsu's comparisons with
the best (Annals of Statistics 9 (1981)). How often the rules err: docs/protocol.md, by the simulations in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmark.config.tasks import Task
from benchmark.evaluation.chance import CONFIDENCE, Chance
from benchmark.evaluation.statistics import OverSeeds
from benchmark.published.table import PublishedResult

PIXELS = 28
"""MedMNIST's image size, taken where a source states none."""
TAIL = (1 - CONFIDENCE) / 2


class Verdict(StrEnum):
    """What may be said of ours beside a published figure, or beside another of ours."""

    ABOVE = "above"
    BELOW = "below"
    SAME = "not distinguishable"
    ONE_SEED = "not decided: one seed"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Limits:
    """A difference, ours - theirs, with the 95 % interval that its verdict was decided by."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    reason: str
    """One sentence."""
    difference: Limits | None = None
    """None where the two are not comparable; of other images alone where ours is one seed."""
    p: float = math.nan
    """Of no true difference to a row that was named beforehand; NaN where nothing is decided."""
    mark: str = ""
    """What is unequal between the two all the same, in a few words."""


@dataclass(frozen=True)
class Origin:
    """What ours is given, and what it starts from."""

    pixels: int | None = None
    """Edge length of its images; None where not stated."""
    external_weights: str | None = None
    """Weights that were trained on anything but MedMNIST; 'none', or None where not stated."""

    @staticmethod
    def trained_here(task: Task) -> Origin:
        return Origin(_size(task), "none")


# ------------------------------------------------------------------------------------------------ comparable?


def obstacle(row: PublishedResult, task: Task, origin: Origin | None = None) -> str:
    """Why a published row may not be set beside ours, for a sentence; empty where it may.

    Args:
        origin: of ours; left out, of what is trained here.
    """
    ours = origin or Origin.trained_here(task)
    size = ours.pixels or _size(task)
    reasons = {
        "ours is of stand-in data": task.is_standin,
        f"no published figures go with {task.name}": task.reference is None,
        f"the figure is of {row.task}": task.reference not in (None, row.task),
        row.comparable.removeprefix("no: "): not row.is_comparable,
        "the source gives no test AUROC": row.test_auc is None,
        "what is published was selected on the test split": row.selected_on_test == "yes",
        f"it starts from external weights ({row.pretraining})": row.external_weights == "yes",
        f"ours starts from external weights ({ours.external_weights})": ours.external_weights not in (None, "none"),
        f"its images have {row.pixels} pixels a side, ours {size}": row.pixels is not None and row.pixels != size,
        f"ours have {size} pixels a side, and the source states no other size than MedMNIST's {PIXELS}": (
            row.pixels is None and size != PIXELS
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def comparable(rows: Iterable[PublishedResult], task: Task) -> list[PublishedResult]:
    """Those that what is trained here may be set beside, the highest test AUROC first; the earlier of two equals."""
    fair = [row for row in rows if not obstacle(row, task)]
    return sorted(fair, key=lambda row: row.test_auc or 0.0, reverse=True)


def _size(task: Task) -> int:
    return task.size or PIXELS  # an own file's size is what its `compare_with` vouches for


# ------------------------------------------------------------------------------------------------ verdicts


def judge(
    row: PublishedResult,
    ours: OverSeeds,
    task: Task,
    network: str,
    *,
    among: Sequence[PublishedResult] = (),
    origin: Origin | None = None,
    trained_on_val: bool = False,
) -> Judgement:
    """Set our test AUROC beside a published row by the rule above.

    Args:
        ours: of the test split, over all seeds.
        task: whose test split that is.
        network: ours, which the reason names beside theirs.
        among: the `comparable` rows, where the row was chosen as the highest of them; empty where it was named beforehand.
        origin: of ours; left out, of what is trained here.
        trained_on_val: whether ours was trained on the val split too.
    """
    in_the_way = obstacle(row, task, origin) or _undefined(ours)
    if in_the_way:
        return Judgement(Verdict.NOT_COMPARABLE, f"Not comparable: {in_the_way}.")
    found = _limits(among or [row], ours)
    verdict, unequal = _verdict(found, ours), _unequal(row, trained_on_val)
    p = math.nan if among or ours.seeds == 1 else _chance(row, ours).p(found.value)
    seeds, images = ("one seed", " of other images alone") if ours.seeds == 1 else (f"{ours.seeds} seeds", "")
    chosen = f", the highest of {len(among)} comparable rows, for which the interval is corrected" if among else ""
    return Judgement(
        verdict,
        f"{verdict.capitalize()}: {ours.mean:.4f} ({seeds}, {network}) against {row.test_auc:.4f} ({row.network}{chosen}), "
        f"a difference of {_signed(found.value)}, 95 % interval{images} {_signed(found.low)} to {_signed(found.high)}"
        f"{unequal and f'; {unequal}'}{_unstated(row, origin)}.",
        found,
        p,
        unequal,
    )


def _verdict(found: Limits, ours: OverSeeds) -> Verdict:
    if ours.seeds == 1:
        return Verdict.ONE_SEED
    return Verdict.ABOVE if found.low > 0 else Verdict.BELOW if found.high < 0 else Verdict.SAME


def _limits(rows: Sequence[PublishedResult], ours: OverSeeds) -> Limits:
    """Of ours less the best true value behind the rows; of one row, of ours less its."""
    chances = [(ours.mean - (row.test_auc or 0.0), _chance(row, ours)) for row in rows]
    low = min(value - chance.se * chance.quantile(TAIL) for value, chance in chances)
    high = min(value + chance.se * chance.quantile(TAIL / len(rows)) for value, chance in chances)
    return Limits(min(value for value, _ in chances), max(low, -1.0), min(high, 1.0))


def _chance(row: PublishedResult, ours: OverSeeds) -> Chance:
    images = ours.images.se**2
    if ours.sd is None:
        return Chance(images)
    return Chance(images, ours.sd**2 * (1 / ours.seeds + 1 / row.seeds), ours.seeds - 1)


def _undefined(ours: OverSeeds) -> str:
    """Why our AUROC shows no error; empty where it does."""
    if math.isnan(ours.images.se):
        return "our AUROC, or its error, is undefined: a label has fewer than two images of a class"
    return (
        ""
        if ours.images.se > 0
        else "our order is perfect, or exactly the wrong way round, so that its error can't be told"
    )


# ------------------------------------------------------------------------------------------------ the sentence


def _unequal(row: PublishedResult, trained_on_val: bool) -> str:
    """Which of the two was trained on the val split too, where the other was not, or is not known to be."""
    if trained_on_val and row.trained_on_val != "yes":
        return "ours was trained on val too"
    return "theirs was trained on val too" if row.trained_on_val == "yes" and not trained_on_val else ""


def _unstated(row: PublishedResult, origin: Origin | None) -> str:
    """What a reader must take on trust."""
    theirs = {
        "image size": row.pixels is None,
        "external weights": row.external_weights == "not stated",
        "selection": row.selected_on_test == "not stated",
    }
    ours = {
        "image size": origin is not None and origin.pixels is None,
        "external weights": origin is not None and origin.external_weights is None,
    }
    sides = (("the source leaves", theirs), ("ours leaves", ours))
    missing = [(who, [name for name, unknown in facts.items() if unknown]) for who, facts in sides]
    return "".join(f"; {who} open: {', '.join(names)}" for who, names in missing if names)


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")
