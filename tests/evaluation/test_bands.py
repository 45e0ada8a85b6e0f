"""The bands about a recipe's curves: as wide as the curves of other test sets differ."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from benchmark.evaluation.bands import bands

FPR, RECALL = np.linspace(0, 1, 21), np.linspace(0, 1, 21)


def draw(rng: np.random.Generator, images: int, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    labels = (np.arange(images) < images * 0.3).astype(np.uint8)[:, None]
    scores = rng.normal(size=(images, 1)) + 1.2 * labels
    return labels, scores.round(1) if ties else scores


@pytest.mark.parametrize("ties", [False, True])
def test_they_are_as_wide_as_the_curves_of_other_images_spread(ties: bool) -> None:
    rng = np.random.default_rng(0)
    rates, precisions = [], []
    for _ in range(300):
        labels, scores = draw(rng, 200, ties)
        fpr, tpr, _ = roc_curve(labels[:, 0], scores[:, 0])
        precision, recall, _ = precision_recall_curve(labels[:, 0], scores[:, 0])
        rates.append(np.interp(FPR, fpr, tpr))
        best = [precision[recall == reached].max() for reached in np.unique(recall)]
        precisions.append(np.interp(RECALL, np.unique(recall), best))
    found = [bands(labels, scores[None], FPR, RECALL) for labels, scores in (draw(rng, 200, ties) for _ in range(20))]
    middle = slice(4, 17)  # at the ends the curves do not differ
    for which, drawn in enumerate((rates, precisions)):
        expected = 1.96 * np.std(drawn, axis=0, ddof=1)[middle]
        mean = np.mean([one[which] for one in found], axis=0)[middle]
        assert mean == pytest.approx(expected, rel=0.35)


def test_seeds_that_differ_widen_them_and_points_left_out_do_not() -> None:
    rng = np.random.default_rng(1)
    labels, scores = draw(rng, 4000)
    (alone, _), (pair, _) = (
        bands(labels, np.stack(stack), FPR, RECALL, 60) for stack in ([scores] * 2, [scores, scores + 3 * labels])
    )
    assert pair[5] > 2 * alone[5]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_they_hold_the_curve_of_all_seeds_where_seeds_differ_more_than_images(count: int) -> None:
    """Seeds that each order the images somewhat better or worse: 95 of 100 bands or more, 9 at least of what 100 show."""
    rng = np.random.default_rng(2)

    def rate(gains: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        labels = (np.arange(300) < 90).astype(np.uint8)[:, None]
        stack = rng.normal(size=(len(gains), 300, 1)) + gains[:, None, None] * labels
        curves = [np.interp(FPR, *roc_curve(labels[:, 0], scores[:, 0])[:2]) for scores in stack]
        return labels, stack, np.mean(curves, axis=0)

    truth = rate(rng.normal(1.2, 0.4, 2000))[2][3]
    held = []
    for _ in range(100):
        labels, stack, mean = rate(rng.normal(1.2, 0.4, count))
        held.append(abs(mean[3] - truth) <= bands(labels, stack, FPR, RECALL, 40)[0][3])
    assert np.mean(held) >= 0.9


def test_one_class_only_has_no_band() -> None:
    labels = np.zeros((10, 1), np.uint8)
    assert all(np.isnan(band).all() for band in bands(labels, np.random.default_rng(0).random((1, 10, 1)), FPR, RECALL))
