"""What the report computes from scores, kept on disk by their digest: a run is worked through once.

A kept figure belongs to the bytes of `scores.npz` and of the code that computed it, so it can't be out of date; one that
can't be read is computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Memory, Parallel, delayed
from sklearn.metrics import precision_recall_curve, roc_curve

from benchmark import comparison, measures, scoring, statistics
from benchmark.report import bands
from benchmark.runs import RunFolder
from benchmark.statistics import Estimate, OverSeeds, Placements

FPR, RECALL = np.linspace(0.0, 1.0, 201), np.linspace(0.0, 1.0, 101)
CACHE = Path(".cache/report")
WORTH_PROCESSES = 20
"""So many new runs or cells take longer than starting processes for them."""
MANY_IMAGES, FEW_RESAMPLES, FEW_CURVES = 5000, 200, 20
"""On test sets beyond this size fewer resamples do: there the bootstrap and DeLong's interval agree closely."""


@dataclass(frozen=True)
class RunNumbers:
    """Of one run."""

    metrics: Mapping[str, float]
    """AUROC and accuracy of every split, see `scoring.metrics`."""
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
    """Of all finished runs of one task and recipe, on the test split."""

    placements: Placements
    over: OverSeeds
    ensemble: Estimate
    """AUROC of the mean score over seeds; the interval is of images."""
    ensemble_measures: Mapping[str, float]
    roc_band: np.ndarray
    """Half widths of 95 % about the mean true positive rate on `FPR`, see `bands`."""
    precision_band: np.ndarray
    """Likewise of the precision on `RECALL`."""


def of_runs(folders: Sequence[RunFolder]) -> list[RunNumbers]:
    """The numbers of finished runs; many new ones on all cores."""
    calls = [(digest(folder), _code(), folder) for folder in folders]
    _work_through(_run, calls)
    return [_run(*call) for call in calls]


def prepare_cells(cells: Sequence[Sequence[RunFolder]]) -> None:
    """Work through the cells that `of_cell` will be asked for; many new ones on all cores."""
    _work_through(_cell, [([digest(folder) for folder in folders], _code(), tuple(folders)) for folders in cells])


def _work_through(kept: Any, calls: Sequence[tuple[Any, ...]]) -> None:
    new = [call for call in calls if not kept.check_call_in_cache(*call)]
    if len(new) >= WORTH_PROCESSES:
        Parallel(n_jobs=-1)(delayed(kept)(*call) for call in new)


def of_cell(folders: Sequence[RunFolder]) -> CellNumbers:
    """The numbers of the seeds together; of the same test images."""
    found: CellNumbers = _cell([digest(folder) for folder in folders], _code(), tuple(folders))
    return found


def digest(folder: RunFolder) -> str:
    """SHA-256 of the run's scores."""
    with (folder.path / "scores.npz").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run_numbers(digest: str, code: str, folder: RunFolder) -> RunNumbers:
    """As `of_runs`, not kept; `digest` and `code` are what the kept ones go by."""
    scores = folder.scores()
    labels, probabilities = scores["test"]
    rows = measures.per_label(labels, probabilities, measures.thresholds(scores))
    return RunNumbers(
        scoring.metrics(scores),
        measures.mean(rows),
        rows,
        *_curves(labels, probabilities),
        statistics.delong(labels, probabilities),
        statistics.bootstrap(
            labels, probabilities, statistics.RESAMPLES if len(labels) <= MANY_IMAGES else FEW_RESAMPLES
        ),
    )


def _curves(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`roc` and `precision` of a run."""
    rates, precisions = [np.full_like(FPR, np.nan)], [np.full_like(RECALL, np.nan)]
    for column in range(labels.shape[1]):
        if 0 < labels[:, column].mean() < 1:  # no curve where a label has one class only
            fpr, tpr, _ = roc_curve(labels[:, column], scores[:, column])
            precision, recall, _ = precision_recall_curve(labels[:, column], scores[:, column])
            rates.append(np.interp(FPR, fpr, tpr))
            # Of the points with one recall the first has the highest precision; more images add false positives.
            reached, first = np.unique(recall[::-1], return_index=True)
            precisions.append(np.interp(RECALL, reached, precision[::-1][first]))
    return np.mean(rates[1:] or rates, axis=0), np.mean(precisions[1:] or precisions, axis=0)


def cell_numbers(digests: list[str], code: str, folders: tuple[RunFolder, ...]) -> CellNumbers:
    """As `of_cell`, not kept."""
    labels, stack = comparison.stack(folders)
    together = {"test": (labels, statistics.ensemble(stack))}
    if all("val" in folder.scores() for folder in folders):
        val_labels, val_stack = comparison.stack(folders, "val")
        together["val"] = (val_labels, statistics.ensemble(val_stack))
    placed = statistics.placements(labels, stack)
    return CellNumbers(
        placed,
        statistics.summary(placed),
        statistics.delong(*together["test"]),
        measures.measures(together),
        *bands.bands(labels, stack, FPR, RECALL, bands.RESAMPLES if len(labels) <= MANY_IMAGES else FEW_CURVES),
    )


_memory = Memory(CACHE, verbose=0)
_run = _memory.cache(run_numbers, ignore=["folder"])
_cell = _memory.cache(cell_numbers, ignore=["folders"])


@cache
def _code() -> str:
    """Digest of what computes the numbers."""
    modules = (bands, comparison, measures, scoring, statistics)
    own = b"".join(Path(str(module.__file__)).read_bytes() for module in modules) + Path(__file__).read_bytes()
    return hashlib.sha256(own).hexdigest()
