"""The comparison as a page and as its Markdown twin: same figures, same sentences, two templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark import measures, published
from benchmark.comparison import Row
from benchmark.published import PublishedResult
from benchmark.published.verdict import Judgement
from benchmark.report import compare_page, curves, figures, standing
from benchmark.report.discussion import discussion
from benchmark.report.forest import forest
from benchmark.report.gallery import Gallery, gallery
from benchmark.report.model import Cell, Comparison, TaskComparison
from benchmark.report.notes import Note, notes, verdict
from benchmark.report.origins import origins
from benchmark.report.rendering import templates
from benchmark.runs import atomic, cell_command
from benchmark.tasks import STAMP

FIGURES = {
    "train_acc": "train acc",
    "val_auc": "val AUROC",
    "val_acc": "val acc",
    "test_auc": "test AUROC",
    "test_acc": "test acc",
}
"""Columns of a task's table, in the README's order."""


@dataclass(frozen=True)
class Section:
    """What the page says of one task."""

    part: TaskComparison
    notes: list[Note]
    verdict: str
    pictures: list[figures.Picture]
    forest: figures.Picture | None
    best: PublishedResult | None
    """The best published figure that ours may be set beside."""
    champion: Cell | None
    beside: list[standing.Beside]
    """Every published row beside the champion."""
    pairs: list[tuple[str, str, Row]]
    """Every two recipes on this task."""
    gallery: Gallery | None
    commands: list[str]
    """How to run each cell again."""


def write(comparison: Comparison, out: Path, swept: Mapping[str, Path]) -> None:
    """Write `report.md` and `report.html` into `out`, each whole or not at all; they link to the pages of sweeps."""
    content = _content(comparison, out) | {"swept": {task: path.name for task, path in swept.items()}}
    for name in ("report.md", "report.html"):
        text = templates().get_template(f"{name}.j2").render(content)
        with atomic(out / name) as partial:
            partial.write_text(text, encoding="utf-8")


def _content(comparison: Comparison, out: Path) -> dict[str, Any]:
    sections = [_section(comparison, part) for part in comparison.tasks]
    cells = [cell for part in comparison.tasks for cell in part.cells if cell.status != "not given"]
    rows = [row for part in comparison.tasks for row in (part.readme, *part.medmnist) if row]
    rows += [one.row for section in sections for one in section.beside] + [s.best for s in sections if s.best]
    keys = dict.fromkeys(row.source_key for row in rows)
    return {
        "comparison": comparison,
        "sections": sections,
        "counts": {"done": sum(cell.status == "done" for cell in cells), "all": len(cells)},
        "origins": origins(comparison, out),
        "sources": [published.sources()[key] for key in keys],
        "columns": FIGURES,
        "measures": measures.NAMES,
        "discussion": discussion(comparison),
        "judged": judged,
        "interval": compare_page.interval,
        "p_value": compare_page.p_value,
        "stamp": STAMP,
    }


def _section(comparison: Comparison, part: TaskComparison) -> Section:
    found, champion = notes(comparison, part), standing.champion(part)
    pictures = (figures.roc(part), curves.precision_recall(part), figures.learning(part), curves.calibration(part))
    return Section(
        part,
        found,
        verdict(part, found),
        [picture for picture in pictures if picture],
        forest(part),
        standing.best(part),
        champion,
        list(standing.beside(part, champion)) if champion else [],
        [(a, b, row) for (a, b), pair in comparison.pairs.items() for row in pair.rows if row.task == part.task.name],
        gallery(part),
        [
            cell_command(comparison.profile, part.task.name, recipe)
            for recipe in comparison.recipes
            if recipe not in comparison.external
        ],
    )


def judged(section: Section, cell: Cell) -> Judgement | None:
    """A cell beside the best published figure."""
    return standing.judgement(section.part, cell, section.best)
