"""The parts of README.md and docs/findings.md that a study's figures make."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from benchmark.core.errors import BadInput
from benchmark.core.files import write_text
from benchmark.published.table import PublishedResult
from benchmark.report import headline, page, wording
from benchmark.report.model import Cell, Comparison, TaskComparison
from benchmark.report.plots.effects import effects
from benchmark.report.plots.figures import Picture
from benchmark.report.standing import references

BEGIN, END = "<!-- study: rebuilt from its figures, not written by hand -->", "<!-- end of study -->"
README, FINDINGS, PICTURE = Path("README.md"), Path("docs/findings.md"), Path("docs/images/study.svg")


def write(comparison: Comparison, root: Path) -> list[Path]:
    """Put each part between the marks of its file, and the picture beside; never of stand-in data.

    Returns:
        The files.

    Raises:
        BadInput: no marks in one of them, or nothing but stand-in data; then none is written.
    """
    picture = effects(comparison)
    made = {README: readme(comparison, picture), FINDINGS: findings(comparison)}
    texts = {root / name: _with_part(root / name, part) for name, part in made.items()}
    if picture:
        svg = base64.b64decode(picture.uri.partition(",")[2])
        texts[root / PICTURE] = svg.decode("utf-8")
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def _with_part(path: Path, part: str) -> str:
    """The file's text with this part between its marks."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise BadInput(f"{path}: needs the lines '{BEGIN}' and '{END}', once each, around the study's part")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{part}{END}{rest.partition(END)[2]}"


def findings(comparison: Comparison) -> str:
    """The report's first part: every difference with what could have been seen, and every figure beside published ones."""
    _real(comparison)
    return page.answer(comparison)


def readme(comparison: Comparison, picture: Picture | None) -> str:
    """The answer, its picture, and test AUROC by recipe and task; Markdown that ends in a line break."""
    tasks = _real(comparison)
    parts = [f"**{headline.answer(comparison)}**"]
    if rows := headline.rows(comparison):
        parts += [f"{headline.CAPTION}.", _markdown([headline.HEADINGS, *rows])]
    parts += [f"![{picture.alt}]({PICTURE})"] if picture else []
    parts += [headline.ranks(comparison)]
    run = [name for name in comparison.recipes if any(_cell(task, name).done for task in tasks)]
    seeds = wording.counted(len(comparison.seeds), "seed")
    parts += [
        f"Test AUROC of profile `{comparison.profile}`, mean ± standard deviation over {seeds}; of an ensemble, one model.",
        _markdown(_table(comparison, tasks, run)),
    ]
    parts += [f"{wording.LEGEND}."] if comparison.trained_on_val else []
    if missing := [name for name in comparison.recipes if name not in run]:
        parts += [f"Not run: {', '.join(f'`{name}`' for name in missing)}."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _real(comparison: Comparison) -> list[TaskComparison]:
    """Tasks that have figures, none of them of stand-in data."""
    tasks = [task for task in comparison.tasks if task.runs and not task.is_standin]
    if not tasks:
        raise BadInput(f"profile {comparison.profile}: no figures on real data, and nothing else is shown there")
    return tasks


def _table(comparison: Comparison, tasks: list[TaskComparison], recipes: list[str]) -> list[list[str]]:
    rows = [["", *(task.task.name for task in tasks)]]
    for name, shown in (("published: README", "readme"), ("published: MedMNIST v2, ResNet-18", "baseline")):
        rows.append([name, *(_published(getattr(task, shown)) for task in tasks)])
    rows.append(["published: the best comparable row", *(_published(_best(task)) for task in tasks)])
    for recipe in recipes:
        rows.append([wording.marked(comparison, recipe), *(_figure(_cell(task, recipe)) for task in tasks)])
    return rows


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table; its first row are the headings."""
    heading, *rest = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join((heading, f"|{' --- |' * len(rows[0])}", *rest))


def _cell(task: TaskComparison, recipe: str) -> Cell:
    return next(cell for cell in task.cells if cell.recipe == recipe)


def _figure(cell: Cell) -> str:
    if not cell.done:
        return str(cell.status.state)
    fewer = f" ({wording.seeds(cell)} only)" if cell.problems else ""
    return wording.measured(cell.figures.get("test_auc")) + fewer


def _published(row: PublishedResult | None) -> str:
    return wording.published(row.test_auc if row else None)


def _best(task: TaskComparison) -> PublishedResult | None:
    return next((one.row for one in references(task) if one.among), None)
