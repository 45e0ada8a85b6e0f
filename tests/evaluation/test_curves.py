"""Mean curves against those that scikit-learn gives of every label and run."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from benchmark.evaluation import curves
from benchmark.evaluation.curves import Scored

GRID = np.linspace(0, 1, 51)


def draw(seed: int, labels: int = 1, ties: bool = False) -> Scored:
    random = np.random.default_rng(seed)
    truth = (random.random((120, labels)) < 0.3).astype(np.uint8)
    scores = 0.3 * truth + 0.7 * random.random(truth.shape)
    return truth, scores.round(1) if ties else scores


@pytest.mark.parametrize("ties", [False, True])
def test_the_roc_is_the_mean_of_interpolated_curves_over_labels_and_runs(ties: bool) -> None:
    runs = [draw(seed, 3, ties) for seed in range(2)]
    expected = []
    for labels, scores in runs:
        for column in range(3):
            fpr, tpr, _ = roc_curve(labels[:, column], scores[:, column])
            expected.append(np.interp(GRID, fpr, tpr))
    assert (curves.mean_roc(runs, GRID) == np.mean(expected, axis=0)).all()
    assert curves.mean_roc(iter(runs), GRID)[-1] == 1


@pytest.mark.parametrize("ties", [False, True])
def test_the_precision_is_the_highest_of_each_recall_interpolated_between(ties: bool) -> None:
    runs = [draw(seed, 2, ties) for seed in range(2)]
    expected = []
    for labels, scores in runs:
        for column in range(2):
            precision, recall, _ = precision_recall_curve(labels[:, column], scores[:, column])
            reached = np.unique(recall)
            highest = [precision[recall == one].max() for one in reached]
            expected.append(np.interp(GRID, reached, highest))
    assert curves.mean_precision(runs, GRID) == pytest.approx(np.mean(expected, axis=0), abs=1e-15)


def test_a_label_of_one_class_does_not_count() -> None:
    labels, scores = draw(0, 2)
    without = labels * np.array([1, 0], np.uint8)
    one = [(labels[:, :1], scores[:, :1])]
    assert (curves.mean_roc([(without, scores)], GRID) == curves.mean_roc(one, GRID)).all()
    assert (curves.mean_precision([(without, scores)], GRID) == curves.mean_precision(one, GRID)).all()
    assert np.isnan(curves.mean_roc([(0 * labels, scores)], GRID)).all()
    assert np.isnan(curves.mean_precision([], GRID)).all()


def test_a_perfect_order_has_full_rate_and_precision_everywhere() -> None:
    labels = np.repeat([0, 1], [42, 114])[:, None]
    perfect = [(labels, np.linspace(0, 1, 156)[:, None])]
    assert set(curves.mean_roc(perfect, GRID)) == {1.0}
    assert set(curves.mean_precision(perfect, GRID)) == {1.0}
