"""Whether training for AUROC helps: recipes beside those that differ from them in their objective alone.

Two recipes are set beside each other where one trains for AUROC, the other does not, and all else of what their runs really
used is equal: network, start, data, augmentation, epochs, schedule. No list says which; their records do.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.core.provenance import digest_of_code, imported
from benchmark.evaluation import comparison, effect
from benchmark.evaluation.effect import Contest, Measure, Overall, Scored
from benchmark.report import kept
from benchmark.report.model import Cell, TaskComparison

OWN = {"recipe", "objective", "seed"}
"""What the runs of two recipes on one task under equal conditions may differ in."""


def contests(tasks: Sequence[TaskComparison]) -> list[Contest]:
    """All that the runs make, over the tasks on which both recipes have figures under equal conditions.

    Of stand-in data only where there is no other.
    """
    shared: dict[tuple[str, str], dict[str, tuple[Cell, Cell]]] = {}
    for task in [task for task in tasks if not task.is_standin] or tasks:
        known = [(cell, *found) for cell in task.cells if (found := _conditions(cell))]
        for (a, a_for_auc, of_a), (b, b_for_auc, of_b) in itertools.permutations(known, 2):
            if a_for_auc and not b_for_auc and of_a == of_b:
                shared.setdefault((a.recipe, b.recipe), {})[task.task.name] = (a, b)
    return effect.contests(
        {names: {measure: _measured(cells, measure) for measure in Measure} for names, cells in shared.items()}
    )


def _conditions(cell: Cell) -> tuple[bool, dict[str, Any]] | None:
    """Whether a recipe trains for AUROC, and all else of it; None where nothing of it was trained here, or not all seeds
    alike, as where some are left from before a change."""
    records = [run.trained for run in cell.done if run.trained]
    each = [(one.config.objective, {"data": one.data_md5, **one.config.model_dump(exclude=OWN)}) for one in records]
    if not each or any(one != each[0] for one in each):
        return None
    objective, conditions = each[0]
    return objective.for_auc, conditions


def _measured(cells: Mapping[str, tuple[Cell, Cell]], measure: Measure) -> Overall:
    """As kept, or worked out and kept."""
    runs = {
        task: [[(run.seed, run.numbers.digest) for run in cell.done if run.numbers] for cell in pair]
        for task, pair in cells.items()
    }
    path = kept.place(Overall, {"measure": measure, "runs": runs, "code": _code()})
    return kept.read(Overall, path) or kept.write(
        path, effect.compare({task: _scored(*pair) for task, pair in cells.items()}, measure)
    )


def _scored(a: Cell, b: Cell) -> Scored:
    labels, scores = comparison.stack([run.folder for run in (*a.done, *b.done)])
    each = iter(scores)
    of_a, of_b = ({run.seed: next(each) for run in cell.done if run.seed is not None} for cell in (a, b))
    return Scored(labels, of_a, of_b)


@cache
def _code() -> str:
    """Digest of what computes the effects."""
    own = (Path(__file__), Path(str(comparison.__file__)), Path(str(kept.__file__)))
    return digest_of_code({*own, *imported(Path(str(effect.__file__)))})
