import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from benchmark.evaluation import statistics


def draw(
    random: np.random.Generator, auroc: float, positives: int, negatives: int, seeds: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n, 1), and scores (S, n, 1) from two normal distributions whose overlap gives the AUROC."""
    labels = np.r_[np.ones(positives), np.zeros(negatives)].astype(np.uint8)[:, None]
    scores = random.normal(size=(seeds, len(labels), 1)) + np.sqrt(2) * stats.norm.ppf(auroc) * labels
    return labels, scores


def placements(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair counting as DeLong's paper writes it down: V10 of each positive and V01 of each negative image."""
    a, b = scores[labels == 1], scores[labels == 0]
    wins = (a[:, None] > b).astype(float) + 0.5 * (a[:, None] == b)
    return wins.mean(axis=1), wins.mean(axis=0)


def test_delong_on_the_radiologist_of_hanley_and_mcneil() -> None:
    """Radiology 143 (1982), table I: CT images by rating. Stata's manual (roctab) gives 0.8932 and DeLong's SE 0.0307."""
    normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    scores = np.r_[np.repeat(np.arange(5), normal), np.repeat(np.arange(5), abnormal)][:, None]
    labels = np.r_[np.zeros(58), np.ones(51)][:, None]
    found = statistics.delong(labels, scores)
    assert (round(found.value, 4), round(found.se, 4)) == (0.8932, 0.0307)


@pytest.mark.parametrize("ties", [False, True])
def test_delong_equals_pair_counting(ties: bool) -> None:
    random = np.random.default_rng(1)
    labels, stack = draw(random, 0.8, 30, 50, seeds=2)
    stack = np.round(stack, 1) if ties else stack
    (v10, v01), (w10, w01) = (placements(labels[:, 0], scores[:, 0]) for scores in stack)
    found = statistics.delong(labels, stack[0])
    assert found.value == pytest.approx(roc_auc_score(labels, stack[0]))
    assert found.se**2 == pytest.approx(v10.var(ddof=1) / 30 + v01.var(ddof=1) / 50)
    paired = (v10 - w10).var(ddof=1) / 30 + (v01 - w01).var(ddof=1) / 50
    p = 2 * stats.norm.sf(abs(v10.mean() - w10.mean()) / np.sqrt(paired))
    assert statistics.difference(labels, stack[:1], stack[1:], resamples=10).p_images == pytest.approx(p)


@pytest.mark.parametrize("auroc", [0.75, 0.9, 0.95])
def test_the_interval_holds_the_true_auroc_in_95_of_100_test_sets_of_breastmnists_size(auroc: float) -> None:
    random, held = np.random.default_rng(0), []
    for _ in range(2000):
        labels, (scores,) = draw(random, auroc, 114, 42)
        found = statistics.delong(labels, scores)
        held.append(found.low <= auroc <= found.high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_the_interval_of_a_recipe_holds_its_auroc_whatever_seeds_and_images() -> None:
    """The true AUROC of a seed is drawn too; its mean over seeds is what the interval is of."""
    random, held = np.random.default_rng(0), []
    for _ in range(1000):
        shift = np.sqrt(2) * stats.norm.ppf(0.85) + random.normal(0, 0.15, 5)[:, None, None]
        labels = np.r_[np.ones(78), np.zeros(78)].astype(np.uint8)[:, None]
        image = random.normal(size=(1, 156, 1))  # what makes an image easy or hard for every seed alike
        stack = np.sqrt(0.8) * image + np.sqrt(0.2) * random.normal(size=(5, 156, 1)) + shift * labels
        found = statistics.over_seeds(labels, stack).both
        held.append(found.low <= 0.85 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_recipes_that_differ_by_chance_alone_are_rarely_called_different() -> None:
    """Both recipes are the same one with other seeds, whose true AUROCs spread; three seeds each."""
    random, called = np.random.default_rng(0), []
    for _ in range(500):
        labels = np.r_[np.ones(114), np.zeros(42)].astype(np.uint8)[:, None]
        image = random.normal(size=(1, 156, 1))
        shift = 1.5 + random.normal(0, 0.15, 6)[:, None, None]
        stack = np.sqrt(0.8) * image + np.sqrt(0.2) * random.normal(size=(6, 156, 1)) + shift * labels
        called.append(statistics.difference(labels, stack[:3], stack[3:], resamples=2).p < 0.05)
    assert np.mean(called) < 0.07


def test_the_bootstrap_equals_one_written_with_scikit_learn() -> None:
    """The resamples of the same generator, image by image."""
    random = np.random.default_rng(2)
    labels, (scores,) = draw(random, 0.7, 12, 30)
    scores = np.round(scores, 1)
    generator, drawn = np.random.default_rng(5), []
    strata = [np.flatnonzero(labels[:, 0] == value) for value in (0, 1)]
    chosen = [[part[generator.integers(len(part), size=len(part))] for _ in range(200)] for part in strata]
    for parts in zip(*chosen, strict=True):
        rows = np.concatenate(parts)
        drawn.append(roc_auc_score(labels[rows, 0], scores[rows, 0]))
    found = statistics.bootstrap(labels, scores, resamples=200, seed=5)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])))
    assert found.value == pytest.approx(roc_auc_score(labels, scores))


