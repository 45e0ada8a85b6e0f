"""The comparison as a page and as its Markdown twin: same figures, same sentences, two templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.config.tasks import STAMP
from benchmark.core.files import write_text
from benchmark.evaluation import measures
from benchmark.evaluation.comparison import Pair, TaskPair
from benchmark.published.table import PublishedResult, sources
from benchmark.report import headline, standing, wording
from benchmark.report.commands import Commands
from benchmark.report.discussion import discussion
from benchmark.report.model import Cell, Comparison, TaskComparison
from benchmark.report.notes import Note, notes, verdict
from benchmark.report.origins import origins
from benchmark.report.plots import curves, figures
from benchmark.report.plots.effects import effects
from benchmark.report.plots.figures import Picture
from benchmark.report.plots.forest import forest
from benchmark.report.plots.gallery import Gallery, gallery
from benchmark.report.rendering import templates
from benchmark.runs.status import State
from benchmark.runs.workspace import Workspace

FIGURES = {
    "train_acc": "train acc",
    "val_auc": "val AUROC",
    "val_acc": "val acc",
    "test_auc": "test AUROC",
    "test_acc": "test acc",
}
"""Columns of a task's table, in the README's order."""
TOGETHER = (
    "A word that is taken back where all words beside the README's and MedMNIST's figures are corrected together (Holm) has "
    "'alone' behind it; one beside a best row is of its cell alone."
)


@dataclass(frozen=True)
class TaskSection:
    """What the page says of one task."""

    part: TaskComparison
    notes: list[Note]
    verdict: str
    pictures: list[Picture]
    forest: Picture | None
    champion: Cell | None
    opponent: Cell | None
    beside: list[standing.Beside]
    """Every published row beside the opponent."""
    pairs: list[tuple[Pair, TaskPair]]
    """Every two recipes, and how they compare on this task."""
    gallery: Gallery | None
    data: str
    """Where the data file should lie, whose images the gallery shows."""
    commands: list[str]
    """How to run each cell again."""


def write(comparison: Comparison, workspace: Workspace, swept: Mapping[str, Path], commands: Commands) -> None:
    """Write `report.md` and `report.html`, each whole or not at all; they link to the pages of sweeps."""
    content = _content(comparison, workspace, commands)
    content["swept"] = {task: path.name for task, path in swept.items()}
    for name in ("report.md", "report.html"):
        write_text(workspace.reports / name, templates().get_template(f"{name}.j2").render(content))


def answer(comparison: Comparison) -> str:
    """What the page says first, as Markdown: the answer, and test AUROC beside published figures."""
    return templates().get_template("answer.md.j2").render(_first(comparison))


def _first(comparison: Comparison) -> dict[str, Any]:
    references = {part.task.name: standing.references(part) for part in comparison.tasks}
    return {
        "comparison": comparison,
        "marked": partial(wording.marked, comparison),
        "two": partial(wording.two, comparison),
        "headline": headline.answer(comparison),
        "headings": headline.HEADINGS,
        "caption": headline.CAPTION,
        "rows": headline.rows(comparison),
        "ranks": headline.ranks(comparison),
        "measures": measures.NAMES,
        "told": headline.told,
        "references": references,
        "beside": standing.beside_references(comparison.tasks),
        "together": TOGETHER,
        "any_beside": any(
            references[part.task.name] and part.runs and not part.is_standin for part in comparison.tasks
        ),
        "stamp": STAMP,
    }


def _content(comparison: Comparison, workspace: Workspace, commands: Commands) -> dict[str, Any]:
    first = _first(comparison)
    sections = [_section(comparison, part, workspace, commands) for part in comparison.tasks]
    cells = [cell for part in comparison.tasks for cell in part.cells if cell.status.state is not State.NOT_GIVEN]
    references = [one for each in first["references"].values() for one in each]
    keys = dict.fromkeys(row.source_key for row in _shown(sections, references))
    return first | {
        "sections": sections,
        "counts": {"done": sum(cell.status.is_done for cell in cells), "all": len(cells)},
        "origins": origins(comparison, workspace.reports),
        "sources": [sources()[key] for key in keys],
        "columns": FIGURES,
        "effects": effects(comparison),
        "discussion": discussion(comparison),
        "any_cell": commands.any_cell(comparison.profile),
    }


def _shown(sections: list[TaskSection], references: list[standing.Reference]) -> Iterator[PublishedResult]:
    """Every published row that is somewhere on the page."""
    for section in sections:
        yield from (row for row in (section.part.readme, *section.part.medmnist) if row)
    for section in sections:
        yield from (one.row for one in section.beside)
    yield from (reference.row for reference in references)


def _section(comparison: Comparison, part: TaskComparison, workspace: Workspace, commands: Commands) -> TaskSection:
    noted, champion, name = notes(comparison, part), standing.champion(part), part.task.name
    opponent = standing.opponent(part)
    pictures = (figures.roc(part), curves.precision_recall(part), figures.learning(part), curves.calibration(part))
    recipes = [recipe for recipe in comparison.recipes if recipe not in comparison.external]
    return TaskSection(
        part=part,
        notes=noted,
        verdict=verdict(part, noted),
        pictures=[picture for picture in pictures if picture],
        forest=forest(part),
        champion=champion,
        opponent=opponent,
        beside=list(standing.beside(part, opponent)) if opponent else [],
        pairs=[(pair, row) for pair in comparison.pairs.values() for row in pair.rows if row.task == name],
        gallery=gallery(part, workspace),
        data=workspace.data(name).relative_to(workspace.root).as_posix(),
        commands=[
            (commands.ensemble if recipe in comparison.ensembles else commands.cell)(comparison.profile, name, recipe)
            for recipe in recipes
        ],
    )
