"""One method against another over several tasks: against closed forms, nested simulation, and how often it errs."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark.evaluation import effect, placements, resampled
from benchmark.evaluation.design import POWER, Components, design, pooled
from benchmark.evaluation.effect import Measure, Scored

POSITIVES, NEGATIVES = 60, 40
LABELS = np.repeat([1, 0], [POSITIVES, NEGATIVES]).astype(np.uint8)[:, None]
FIGURES = {
    Measure.AUROC: roc_auc_score,
    Measure.PARTIAL_AUROC: lambda labels, scores: roc_auc_score(labels, scores, max_fpr=0.1),
    Measure.AVERAGE_PRECISION: average_precision_score,
}


def draw(random: np.random.Generator, strengths: np.ndarray, labels: np.ndarray = LABELS) -> np.ndarray:
    """Scores (2, S, n, 1) on new images: a trained network (2, S) is how strongly it tells label 1.

    Part of an image's difficulty is the same for all networks, part for all of a method, part for both of one seed.
    """
    methods, seeds = strengths.shape
    image = random.normal(size=labels.shape)
    method = random.normal(size=(methods, 1, *labels.shape))
    pair = random.normal(size=(1, seeds, *labels.shape))
    own = random.normal(size=(methods, seeds, *labels.shape))
    noise = np.sqrt(0.4) * image + np.sqrt(0.2) * (method + pair + own)
    return noise + strengths[:, :, None, None] * labels


def trained(random: np.random.Generator, seeds: int, gain: float = 0.0, sd: float = 0.15) -> np.ndarray:
    """Strengths (2, S): seeds of one number share part of their luck."""
    return 1.4 + random.normal(0, sd, (1, seeds)) + random.normal(0, sd, (2, seeds)) + np.array([[gain], [0.0]])


def scored(stacks: np.ndarray, labels: np.ndarray = LABELS) -> Scored:
    return Scored(labels, *(dict(enumerate(stack)) for stack in stacks))


@pytest.mark.parametrize("measure", Measure)
def test_the_difference_is_scikit_learns_mean_over_seeds_and_tasks(measure: Measure) -> None:
    random = np.random.default_rng(0)
    stacks = {name: draw(random, trained(random, 3)) for name in "xyz"}
    found = effect.compare({name: scored(stack) for name, stack in stacks.items()}, measure, resamples=20)
    figures = {
        name: np.array([[FIGURES[measure](LABELS, scores) for scores in method] for method in stack])
        for name, stack in stacks.items()
    }
    for name, (a, b) in figures.items():
        assert found.tasks[name].value == pytest.approx(a.mean() - b.mean())
        assert (found.tasks[name].seeds, found.tasks[name].images) == ((0, 1, 2), 100)
    assert found.mean.value == pytest.approx(np.mean([a.mean() - b.mean() for a, b in figures.values()]))


def test_seeds_are_paired_by_their_number_and_others_left_out() -> None:
    random = np.random.default_rng(1)
    a, b = draw(random, trained(random, 4))
    plain = effect.on_task(scored(np.stack([a, b])[:, :3]), Measure.AUROC)
    mixed = Scored(LABELS, {2: a[2], 7: a[3], 0: a[0], 1: a[1]}, {1: b[1], 2: b[2], 0: b[0], 9: b[3]})
    assert effect.on_task(mixed, Measure.AUROC) == plain


def test_equal_networks_in_every_seed_leave_delongs_paired_test() -> None:
    """The same two networks under two numbers: no spread over seeds, and the images' variance is DeLong's."""
    random = np.random.default_rng(2)
    (a,), (b,) = draw(random, trained(random, 1))
    found = effect.on_task(Scored(LABELS, {0: a, 1: a}, {0: b, 1: b}), Measure.AUROC)
    (v10, v01), (w10, w01) = (_placements(scores[:, 0]) for scores in (a, b))
    se = np.sqrt((v10 - w10).var(ddof=1) / POSITIVES + (v01 - w01).var(ddof=1) / NEGATIVES)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(v10.mean() - w10.mean()) / se))
    assert found.low == pytest.approx(found.value - stats.norm.ppf(0.975) * se)


def _placements(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = scores[:POSITIVES], scores[POSITIVES:]
    wins = (a[:, None] > b).astype(float)
    return wins.mean(axis=1), wins.mean(axis=0)


@pytest.mark.parametrize("measure", [Measure.AUROC, Measure.AVERAGE_PRECISION])
def test_one_seed_decides_nothing_neither_there_nor_over_all_tasks(measure: Measure) -> None:
    random = np.random.default_rng(3)
    one, several = (scored(draw(random, trained(random, seeds))) for seeds in (1, 3))
    found = effect.compare({"x": one, "y": several}, measure, resamples=20)
    for open_one in (found.tasks["x"], found.mean):
        assert np.isfinite(open_one.value)
        assert (open_one.low, open_one.high, open_one.p) == (None, None, None)
        assert not open_one.is_decided
    assert found.tasks["y"].is_decided


def test_no_seed_in_common_and_one_class_are_undefined() -> None:
    random = np.random.default_rng(4)
    a, b = draw(random, trained(random, 2))
    none = effect.on_task(Scored(LABELS, {0: a[0]}, {1: b[1]}), Measure.AUROC)
    one_class = effect.on_task(Scored(0 * LABELS, dict(enumerate(a)), dict(enumerate(b))), Measure.AVERAGE_PRECISION)
    for found in (none, one_class):
        assert np.isnan(found.value)
        assert found.p is None


def test_perfect_orders_on_both_sides_tell_nothing() -> None:
    perfect = LABELS.astype(float)
    found = effect.on_task(Scored(LABELS, {0: perfect, 1: perfect}, {0: perfect, 1: perfect}), Measure.AUROC)
    assert (found.value, found.p) == (0, 1)
    assert (found.low, found.high) == (-1, 1)
    overall = effect.Overall(Measure.AUROC, {"x": found}, found)
    (contest,) = effect.contests({("a", "b"): {Measure.AUROC: overall}})
    assert not contest.designs


def test_several_labels_are_averaged_on_the_same_images() -> None:
    random = np.random.default_rng(5)
    labels = (random.random((200, 3)) < 0.3).astype(np.uint8)
    a, b = (0.6 * labels + random.normal(size=(2, 200, 3)) for _ in range(2))
    found = effect.on_task(Scored(labels, dict(enumerate(a)), dict(enumerate(b))), Measure.AUROC)
    expected = np.mean([roc_auc_score(labels, x) - roc_auc_score(labels, y) for x, y in zip(a, b, strict=True)])
    assert found.value == pytest.approx(expected)
    assert found.is_decided


# ------------------------------------------------------------------------------------------------ simulations


@pytest.mark.slow
@pytest.mark.parametrize("measure", Measure)
def test_the_components_are_those_of_a_nested_simulation(measure: Measure) -> None:
    """The same 12 pairs of networks on 1,200 test sets: an analysis of variance of the figures."""
    random = np.random.default_rng(0)
    labels = np.repeat([1, 0], [160, 120]).astype(np.uint8)[:, None]
    strengths, count = trained(random, 12), 1200
    table = np.array([_differences(measure, labels, draw(random, strengths, labels)) for _ in range(count)])
    residual = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    both = (residual**2).sum() / ((count - 1) * (12 - 1))
    images = table.mean(axis=1).var(ddof=1) - both / 12
    seeds = table.mean(axis=0).var(ddof=1) - both / count
    found = [
        effect.on_task(scored(draw(random, strengths, labels), labels), measure, 200).components for _ in range(100)
    ]
    mean = [np.mean([getattr(one, name) for one in found]) for name in ("images", "seeds", "both")]
    assert mean == pytest.approx([images, seeds, both], rel=0.2)


def _differences(measure: Measure, labels: np.ndarray, stacks: np.ndarray) -> np.ndarray:
    """Of each seed; by the functions that other tests hold to scikit-learn's, which takes minutes here."""
    if measure is Measure.AUROC:
        a, b = (placements.by_seed(labels, stack)[0] for stack in stacks)
        return a - b
    figure = resampled.partial_auroc if measure is Measure.PARTIAL_AUROC else resampled.average_precision
    a, b = (np.array([resampled.figure_of(figure, labels, scores) for scores in stack]) for stack in stacks)
    return a - b


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "least", "most"), [(2, 0.005, 0.06), (3, 0.01, 0.06), (5, 0.025, 0.065)])
def test_equal_methods_are_called_different_in_less_than_one_of_twenty_in_auroc(
    seeds: int, least: float, most: float
) -> None:
    """The truth is 0; both on one task and over four."""
    random, called = np.random.default_rng(seeds), []
    for _ in range(1000):
        tasks = {name: scored(draw(random, trained(random, seeds))) for name in "wxyz"}
        found = effect.compare(tasks, Measure.AUROC)
        called.append([one.p < 0.05 for one in (*found.tasks.values(), found.mean) if one.p is not None])
    rates = np.mean(called, axis=0)
    assert least <= np.mean(rates[:4]) <= most
    assert least <= rates[4] <= most


