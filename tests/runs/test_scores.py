"""AUROC and accuracy against medmnist's evaluator and against counting pairs."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medmnist.evaluator import getACC, getAUC

from benchmark.core.errors import DamagedRun
from benchmark.runs.scores import accuracy, auroc, metrics, read, write
from tests.helpers import told


def draw(columns: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(columns)
    labels = (random.random((n, columns)) < 0.3).astype(np.uint8)
    return labels, (0.3 * labels + random.random((n, columns)) * 0.7).astype(np.float32)


@pytest.mark.parametrize(("columns", "kind"), [(1, "binary-class"), (14, "multi-label, binary-class")])
def test_figures_equal_medmnists_to_1e_12(columns: int, kind: str) -> None:
    labels, scores = draw(columns)
    assert auroc(labels, scores) == pytest.approx(getAUC(labels, scores, kind), abs=1e-12)
    assert accuracy(labels, scores) == pytest.approx(getACC(labels, scores, kind), abs=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=40))
def test_auroc_is_the_share_of_rightly_ordered_pairs_with_ties_as_half(pairs: list[tuple[bool, int]]) -> None:
    labels = np.array([[label] for label, _ in pairs], dtype=np.uint8)
    scores = np.array([[score] for _, score in pairs], dtype=np.float32)
    positive, negative = scores[labels == 1], scores[labels == 0]
    if len(positive) == 0 or len(negative) == 0:
        assert np.isnan(auroc(labels, scores))
        return
    difference = positive[:, None] - negative[None, :]
    counted = np.mean((difference > 0) + 0.5 * (difference == 0))
    assert auroc(labels, scores) == pytest.approx(counted)


def test_metrics_are_named_by_split_and_quantity() -> None:
    found = metrics({"val": draw(1), "test": draw(14)})
    assert set(found) == {"val_auc", "val_acc", "test_auc", "test_acc"}


@pytest.mark.parametrize("damage", ["cut", "other", "gone"])
def test_damaged_scores_are_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "scores.npz"
    write(path, {"test": (np.array([[0], [1]]), np.array([[0.25], [0.5]]))})
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-40] if damage == "cut" else b"no scores")
    with told(DamagedRun, "scores.npz: can't be read .*; run its stage again, which makes it anew"):
        read(path)
