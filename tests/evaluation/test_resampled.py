"""Measures on resampled images against scikit-learn's, image by image."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark.evaluation import measures, resampled
from benchmark.evaluation.resampled import Measure
from benchmark.evaluation.resampling import times_drawn

RESAMPLES = 30


def by_scikit_learn(measure: Measure, labels: np.ndarray, scores: np.ndarray) -> float:
    if measure is resampled.average_precision:
        return float(average_precision_score(labels, scores))
    return float(roc_auc_score(labels, scores, max_fpr=measures.LOW_FPR))


def draw(width: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    labels = (random.random((80, width)) < 0.3).astype(np.uint8)
    stack = 0.4 * labels + random.random((2, 80, width))
    return labels, stack.round(1) if ties else stack


@pytest.mark.parametrize("measure", [resampled.average_precision, resampled.partial_auroc])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("width", [1, 3])
def test_they_equal_scikit_learns_on_the_drawn_images(measure: Measure, ties: bool, width: int) -> None:
    labels, stack = draw(width, ties)
    found = resampled.figures_of(measure, labels, stack, RESAMPLES, np.random.default_rng(7))
    times = times_drawn(labels, RESAMPLES, np.random.default_rng(7)).astype(int)
    for run, scores in enumerate(stack):
        columns = range(width)
        plain = np.mean([by_scikit_learn(measure, labels[:, column], scores[:, column]) for column in columns])
        assert resampled.figure_of(measure, labels, scores) == pytest.approx(plain, abs=1e-12)
        for resample in range(RESAMPLES):
            rows = np.repeat(np.arange(80), times[:, resample])
            expected = [by_scikit_learn(measure, labels[rows, column], scores[rows, column]) for column in columns]
            assert found[run, resample] == pytest.approx(np.mean(expected), abs=1e-12)


def test_a_label_of_one_class_is_undefined_and_left_out_of_resamples() -> None:
    labels, stack = draw(2, ties=False)
    labels[:, 1] = 0
    assert np.isnan(resampled.figure_of(resampled.average_precision, labels, stack[0]))
    both, one = (
        resampled.figures_of(resampled.average_precision, labels[:, :width], stack[:, :, :width], 5, rng)
        for width, rng in ((2, np.random.default_rng(0)), (1, np.random.default_rng(0)))
    )
    assert both.shape == one.shape == (2, 5)
    assert np.isfinite(both).all()
