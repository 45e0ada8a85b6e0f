"""What the report computes from scores, kept on disk by their digest: a run is worked through once.

A kept figure belongs to the bytes of `scores.npz` and of the code that computed it, so it can't be out of date; one that
can't be read is computed again (see `kept`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed

from benchmark.core.files import sha256_of
from benchmark.core.provenance import digest_of_code
from benchmark.evaluation import bands, chance, comparison, curves, measures, placements, resampling, statistics
from benchmark.evaluation.placements import Placements
from benchmark.evaluation.statistics import Estimate, OverSeeds
from benchmark.report import kept
from benchmark.runs import cell
from benchmark.runs import scores as scores_file
from benchmark.runs.folder import RunFolder

FPR, RECALL = np.linspace(0.0, 1.0, 201), np.linspace(0.0, 1.0, 101)
WORTH_PROCESSES = 20
"""So many new runs or cells take longer than starting processes for them."""
FEW_CURVES = 20
"""Resampled ones that do on large test sets, see `resampling.enough`."""

Numbers = TypeVar("Numbers", "RunNumbers", "CellNumbers")
Runs = Sequence[tuple[RunFolder, str]]
"""Finished runs, each with the digest of its scores."""


@dataclass(frozen=True)
class RunNumbers:
    """Of one run."""

    digest: str
    """SHA-256 of the scores."""
    metrics: Mapping[str, float]
    """AUROC and accuracy of every split, see `scores.metrics`."""
    measures: Mapping[str, float]
    """Of the test split, see `measures.NAMES`."""
    labels: Sequence[Mapping[str, float]]
    """The measures of each label."""
    roc: np.ndarray
    """True positive rates on `FPR`, mean over the labels that have both classes; NaN without any."""
    precision: np.ndarray
    """Precision on `RECALL`, likewise."""
    delong: Estimate
    bootstrap: Estimate


@dataclass(frozen=True)
class CellNumbers:
    """Of all finished runs of one task and recipe, on the test split but for `out_of_fold`."""

    placements: Placements
    over: OverSeeds
    ensemble: Estimate
    """AUROC of the mean score over seeds; the interval is of images."""
    ensemble_measures: Mapping[str, float]
    roc_band: np.ndarray
    """Half widths of 95 % about the mean true positive rate on `FPR`, see `bands`."""
    precision_band: np.ndarray
    """Likewise of the precision on `RECALL`."""
    out_of_fold: Mapping[str, float]
    """Val figures of cross-fitted runs, see `runs.cell`; empty of others, which have the same val images."""
    val_images: tuple[int, int] = (0, 0)
    """How many of official val these are figures of, and how many it has."""

    @property
    def has_all_of_val(self) -> bool:
        known, images = self.val_images
        return known == images


def of_runs(folders: Sequence[RunFolder]) -> list[RunNumbers]:
    """The numbers of finished runs; many new ones on all cores."""
    runs = [[(folder, sha256_of(folder.path / "scores.npz"))] for folder in folders]
    _work_through(RunNumbers, run_numbers, runs)
    return [_known(RunNumbers, run_numbers, run) for run in runs]


def prepare_cells(cells: Sequence[Runs]) -> None:
    """Work through the cells that `of_cell` will be asked for; many new ones on all cores."""
    _work_through(CellNumbers, cell_numbers, cells)


def of_cell(runs: Runs) -> CellNumbers:
    """The numbers of the seeds together; of the same test images."""
    return _known(CellNumbers, cell_numbers, runs)


def _work_through(kind: type[Numbers], work: Callable[[Runs], Numbers], of: Sequence[Runs]) -> None:
    new = [(path, runs) for runs in of if not (path := _place(kind, runs)).is_file()]
    if len(new) >= WORTH_PROCESSES:
        Parallel(n_jobs=-1)(delayed(_work_out)(work, runs, path) for path, runs in new)


def _known(kind: type[Numbers], work: Callable[[Runs], Numbers], runs: Runs) -> Numbers:
    """The numbers of these runs, as kept, or worked out and kept."""
    path = _place(kind, runs)
    return kept.read(kind, path) or _work_out(work, runs, path)


def _work_out(work: Callable[[Runs], Numbers], runs: Runs, path: Path) -> Numbers:
    return kept.write(path, work(runs))


def _place(kind: type, runs: Runs) -> Path:
    return kept.place(kind, {"scores": [digest for _, digest in runs], "code": _code()})


def run_numbers(runs: Runs) -> RunNumbers:
    """As `of_runs`, of the one run that is given; not kept."""
    ((folder, digest),) = runs
    scores = folder.scores()
    labels, probabilities = scores["test"]
    rows = measures.per_label(labels, probabilities, measures.thresholds(scores))
    return RunNumbers(
        digest,
        scores_file.metrics(scores),
        measures.mean(rows),
        rows,
        curves.mean_roc([scores["test"]], FPR),
        curves.mean_precision([scores["test"]], RECALL),
        statistics.delong(labels, probabilities),
        statistics.bootstrap(labels, probabilities, resampling.enough(len(labels), statistics.RESAMPLES)),
    )


def cell_numbers(runs: Runs) -> CellNumbers:
    """As `of_cell`, not kept."""
    folders = tuple(folder for folder, _ in runs)
    labels, stack = comparison.stack(folders)
    together, val = {"test": (labels, statistics.ensemble(stack))}, None
    if all("val" in folder.scores() for folder in folders):
        val = cell.out_of_fold(folders)
        together["val"] = (val.labels, val.scores)
    placed = placements.placements(labels, stack)
    return CellNumbers(
        placed,
        statistics.summary(placed),
        statistics.delong(*together["test"]),
        measures.measures(together),
        *bands.bands(labels, stack, FPR, RECALL, resampling.enough(len(labels), bands.RESAMPLES, FEW_CURVES)),
        val.figures if val and val.is_cross_fitted else {},
        (len(val.labels), val.images) if val else (0, 0),
    )


@cache
def _code() -> str:
    """Digest of what computes the numbers."""
    modules = (bands, cell, chance, comparison, curves, kept, measures, placements, resampling, scores_file, statistics)
    return digest_of_code([Path(__file__), *(Path(str(module.__file__)) for module in modules)])
