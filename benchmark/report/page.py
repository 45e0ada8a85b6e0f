"""The comparison as a page and as its Markdown twin: same figures, same sentences, two templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmark import published
from benchmark.report import figures, wording
from benchmark.report.model import Comparison, TaskComparison
from benchmark.report.notes import Note, notes, verdict
from benchmark.report.origins import origins
from benchmark.runs import atomic
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
    commands: list[str]
    """How to run each cell again."""


def write(comparison: Comparison, out: Path, swept: Mapping[str, Path]) -> None:
    """Write `report.md` and `report.html` into `out`, each whole or not at all; they link to the pages of sweeps."""
    content = _content(comparison) | {"swept": {task: path.name for task, path in swept.items()}}
    for name in ("report.md", "report.html"):
        text = templates().get_template(f"{name}.j2").render(content)
        with atomic(out / name) as partial:
            partial.write_text(text, encoding="utf-8")


def _content(comparison: Comparison) -> dict[str, Any]:
    sections = [_section(comparison, part) for part in comparison.tasks]
    cells = [cell for part in comparison.tasks for cell in part.cells]
    keys = dict.fromkeys(row.source_key for part in comparison.tasks for row in (part.readme, *part.medmnist) if row)
    return {
        "comparison": comparison,
        "sections": sections,
        "counts": {"done": sum(cell.status == "done" for cell in cells), "all": len(cells)},
        "origins": origins(comparison),
        "sources": [published.sources()[key] for key in keys],
        "columns": FIGURES,
        "stamp": STAMP,
    }


def _section(comparison: Comparison, part: TaskComparison) -> Section:
    found = notes(comparison, part)
    pictures = (figures.roc(part), figures.learning(part))
    commands = [
        f"mlflow run . -e finetune -P task={part.task.name} -P recipe={recipe} -P profile={comparison.profile}"
        for recipe in comparison.recipes
    ]
    return Section(part, found, verdict(part, found), [picture for picture in pictures if picture], commands)


def templates() -> Environment:
    """What every page of the report is rendered by."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= _filters()
    return environment


def _filters() -> Mapping[str, Any]:
    return {
        "measured": wording.measured,
        "published": wording.published,
        "difference": wording.difference,
        "number": wording.number,
        "seeds": wording.seeds,
        "md": _markdown,
    }


def _markdown(text: object) -> str:
    """Free text within a Markdown table or paragraph: no cell, tag or line of its own."""
    plain = " ".join(str(text).split())
    for character, escaped in {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "\\|"}.items():
        plain = plain.replace(character, escaped)
    return plain
