"""The differences that the answer is made of: over all tasks and on each, a row for every contest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.config.colours import COLOURS
from benchmark.evaluation.effect import OVERALL, Contest, Measure
from benchmark.evaluation.measures import NAMES
from benchmark.report import wording
from benchmark.report.model import Comparison
from benchmark.report.plots.figures import STYLE, Picture, svg_uri

STEP = 0.22
"""Between the measures of one row."""
ABREAST = 5


def effects(comparison: Comparison) -> Picture | None:
    """A panel for all tasks together and for each; None without contests."""
    contests = comparison.contests
    places = list(dict.fromkeys(place for contest in contests for place in contest.effects(Measure.AUROC)))
    if not places:
        return None
    columns = min(len(places), ABREAST)
    rows = math.ceil(len(places) / columns)
    with mpl.rc_context(STYLE):
        size = (2.2 + 2.1 * columns, rows * (0.9 + 0.6 * len(contests)) + 0.8)
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        panels = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
        for panel in panels[len(places) :]:
            panel.set_visible(False)
        for panel, place in zip(panels, places, strict=False):
            _panel(panel, contests, place)
        names = [
            wording.two(comparison, one.a, one.b).replace(" \N{MINUS SIGN}", "\n\N{MINUS SIGN}") for one in contests
        ]
        panels[0].set_yticks(range(len(contests)), names, fontsize=9)
        panels[0].set_ylim(len(contests) - 0.5, -0.5)
        figure.supxlabel("difference on test [95 %: other images, other seeds]", fontsize=10)
        handles = [
            Line2D([], [], color=COLOURS[number], marker="o", label=NAMES[measure])
            for number, measure in enumerate(Measure)
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
        alt = "; ".join(
            f"{wording.marked(comparison, one.a)} {wording.effect(one.measures[Measure.AUROC].mean)}"
            for one in contests
        )
        return Picture(
            svg_uri(figure), f"Difference to the same training for another loss. Test AUROC, all tasks: {alt}"
        )


def _panel(axes: Axes, contests: Sequence[Contest], place: str) -> None:
    axes.axvline(0, color="#777777", linewidth=0.9)
    for y, contest in enumerate(contests):
        for number, measure in enumerate(Measure):
            found = contest.effects(measure).get(place)
            if found is None or math.isnan(found.value):
                continue
            at = y + STEP * (number - 1)
            if found.low is not None and found.high is not None:
                axes.plot([found.low, found.high], [at, at], color=COLOURS[number])
            axes.plot([found.value], [at], "o", color=COLOURS[number], markersize=7 if place == OVERALL else 5)
    axes.set_title(place, fontsize=10, fontweight="bold" if place == OVERALL else "normal")
    axes.tick_params(axis="x", labelsize=8)
    axes.locator_params(axis="x", nbins=4)
