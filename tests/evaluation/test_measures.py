from fractions import Fraction

import numpy as np
import pytest
from sklearn import metrics as sklearn

from benchmark.evaluation import measures, statistics
from benchmark.runs.scores import Scores


def sample(labels: int = 1) -> Scores:
    random = np.random.default_rng(0)
    found: Scores = {}
    for split, count in (("val", 80), ("test", 156)):
        truth = (random.random((count, labels)) < 0.3).astype(np.uint8)
        found[split] = (truth, np.clip(0.3 * truth + 0.7 * random.random((count, labels)), 0, 1).astype(np.float32))
    return found


def test_measures_equal_scikit_learns() -> None:
    scores = sample()
    (labels,), (probabilities,) = (part.T for part in scores["test"])
    (cut,) = measures.thresholds(scores)
    called = probabilities >= cut
    found = measures.measures(scores)
    assert list(found) == list(measures.NAMES)
    assert found == pytest.approx(
        {
            "auroc": sklearn.roc_auc_score(labels, probabilities),
            "average_precision": sklearn.average_precision_score(labels, probabilities),
            "accuracy": sklearn.accuracy_score(labels, probabilities > 0.5),
            "balanced_accuracy": sklearn.balanced_accuracy_score(labels, called),
            "sensitivity": sklearn.recall_score(labels, called),
            "specificity": sklearn.recall_score(labels, called, pos_label=0),
            "partial_auroc": sklearn.roc_auc_score(labels, probabilities, max_fpr=0.1),
            "brier": sklearn.brier_score_loss(labels, probabilities),
            "ece": measures.calibration_error(labels, probabilities),
        }
    )


def test_no_threshold_is_better_on_validation() -> None:
    scores = sample(2)
    labels, probabilities = scores["val"]
    for column, cut in enumerate(measures.thresholds(scores)):
        one = probabilities[:, column]
        best = max(sklearn.balanced_accuracy_score(labels[:, column], one >= other) for other in one)
        assert sklearn.balanced_accuracy_score(labels[:, column], one >= cut) == pytest.approx(best)


def test_equally_good_thresholds_are_told_by_whole_numbers() -> None:
    """Shares that are equal as fractions may round apart; the highest of equally good thresholds is taken."""
    random = np.random.default_rng(0)
    for _ in range(300):
        labels = random.permutation(np.repeat([0, 1], random.integers(3, 12, 2)))[:, None]
        scores = random.random(labels.shape).round(1)
        (cut,) = measures.thresholds({"val": (labels, scores)})
        exact = {}
        for other in [np.inf, *np.unique(scores)]:
            called, (positives, negatives) = scores >= other, (labels.sum(), (1 - labels).sum())
            exact[other] = Fraction(int(called[labels == 1].sum()), int(positives)) - Fraction(
                int(called[labels == 0].sum()), int(negatives)
            )
        assert cut == max(other for other, youden in exact.items() if youden == max(exact.values()))


def test_without_a_positive_in_validation_a_label_has_no_threshold() -> None:
    scores = sample(2)
    labels, probabilities = scores["val"]
    scores = dict(scores) | {"val": (labels * [1, 0], probabilities)}
    cuts = measures.thresholds(scores)
    known, unknown = measures.per_label(*scores["test"], cuts)
    assert np.isnan(cuts).tolist() == [False, True]
    assert np.isnan([unknown[name] for name in ("balanced_accuracy", "sensitivity", "specificity")]).all()
    assert np.isfinite([*known.values(), unknown["auroc"]]).all()


def test_calibration_error_by_hand() -> None:
    labels, scores = np.array([0, 1, 1, 1]), np.array([0.12, 0.18, 0.9, 1.0])
    # Bin 0.1-0.2: mean score 0.15, half are label 1; bin 0.9-1.0: mean score 0.95, all are.
    assert measures.calibration_error(labels, scores) == pytest.approx((2 * 0.35 + 2 * 0.05) / 4)


def test_several_labels_are_averaged() -> None:
    scores = sample(3)
    rows = measures.per_label(*scores["test"], measures.thresholds(scores))
    assert measures.measures(scores)["brier"] == pytest.approx(np.mean([row["brier"] for row in rows]))


def test_without_validation_scores_there_is_no_threshold() -> None:
    found = measures.measures({"test": sample()["test"]})
    assert np.isnan(found["sensitivity"])
    assert not np.isnan(found["auroc"])


def test_a_label_of_one_class_has_no_ranking() -> None:
    (row,) = measures.per_label(np.zeros((5, 1)), np.full((5, 1), 0.2), np.array([0.5]))
    assert np.isnan(row["auroc"])
    assert row["brier"] == pytest.approx(0.04)


def test_every_split_and_label_has_its_figures_with_both_intervals() -> None:
    scores = sample(2)
    rows = list(measures.every_split(scores, ("one", "other")))
    assert [(row["split"], row["label"]) for row in rows] == [
        (split, label) for split in ("val", "test") for label in ("all", "one", "other")
    ]
    labels, probabilities = scores["val"]
    other = rows[2]
    assert other["auroc"] == pytest.approx(sklearn.roc_auc_score(labels[:, 1], probabilities[:, 1]))
    interval = statistics.delong(labels[:, 1:], probabilities[:, 1:])
    assert (other["delong_low"], other["delong_high"]) == (interval.low, interval.high)
    assert other["bootstrap_low"] < other["auroc"] < other["bootstrap_high"]
    assert {name: rows[3][name] for name in measures.NAMES} == measures.measures(scores)