@pytest.mark.slow
@pytest.mark.parametrize("measure", [Measure.PARTIAL_AUROC, Measure.AVERAGE_PRECISION])
def test_equal_methods_are_called_different_in_less_than_one_of_twenty_by_the_bootstrap(measure: Measure) -> None:
    random, called = np.random.default_rng(0), []
    for _ in range(600):
        found = effect.on_task(scored(draw(random, trained(random, 5))), measure, resamples=200)
        assert found.p is not None
        called.append(found.p < 0.05)
    assert 0.02 <= np.mean(called) <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize("measure", Measure)
def test_the_interval_holds_a_true_difference(measure: Measure) -> None:
    """The truth is the mean over many networks on many images."""
    random, held = np.random.default_rng(1), []
    many = np.repeat([1, 0], [6000, 4000]).astype(np.uint8)[:, None]
    far = [draw(random, trained(random, 10, gain=0.4), many) for _ in range(30)]
    figures = np.array([[[FIGURES[measure](many, scores) for scores in method] for method in one] for one in far])
    true = np.mean(figures[:, 0] - figures[:, 1])
    for _ in range(400):
        found = effect.on_task(scored(draw(random, trained(random, 5, gain=0.4))), measure, resamples=200)
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= true <= found.high)
    assert 0.925 <= np.mean(held) <= 0.985