def test_bootstrap_and_delong_agree_on_several_labels_of_the_same_images() -> None:
    random = np.random.default_rng(3)
    common = random.normal(size=(600, 1))
    labels = (common + random.normal(size=(600, 4)) > np.array([0.0, 0.5, 1.0, 1.5])).astype(np.uint8)
    scores = common + random.normal(size=(600, 4))
    exact, drawn = statistics.delong(labels, scores), statistics.bootstrap(labels, scores)
    assert exact.value == pytest.approx(roc_auc_score(labels, scores, average="macro"))
    assert drawn.se == pytest.approx(exact.se, rel=0.1)
    assert (drawn.low, drawn.high) == pytest.approx((exact.low, exact.high), abs=0.006)


def test_the_bootstrap_of_a_difference_covers_images_and_seeds() -> None:
    random = np.random.default_rng(4)
    labels, a = draw(random, 0.85, 80, 80, seeds=5)
    _, b = draw(random, 0.8, 80, 80, seeds=5)
    found = statistics.difference(labels, a, b)
    assert (found.boot_low, found.boot_high) == pytest.approx((found.low, found.high), abs=0.015)


def test_a_recipe_against_itself_differs_by_nothing() -> None:
    labels, stack = draw(np.random.default_rng(0), 0.8, 40, 60, seeds=3)
    found = statistics.difference(labels, stack, stack, resamples=50)
    assert (found.value, found.p, found.p_images) == (0, 1, 1)
    assert found.boot_low <= 0 <= found.boot_high


def test_of_one_seed_the_interval_is_of_images_and_the_difference_has_no_p() -> None:
    labels, (a, b, *more) = draw(np.random.default_rng(0), 0.8, 40, 60, seeds=4)
    found = statistics.over_seeds(labels, a[None])
    assert found.sd is None
    assert found.both == found.images
    for other in (b[None], np.stack([b, *more])):
        pair = statistics.difference(labels, a[None], other, resamples=2)
        assert np.isnan(pair.p)
        se = np.sqrt(np.sum((_influence(labels, a[None]) - _influence(labels, other)) ** 2))
        assert pair.high - pair.low == pytest.approx(2 * stats.norm.ppf(0.975) * se)


def _influence(labels: np.ndarray, stack: np.ndarray) -> np.ndarray:
    """By hand: each image's share of the mean of the runs' AUROCs."""
    positives, negatives = int(labels.sum()), int((1 - labels).sum())
    rows = []
    for scores in stack:
        v10, v01 = placements(labels[:, 0], scores[:, 0])
        both = ((v10, positives), (v01, negatives))
        rows.append(np.concatenate([(v - v.mean()) / np.sqrt(n * (n - 1)) for v, n in both]))
    return np.mean(rows, axis=0)


def test_a_label_of_one_class_is_undefined() -> None:
    labels, scores = np.zeros((10, 1), np.uint8), np.arange(10.0)[:, None]
    found = statistics.delong(labels, scores)
    assert all(np.isnan(value) for value in (found.value, found.low, found.high))


@pytest.mark.parametrize("seeds", [1, 3])
def test_an_almost_perfect_order_has_a_narrow_interval(seeds: int) -> None:
    labels = np.repeat([0, 1], [42, 114])[:, None]
    scores = np.linspace(0, 1, 156)[:, None]
    scores[40:44] = scores[40:44][::-1]  # four pairs of 4,788 the wrong way
    found = statistics.over_seeds(labels, np.stack([scores] * seeds))
    assert found.mean > 0.999
    assert 0.98 < found.both.low <= found.images.low < found.mean < found.both.high < 1


def test_a_perfect_order_has_the_limit_of_pairs_that_share_no_image() -> None:
    """As an exact binomial interval of 42 pairs, all in order."""
    labels = np.repeat([0, 1], [42, 114])[:, None]
    exact = stats.binomtest(42, 42).proportion_ci(0.95, "exact")
    found = statistics.delong(labels, labels)
    assert (found.value, found.low, found.high, found.se) == pytest.approx((1.0, exact.low, 1.0, 0.0))
    assert statistics.delong(labels, -labels).high == pytest.approx(1 - exact.low)


def test_two_perfect_orders_are_not_told_apart_and_the_interval_says_how_far() -> None:
    labels = np.repeat([0, 1], [42, 114])[:, None]
    perfect = np.stack([labels, 2 * labels, 3 * labels]).astype(float)
    found = statistics.difference(labels, perfect, perfect, resamples=2)
    least = statistics.delong(labels, labels).low
    assert (found.value, found.p, found.p_images) == (0, 1, 1)
    assert (found.low, found.high) == pytest.approx((least - 1, 1 - least))


def test_a_perfect_order_and_a_constant_score_are_told_apart() -> None:
    labels = np.repeat([0, 1], [42, 114])[:, None]
    perfect, constant = np.stack([labels] * 2).astype(float), np.zeros((2, 156, 1))
    found = statistics.difference(labels, perfect, constant, resamples=2)
    assert found.p == pytest.approx(2 * 0.5**42)
    assert 0.4 < found.low < found.value == found.high == 0.5


def test_the_interval_of_a_difference_stays_within_one() -> None:
    labels = np.repeat([0, 1], 4)[:, None]
    good = np.array([0, 1, 2, 3, 2.5, 4, 5, 6])[:, None]
    stack = np.stack([good, good + labels])
    found = statistics.difference(labels, stack, -stack, resamples=2)
    assert 0.5 < found.low < found.value < found.high == 1


def test_holm_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, float("nan"), 0.03]) == pytest.approx([0.03, 0.06, np.nan, 0.06], nan_ok=True)
