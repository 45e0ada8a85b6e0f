"""The published figures: read as typed, complete, and each with a source."""

import pytest
from medmnist import INFO

from benchmark import published
from benchmark.published import FIGURES
from tests.test_tasks import SEVEN


@pytest.mark.parametrize(
    ("task", "figures"),
    [  # train_acc, val_auc, val_acc, test_auc, test_acc
        ("breastmnist", (0.9872, 0.9524, 0.8846, 0.9121, 0.8526)),
        ("pneumoniamnist", (0.9909, 0.9943, 0.9733, 0.9776, 0.9199)),
        ("chestmnist", (None, None, None, None, None)),
        ("nodulemnist3d", (0.908054, 0.8724, 0.828942, 0.8469, 0.817532)),
        ("vesselmnist3d", (1.0, 0.8717, 0.880208, 0.7835, 0.861257)),
        ("synapsemnist3d", (0.847154, 0.6003, 0.706215, 0.5418, 0.71875)),
    ],
)
def test_the_readmes_five_figures(task: str, figures: tuple[float | None, ...]) -> None:
    row = published.readme_row(task)
    assert row is not None
    assert tuple(getattr(row, name) for name in FIGURES) == figures
    assert row.has_figures == (task != "chestmnist")


@pytest.mark.parametrize(
    ("task", "method", "auc", "acc"),
    [
        ("breastmnist", "ResNet-18 (28)", 0.901, 0.863),
        ("chestmnist", "ResNet-18 (28)", 0.768, 0.947),
        ("nodulemnist3d", "ResNet-18 + 3D", 0.863, 0.844),
        ("synapsemnist3d", "ResNet-18 + 3D", 0.820, 0.745),
    ],
)
def test_the_medmnist_baseline(task: str, method: str, auc: float, acc: float) -> None:
    row = published.baseline_row(task)
    assert row is not None
    assert (row.method, row.test_auc, row.test_acc) == (method, auc, acc)


@pytest.mark.parametrize("task", SEVEN)
def test_every_task_has_its_rows(task: str) -> None:
    assert task in INFO
    assert published.readme_row(task) is not None
    assert len(published.medmnist_rows(task)) == (8 if task.endswith("3d") else 7)


def test_rows_name_known_tasks_and_sources_and_hold_shares() -> None:
    for row in published.load():
        assert row.task in SEVEN
        assert row.source_key in published.sources()
        assert all(value is None or 0 <= value <= 1 for value in (getattr(row, name) for name in FIGURES))


def test_the_superseded_rows_are_marked_and_never_among_those_to_compare() -> None:
    superseded = [row for row in published.load() if not row.is_comparable]
    assert {(row.task, row.source_key) for row in superseded} == {("nodulemnist3d", published.SUPERSEDED)}
    assert not set(superseded) & set(published.medmnist_rows("nodulemnist3d"))


def test_an_unknown_task_has_no_rows() -> None:
    assert published.for_task("own") == []
    assert published.readme_row("own") is None
    assert published.baseline_row("own") is None