PARTS = Components(1e-4, 1e-4, 1e-5, 2, 100)


def contest_inputs(p: dict[str, list[float]]) -> dict[tuple[str, str], dict[Measure, effect.Overall]]:
    """By method, p-values: of AUROC over all tasks, then of each of two tasks; of the other measures nothing is decided."""

    def overall(measure: Measure, values: list[float | None]) -> effect.Overall:
        mean, *tasks = (effect.Effect(0.01, -0.1, 0.1, one) for one in values)
        each = {
            name: effect.TaskEffect(one.value, one.low, one.high, one.p, (0, 1), 100, PARTS)
            for name, one in zip("xy", tasks, strict=True)
        }
        return effect.Overall(measure, each, mean)

    return {
        (method, "baseline"): {
            measure: overall(measure, list(values) if measure is Measure.AUROC else [None] * 3) for measure in Measure
        }
        for method, values in p.items()
    }


def test_auroc_over_all_tasks_is_one_family_and_all_else_another() -> None:
    found = {
        one.a: one for one in effect.contests(contest_inputs({"one": [0.02, 0.01, 0.5], "two": [0.03, 0.3, 0.02]}))
    }
    asked = (Measure.AUROC, effect.OVERALL)
    assert [found[name].p_holm[asked] for name in ("one", "two")] == pytest.approx([0.04, 0.04])  # of two
    assert found["one"].p_holm[Measure.AUROC, "x"] == pytest.approx(4 * 0.01)  # the smallest of four
    assert found["two"].p_holm[Measure.AUROC, "y"] == pytest.approx(3 * 0.02)
    assert found["one"].word(Measure.AUROC) is effect.Word.BETTER
    assert found["two"].word(Measure.AUROC, "y") is effect.Word.SAME
    assert found["two"].word(Measure.AVERAGE_PRECISION) is effect.Word.NO_ERROR
    for one in found.values():  # what could have been called, so
        assert one.designs == {asked: design([PARTS, PARTS], 0.05 / 2)} | {
            (Measure.AUROC, place): design([PARTS], 0.05 / 4) for place in "xy"
        }


