"""The part of README.md that a study's figures make: the answer, its picture, and test AUROC by recipe and task."""

from __future__ import annotations

import base64
from pathlib import Path

from benchmark.core.errors import BadInput
from benchmark.core.files import write_text
from benchmark.published.table import PublishedResult
from benchmark.report import wording
from benchmark.report.headline import headline
from benchmark.report.model import Cell, Comparison, TaskComparison
from benchmark.report.plots.effects import effects
from benchmark.report.plots.figures import Picture
from benchmark.report.standing import references

BEGIN, END = "<!-- study: rebuilt from its figures, not written by hand -->", "<!-- end of study -->"
PICTURE = Path("docs/images/study.svg")


def write(comparison: Comparison, root: Path) -> list[Path]:
    """Put it between the marks in README.md, and its picture beside; of tasks that have figures, never of stand-in data.

    Returns:
        The files.

    Raises:
        BadInput: no marks, or nothing but stand-in data.
    """
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise BadInput(f"{readme}: needs the lines '{BEGIN}' and '{END}', once each, around the study's part")
    before, _, rest = text.partition(BEGIN)
    picture = effects(comparison.contests)
    after, part, files = rest.partition(END)[2], _block(comparison, picture), [readme]
    if picture:
        svg = base64.b64decode(picture.uri.partition(",")[2])
        write_text(root / PICTURE, svg.decode("utf-8"))
        files.append(root / PICTURE)
    write_text(readme, f"{before}{BEGIN}\n{part}{END}{after}")
    return files


def block(comparison: Comparison) -> str:
    """Markdown that ends in a line break.

    Raises:
        BadInput: nothing but stand-in data.
    """
    return _block(comparison, effects(comparison.contests))


def _block(comparison: Comparison, picture: Picture | None) -> str:
    tasks = [task for task in comparison.tasks if task.runs and not task.is_standin]
    if not tasks:
        raise BadInput(f"profile {comparison.profile}: no figures on real data, and README.md shows no others")
    answer, *sentences = headline(comparison.contests)
    parts = [f"**{answer}**", "\n".join(f"- {sentence}" for sentence in sentences)]
    parts += [f"![{picture.alt}]({PICTURE})"] if picture else []
    seeds = wording.counted(len(comparison.seeds), "seed")
    parts += [
        f"Test AUROC of profile `{comparison.profile}`, mean ± standard deviation over {seeds}; of an ensemble, one model.",
        "\n".join(_table(comparison, tasks)),
    ]
    parts += [f"{wording.LEGEND}."] if comparison.trained_on_val else []
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(comparison: Comparison, tasks: list[TaskComparison]) -> list[str]:
    rows = [["", *(task.task.name for task in tasks)], ["---"] * (1 + len(tasks))]
    for name, shown in (("published: README", "readme"), ("published: MedMNIST v2, ResNet-18", "baseline")):
        rows.append([name, *(_published(getattr(task, shown)) for task in tasks)])
    rows.append(["published: the best comparable row", *(_published(_best(task)) for task in tasks)])
    for recipe in comparison.recipes:
        cells = [next(cell for cell in task.cells if cell.recipe == recipe) for task in tasks]
        mark = wording.TRAINED_ON_VAL if recipe in comparison.trained_on_val else ""
        rows.append([f"{recipe}{mark}", *map(_figure, cells)])
    return [f"| {' | '.join(row)} |" for row in rows]


def _figure(cell: Cell) -> str:
    return wording.measured(cell.figures.get("test_auc")) if cell.done else str(cell.status.state)


def _published(row: PublishedResult | None) -> str:
    return wording.published(row.test_auc if row else None)


def _best(task: TaskComparison) -> PublishedResult | None:
    return next((one.row for one in references(task) if one.among), None)
