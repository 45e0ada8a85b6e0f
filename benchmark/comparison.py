"""Two methods on the same test images: whose AUROC is higher, and whether that is more than chance.

A side is a recipe or a method from elsewhere (every task that it has runs of), one task of it, or one run. The rule: a side is called better
where both have two seeds or more and the p-value of their difference, other seeds on other images, is below 0.05 after
Holm's correction over the tasks. With one seed nothing is called better: its spread over seeds is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark import statistics
from benchmark.errors import BadInput
from benchmark.runs import EXTERNAL, RUNS, RunFolder
from benchmark.statistics import Difference, OverSeeds, Ranking

LEVEL = 0.05
Measured = tuple[OverSeeds, OverSeeds, Difference]
"""Of one task: both sides, and how they differ."""
SAME, ONE_SEED, UNDEFINED = "not distinguishable", "not decided: one seed", "undefined: a label has one class"


@dataclass(frozen=True)
class Side:
    """What one name of a comparison stands for."""

    name: str
    cells: Mapping[str, tuple[RunFolder, ...]]
    """Finished runs by task, in the order of their seeds."""


@dataclass(frozen=True)
class Row:
    """One task."""

    task: str
    a: OverSeeds
    b: OverSeeds
    difference: Difference
    p_holm: float
    """`difference.p`, corrected for the number of tasks."""
    verdict: str
    standin: bool


@dataclass(frozen=True)
class Pair:
    """Two sides, and what the test splits say of them."""

    a: str
    b: str
    rows: tuple[Row, ...]
    ranking: Ranking
    unpaired: tuple[str, ...]
    """Tasks that only one of the sides was run on."""

    @property
    def is_standin(self) -> bool:
        return any(row.standin for row in self.rows)


def find(name: str, profile: str, root: Path = RUNS) -> Side:
    """What a name stands for: a run folder, the folder of a task's recipe, or a recipe of the profile.

    A method from elsewhere, whose runs lie beside those of recipes, is named as a recipe is.

    Raises:
        BadInput: it is none of them, or nothing of it is finished.
    """
    path = Path(name)
    named = [found for place in (root / profile, root.parent / EXTERNAL) for found in sorted(place.glob("*/*/seed*"))]
    if path.is_dir():
        folders = [path] if (path / "run.json").is_file() else sorted(path.glob("seed*"))
    else:
        folders = [found for found in named if found.parent.name == name]
    cells: dict[str, list[RunFolder]] = {}
    for folder in map(RunFolder, folders):
        if folder.is_done:
            (task,) = folder.record()["config"]["tasks"]
            cells.setdefault(task, []).append(folder)
    if not cells:
        known = sorted({found.parent.name for found in named})
        raise BadInput(
            f"argument '{name}': no finished run; give a run folder, a folder of seeds, a registered model, or a recipe "
            f"(or method from elsewhere) that profile {profile} has runs of: {', '.join(known) or 'none'}"
        )
    return Side(name, {task: tuple(sorted(found, key=_seed)) for task, found in cells.items()})


def compare(a: Side, b: Side, resamples: int = statistics.RESAMPLES) -> Pair:
    """Compare two sides on every task that both were run on.

    Raises:
        BadInput: they share no task, or a run, or were scored on other test images.
    """
    shared = [task for task in a.cells if task in b.cells]
    if not shared:
        raise BadInput(f"'{a.name}' and '{b.name}' have no task in common: {', '.join({**a.cells, **b.cells})}")
    if both := sorted(_paths(a) & _paths(b)):
        raise BadInput(f"'{a.name}' and '{b.name}' both stand for {both[0]}: a run can't be compared with itself")
    found = {task: _measured(task, a, b, resamples) for task in shared}
    standins = {task for task in shared if a.cells[task][0].record()["standin"]}
    return pair(a.name, b.name, found, standins, sorted(set(a.cells) ^ set(b.cells)))


def pair(
    a: str, b: str, found: Mapping[str, Measured], standins: Collection[str], unpaired: Sequence[str] = ()
) -> Pair:
    """Correct the tests of all tasks for their number, and say what they mean."""
    corrected = statistics.holm([difference.p for _, _, difference in found.values()])
    rows = tuple(
        Row(task, *measured, p, _verdict(a, b, measured[2], p), task in standins)
        for (task, measured), p in zip(found.items(), corrected, strict=True)
    )
    table = {
        f"a: {a}": {row.task: row.a.mean for row in rows},
        f"b: {b}": {row.task: row.b.mean for row in rows},
    }
    return Pair(a, b, rows, statistics.ranking(table), tuple(unpaired))


def stack(folders: tuple[RunFolder, ...], split: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Labels (n, L), and the scores of every seed (S, n, L).

    Raises:
        BadInput: the runs were not scored on the same images.
    """
    parts = [folder.scores()[split] for folder in folders]
    labels = parts[0][0]
    for folder, (other, _) in zip(folders, parts, strict=True):
        if not np.array_equal(labels, other):
            raise BadInput(
                f"{folders[0].path} and {folder.path}: other labels in split {split}, so these are other images; "
                "compare runs on the same data file"
            )
    return labels, np.stack([scores for _, scores in parts])


def _measured(task: str, a: Side, b: Side, resamples: int) -> Measured:
    labels, both = stack((*a.cells[task], *b.cells[task]))
    of_a, of_b = np.split(both, [len(a.cells[task])])
    measured = statistics.over_seeds(labels, of_a), statistics.over_seeds(labels, of_b)
    return *measured, statistics.difference(labels, of_a, of_b, resamples)


def _verdict(a: str, b: str, difference: Difference, p: float) -> str:
    if math.isnan(difference.value):
        return UNDEFINED
    if min(difference.seeds) < 2:
        return ONE_SEED
    if math.isnan(p):  # one image of a class shows no spread over images
        return SAME
    if p >= LEVEL:
        return SAME
    return f"{a if difference.value > 0 else b} better"


def _paths(side: Side) -> set[Path]:
    return {folder.path.resolve() for folders in side.cells.values() for folder in folders}


def _seed(folder: RunFolder) -> int:
    return int(folder.record()["config"]["seed"])
