"""Published figures to set ours beside, each with its source: results.csv and sources.csv.

AUROC and accuracy as shares of 1. A missing figure is one that the source does not give; free text says in our own
words what the source states, and 'not stated' where it does not. Five columns hold the same for `verdict` to decide by:
`pixels` beside `image_size`, `external_weights` beside `pretraining`, and `selected_on_test`, `trained_on_val` and `automl`
beside `selection` and `method`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent
FIGURES = ("train_acc", "val_auc", "val_acc", "test_auc", "test_acc")
"""What the README reports; the other sources give the two of the test split."""
README, MEDMNIST, SUPERSEDED = "dam_readme", "medmnist_v2", "medmnist_v2_2021"
Stated = Literal["yes", "no", "not stated"]
BASELINES = ("ResNet-18 (28)", "ResNet-18 + 3D")
"""The MedMNIST v2 rows of the network that this suite trains from scratch, 2D and 3D."""


@dataclass(frozen=True)
class PublishedResult:
    """A row of results.csv."""

    task: str
    comparable: str
    """'yes', or 'no: ' and why these figures may not be set beside those of the present data file."""
    method: str
    network: str
    image_size: str
    pixels: int | None
    """Edge length of what the network is given (of a slice, where a 3D one is not a cube); None where not stated."""
    pretraining: str
    external_weights: Stated
    """Whether it starts from weights that were trained on anything but MedMNIST."""
    test_auc: float | None
    test_acc: float | None
    val_auc: float | None
    val_acc: float | None
    train_acc: float | None
    selection: str
    """By which rule the reported epoch was chosen, as far as that is stated."""
    selected_on_test: Stated
    """'no' where all that is known of the rule leaves the test split out; 'yes' where the source says that it chose by it."""
    trained_on_val: Stated
    """'no' where the epoch was chosen by the val split, which was not trained on then."""
    automl: Literal["yes", "no"]
    """Whether a program searched for the network: a tool for AutoML, or an architecture search."""
    n_seeds: str
    source_key: str
    note: str

    @property
    def is_comparable(self) -> bool:
        """Whether it was measured on the present test set; what else stands in the way is for `verdict` to say."""
        return self.comparable == "yes"

    @property
    def seeds(self) -> int:
        """Runs behind the figure; one where the source does not say that it is a mean."""
        first = self.n_seeds.split()[0]
        return int(first) if first.isdigit() else 1

    @property
    def apart(self) -> tuple[str, ...]:
        """What tells it apart from a network that was trained on the train split alone, from random weights."""
        facts = {
            "AutoML": self.automl == "yes",
            "weights not stated": self.external_weights == "not stated",
            "trained on val too": self.trained_on_val == "yes",
        }
        return tuple(word for word, applies in facts.items() if applies)

    @property
    def has_figures(self) -> bool:
        return any(getattr(self, name) is not None for name in FIGURES)


@dataclass(frozen=True)
class Source:
    """A row of sources.csv."""

    source_key: str
    citation: str
    url: str
    where: str
    """Where in the source the figures stand, and what else was read to understand them."""


def load() -> list[PublishedResult]:
    """Every row, superseded ones included."""
    return list(_rows())


def sources() -> dict[str, Source]:
    """Sources by key."""
    return {row["source_key"]: Source(**row) for row in _read("sources.csv")}


def for_task(reference: str) -> list[PublishedResult]:
    """Every row of an official task, superseded ones included."""
    return [row for row in _rows() if row.task == reference]


def readme_row(reference: str) -> PublishedResult | None:
    """The README's row of an official task; its figures are all missing for ChestMNIST."""
    return next((row for row in for_task(reference) if row.source_key == README), None)


def medmnist_rows(reference: str) -> list[PublishedResult]:
    """The MedMNIST v2 benchmark of an official task, as corrected."""
    return [row for row in for_task(reference) if row.source_key == MEDMNIST]


def baseline_row(reference: str) -> PublishedResult | None:
    """The MedMNIST v2 row of ResNet-18 at 28 pixels."""
    return next((row for row in medmnist_rows(reference) if row.method in BASELINES), None)


@cache
def _rows() -> tuple[PublishedResult, ...]:
    return tuple(_result(row) for row in _read("results.csv"))


def _result(row: dict[str, str]) -> PublishedResult:
    values: dict[str, Any] = {name: float(row[name]) if row[name] else None for name in FIGURES}
    values["pixels"] = None if row["pixels"] == "not stated" else int(row["pixels"])
    return PublishedResult(**{**row, **values})


def _read(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
