"""Figures and answers as text: one way of writing them for pages, Markdown, the terminal and the legends."""

from __future__ import annotations

import math

from benchmark.evaluation.comparison import Answer, Pair, TaskPair
from benchmark.evaluation.effect import Effect
from benchmark.evaluation.statistics import Difference, Estimate
from benchmark.published.verdict import Limits, Verdict
from benchmark.report.model import Cell, Comparison, Figure, MeasuredRun

TRAINED_ON_VAL = "\N{DAGGER}"
"""Behind the name of a recipe or ensemble that was trained on the val split too."""
LEGEND = (
    f"{TRAINED_ON_VAL} trained on val too (cross-fitted, or an ensemble of such): its val figures are out of fold, each image "
    "scored by networks that were not trained on it"
)
NOTHING = "\N{EN DASH}"
UNDEFINED = "undefined"
"""For an AUROC where a label has one class only."""


def number(value: float | None) -> str:
    if value is None:
        return NOTHING
    return UNDEFINED if math.isnan(value) else f"{value:.4f}"


def measured(figure: Figure | None) -> str:
    """Mean ± standard deviation; the mean alone for one seed."""
    if figure is None:
        return NOTHING
    spread = figure.spread
    return number(figure.mean) + ("" if spread is None or math.isnan(spread) else f" ± {spread:.4f}")


def spanned(estimate: Estimate | None) -> str:
    """With its interval."""
    if estimate is None:
        return NOTHING
    return f"{number(estimate.value)} {limits(estimate)}".rstrip()


def limits(estimate: Estimate) -> str:
    """The interval alone; empty where the figure is undefined."""
    return "" if math.isnan(estimate.low) else f"[{estimate.low:.3f}, {estimate.high:.3f}]"


def scope(cell: Cell) -> str:
    """Of what the interval of one seed is; empty where it is of other images and other seeds."""
    return "of images alone" if cell.numbers and cell.numbers.over.seeds == 1 else ""


def named(cell: Cell) -> str:
    """The recipe, marked where it was trained on val too."""
    return cell.recipe + (TRAINED_ON_VAL if cell.trained_on_val else "")


def marked(comparison: Comparison, recipe: str) -> str:
    """The name of a recipe, ensemble or method, marked where it was trained on val too."""
    return recipe + (TRAINED_ON_VAL if recipe in comparison.trained_on_val else "")


def two(comparison: Comparison, a: str, b: str) -> str:
    """Whose difference it is."""
    return f"{marked(comparison, a)} \N{MINUS SIGN} {marked(comparison, b)}"


def run(cell: Cell, one: MeasuredRun) -> str:
    """One of a cell's runs."""
    return f"{named(cell)}, one model" if cell.ensemble else f"{named(cell)}, seed {one.seed}"


def seeds(cell: Cell) -> str:
    """How many seeds, or of an ensemble networks, stand behind a cell's figures."""
    if cell.networks:
        return f"mean of {cell.networks} networks"
    count = len(cell.done)
    return "one seed" if count == 1 else f"{count} seeds"


def counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def published(value: float | None) -> str:
    """With three decimals where the source has no more, else four."""
    return NOTHING if value is None else f"{value:.4f}".removesuffix("0")


def difference(value: float | None) -> str:
    """With its sign, and a minus that is as wide as the plus."""
    if value is None:
        return NOTHING
    return UNDEFINED if math.isnan(value) else f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")


def interval(row: TaskPair) -> str:
    """The difference of two sides with its interval."""
    return f"{difference(row.difference.value)} {bounds(row.difference)}".rstrip()


def bounds(one: Difference | Limits) -> str:
    """The interval of a difference alone; empty where it is undefined."""
    if math.isnan(one.low) or math.isnan(one.high):
        return ""
    return f"[{difference(one.low)}, {difference(one.high)}]"


def effect(one: Effect) -> str:
    """A mean difference with its interval, where it has one."""
    if one.low is None or one.high is None:
        return difference(one.value) if not math.isnan(one.value) else UNDEFINED
    return f"{difference(one.value)} [{difference(one.low)}, {difference(one.high)}]"


def needed(count: float) -> str:
    """Of seeds or images, for a difference to be seen."""
    return "not enough alone" if math.isinf(count) else f"{math.ceil(count):,}"


def answer(pair: Pair, row: TaskPair) -> str:
    """What the test says of two sides on one task."""
    return {
        Answer.A_BETTER: f"{pair.a} better",
        Answer.B_BETTER: f"{pair.b} better",
        Answer.NOT_DISTINGUISHABLE: Verdict.SAME,
        Answer.ONE_SEED: Verdict.ONE_SEED,
        Answer.UNDEFINED: "undefined: a label has one class",
    }[row.answer]


def p_value(p: float) -> str:
    return NOTHING if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float) -> str:
    """As `p_value`, to stand behind 'p'."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def seconds(value: float | None) -> str:
    """A duration in the two units that matter."""
    if value is None:
        return NOTHING
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{value:.1f} s"