def test_what_is_not_decided_says_why() -> None:
    """No seed in common, one seed, and several on a test set with a single image of a class."""
    labels = np.zeros((40, 1), np.uint8)
    labels[:1] = 1
    many = labels.copy()
    many[:10] = 1
    scores = {seed: np.random.default_rng(seed).random((40, 1)) for seed in range(6)}

    def word(labels: np.ndarray, a: Sequence[int], b: Sequence[int]) -> effect.Word:
        scored = effect.Scored(labels, {seed: scores[seed] for seed in a}, {seed: 1 - scores[seed] for seed in b})
        (found,) = effect.contests({("a", "b"): {Measure.AUROC: effect.compare({"task": scored}, Measure.AUROC)}})
        assert found.word(Measure.AUROC) is found.word(Measure.AUROC, "task")
        return found.word(Measure.AUROC)

    assert word(many, [0], [1]) is effect.Word.NO_SEED
    assert word(many, [0, 1], [1, 2]) is effect.Word.UNDECIDED
    assert word(labels, [0, 1, 2], [0, 1, 2]) is effect.Word.NO_ERROR
    assert word(np.zeros((40, 1), np.uint8), [0, 1], [0, 1]) is effect.Word.UNDEFINED


@pytest.mark.slow
def test_a_detectable_difference_is_called_as_often_as_it_says_behind_the_correction() -> None:
    """Three methods of which one is truly better, four tasks, five seeds: known components, the words of `contests`."""
    random, parts = np.random.default_rng(11), Components(0.012**2, 0.008**2, 0.006**2, 5, 200)
    true = design([parts] * 4, 0.05 / 3).detectable
    called = []
    for _ in range(1500):
        measured = {
            (name, "baseline"): {Measure.AUROC: drawn(random, parts, gain)}
            for name, gain in zip("abc", (true, 0, 0), strict=True)
        }
        (first, *_) = effect.contests(measured)
        called.append(first.word(Measure.AUROC) is effect.Word.BETTER)
    assert POWER - 0.03 <= np.mean(called) <= POWER + 0.1


def drawn(random: np.random.Generator, parts: Components, gain: float) -> effect.Overall:
    """A comparison on four tasks whose true difference is `gain`."""
    tasks = {}
    for task in "wxyz":
        values = random.normal(gain + random.normal(0, parts.images**0.5), (parts.seeds + parts.both) ** 0.5, 5)
        seen = Components(parts.images, values.var(ddof=1), 0, 5, 200)
        tasks[task] = effect.TaskEffect(
            values.mean(), -1, 1, seen.chance().p(values.mean()), tuple(range(5)), 200, seen
        )
    mean = float(np.mean([one.value for one in tasks.values()]))
    chance = pooled([one.components.chance() for one in tasks.values()])
    return effect.Overall(Measure.AUROC, tasks, effect.Effect(mean, -1, 1, chance.p(mean)))


def test_without_a_true_difference_the_headline_claims_one_in_a_report_of_twenty_at_most() -> None:
    """Three methods, each truly as good as the baseline, over two tasks with three seeds."""
    random, claims, repeats = np.random.default_rng(7), 0, 200
    for _ in range(repeats):
        measured = {}
        for name in "abc":
            tasks = {task: scored(draw(random, trained(random, 3))) for task in "xy"}
            measured[name, "baseline"] = {Measure.AUROC: effect.compare(tasks, Measure.AUROC)}
        words = [one.word(Measure.AUROC) for one in effect.contests(measured)]
        claims += any(word in (effect.Word.BETTER, effect.Word.WORSE) for word in words)
    assert claims <= stats.binom.ppf(0.999, repeats, 0.05)
