"""The verdict beside a published figure: its rule by hand, its reasons, and that chance alone is not called better."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import t

from benchmark.evaluation.statistics import ASSUMED_SEED_SD, Estimate, OverSeeds, over_seeds
from benchmark.published import table as published
from benchmark.published.table import PublishedResult
from benchmark.published.verdict import Verdict, best_comparable, judge, obstacle
from tests.helpers import find as task

MINUS = "\N{MINUS SIGN}"
NOT_KNOWN = Estimate(math.nan, math.nan, math.nan, math.nan)


def row(name: str, source: str, start: str = "") -> PublishedResult:
    return next(r for r in published.for_task(name) if r.source_key == source and r.method.startswith(start))


def ours(mean: float, sd: float | None = 0.01, seeds: int = 5, images: float = 0.02) -> OverSeeds:
    return OverSeeds(mean, sd, seeds, Estimate(mean, mean, mean, images), NOT_KNOWN)


# ------------------------------------------------------------------------------------------------ the rule


@pytest.mark.parametrize(
    ("name", "mean", "half", "verdict"),
    [
        # images 0.02² + seeds 0.01² (1/5 + 1) = 0.00052, root 0.022804; t with 0.00052² / (0.00012² / 4) = 75.11
        # degrees of freedom is 1.99202; together 0.045425. The README has 0.9121, 0.7835 and 0.5418.
        ("breastmnist", 0.9000, 0.045425, Verdict.SAME),
        ("breastmnist", 0.8668, 0.045425, Verdict.SAME),
        ("breastmnist", 0.8660, 0.045425, Verdict.BELOW),
        ("vesselmnist3d", 0.8288, 0.045425, Verdict.SAME),
        ("vesselmnist3d", 0.8290, 0.045425, Verdict.ABOVE),
        ("synapsemnist3d", 0.7000, 0.045425, Verdict.ABOVE),
    ],
)
def test_five_seeds_against_the_readme_by_hand(name: str, mean: float, half: float, verdict: Verdict) -> None:
    reference = row(name, "dam_readme")
    found = judge(reference, ours(mean), task(name), "resnet18-strided")
    assert found.verdict == verdict
    assert reference.test_auc is not None
    low, high = mean - reference.test_auc - half, mean - reference.test_auc + half
    assert f"interval {low:+.4f} to {high:+.4f}".replace("-", MINUS) in found.reason
    assert t.ppf(0.975, 75.11) * math.sqrt(0.00052) == pytest.approx(half, abs=1e-6)


def test_one_seed_by_hand() -> None:
    """images 0.02² + 0.02² (1 + 1) = 0.0012, root 0.034641, times 1.95996 = 0.067895."""
    reference = row("breastmnist", "medmnist_v2", "ResNet-18 (28)")
    assert ASSUMED_SEED_SD == 0.02
    verdicts = {mean: judge(reference, ours(mean, None, 1), task("breastmnist"), "x") for mean in (0.8332, 0.8330)}
    assert [found.verdict for found in verdicts.values()] == [Verdict.SAME, Verdict.BELOW]
    assert "one seed, a spread of 0.02 assumed" in verdicts[0.8330].reason
    assert f"interval {MINUS}0.1357 to +0.0001" in verdicts[0.8332].reason  # 0.0678 and 0.0679 apart


def test_two_seeds_that_lie_close_together_by_chance_are_not_taken_at_their_word() -> None:
    """images 0.01² + seeds 0.02² (1/2 + 1) = 0.0007, root 0.026458, times 1.95996 = 0.051856."""
    reference, close = row("breastmnist", "dam_readme"), ours(0.87, 0.001, 2, 0.01)
    found = judge(reference, close, task("breastmnist"), "x")
    assert found.verdict == Verdict.SAME  # 0.0421 apart; at face value 0.0198 would have been the limit
    assert "2 seeds, a spread of 0.02 assumed" in found.reason
    assert f"interval {MINUS}0.0940 to +0.0098" in found.reason


def test_a_published_mean_over_five_seeds_is_surer_than_one_run() -> None:
    """images 0.001² + seeds 0.03² (1/5 + 1/5) against 0.03² (1/5 + 1): half the interval is 0.0526 and 0.0912."""
    reference = row("breastmnist", "repro_habib")
    single = dataclasses.replace(reference, n_seeds="1")
    one = ours(0.9074 - 0.07, 0.03, 5, 0.001)
    assert judge(reference, one, task("breastmnist"), "x").verdict == Verdict.BELOW
    assert judge(single, one, task("breastmnist"), "x").verdict == Verdict.SAME


def test_the_sentence_says_what_is_set_beside_what_and_what_is_left_open() -> None:
    found = judge(row("breastmnist", "dam_readme"), ours(0.95), task("breastmnist"), "medmnist-resnet18")
    assert found.reason == (
        "Not distinguishable: 0.9500 (5 seeds, medmnist-resnet18) against 0.9121 (ResNet-18), a difference of +0.0379, "
        f"95 % interval {MINUS}0.0075 to +0.0833; the source leaves open: image size, external weights, selection."
    )


# ------------------------------------------------------------------------------------------------ chance


@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 10])
def test_another_seed_of_the_same_recipe_is_called_better_or_worse_in_one_of_twenty(seeds: int) -> None:
    """Normal draws, seeds as far apart as is assumed of one: 5 % of verdicts are wrong, give or take their own chance."""
    random = np.random.default_rng(seeds)
    reference, one = row("breastmnist", "dam_readme"), task("breastmnist")
    told = 0
    for _ in range(1500):
        draws = 0.85 + random.normal(0, 0.02, seeds)
        theirs = dataclasses.replace(reference, test_auc=0.85 + float(random.normal(0, 0.02) + random.normal(0, 0.02)))
        sd = float(draws.std(ddof=1)) if seeds > 1 else None
        told += judge(theirs, ours(float(draws.mean()), sd, seeds, 0.02), one, "x").verdict != Verdict.SAME
    assert told <= 1500 * 0.068


def test_a_recipe_that_differs_by_chance_alone_is_not_called_better_on_156_images() -> None:
    random = np.random.default_rng(1)
    reference, one = row("breastmnist", "dam_readme"), task("breastmnist")
    labels = np.repeat([[0], [1]], [42, 114], axis=0)
    told = 0
    for _ in range(300):
        image = labels + random.normal(0, 0.6, labels.shape)
        stack = image + random.normal(0, 0.4, (6, *labels.shape))  # six seeds of one recipe, the last one 'published'
        auc = over_seeds(labels, stack[5:]).mean
        theirs = dataclasses.replace(reference, test_auc=auc)
        told += judge(theirs, over_seeds(labels, stack[:5]), one, "x").verdict != Verdict.SAME
    assert told <= 15


# ------------------------------------------------------------------------------------------------ not comparable


@pytest.mark.parametrize(
    ("name", "source", "method", "reason"),
    [
        ("nodulemnist3d", "medmnist_v2_2021", "ResNet-18 + 3D", "the test set was replaced in April 2022"),
        ("breastmnist", "course_chihoon", "LibAUC's way, the best of 4", "selected on the test split"),
        ("vesselmnist3d", "course_1st", "1st place", "external weights (Kinetics-400 by the public notebook"),
        ("breastmnist", "medmnistplus_2025", "fine-tuned as a whole (", "external weights (ImageNet"),
        ("breastmnist", "medmnist_v2", "ResNet-18 (224)", "224 pixels a side, ours 28"),
        ("adrenalmnist3d", "course_krhari", "method 3", "32 pixels a side, ours 28"),
        ("synapsemnist3d", "course_vib", "enlarged", "80 pixels a side, ours 28"),
        ("adrenalmnist3d_64", "medmnist_v2", "ResNet-18 + 3D", "28 pixels a side, ours 64"),
        ("adrenalmnist3d_64", "dam_readme", "", "the source states no other size than MedMNIST's 28"),
        ("chestmnist", "dam_readme", "", "the source gives no test AUROC"),
        ("standin-breastmnist", "dam_readme", "", "stand-in data"),
    ],
)
def test_what_may_not_be_compared_is_refused_with_its_reason(name: str, source: str, method: str, reason: str) -> None:
    one = task(name)
    found = judge(row(str(one.reference), source, method), ours(0.99), one, "x")
    assert found.verdict == Verdict.NOT_COMPARABLE
    assert reason in found.reason
    assert found.reason.endswith(".")


def test_an_own_task_compares_only_where_it_says_with_what() -> None:
    own = task("pneumoniamnist_rebuilt")
    reference = row("pneumoniamnist", "dam_readme")
    assert not obstacle(reference, own)
    alone = dataclasses.replace(own, reference=None)
    assert "no published figures go with pneumoniamnist_rebuilt" in obstacle(reference, alone)
    assert "the figure is of breastmnist" in obstacle(row("breastmnist", "dam_readme"), own)


def test_an_undefined_auroc_is_not_compared() -> None:
    found = judge(row("breastmnist", "dam_readme"), ours(math.nan, images=math.nan), task("breastmnist"), "x")
    assert found.verdict == Verdict.NOT_COMPARABLE
    assert "undefined" in found.reason


@pytest.mark.parametrize(
    ("name", "auc", "source"),
    [  # the maximum over the rows that no reason excludes, read off the table by eye
        ("breastmnist", 0.923, "course_vib"),  # 0.9397 and 0.9252 start from ImageNet
        ("nodulemnist3d", 0.914, "medmnist_v2"),  # 0.9367 from Kinetics-400, 0.925 at 80 pixels, 0.915 superseded
        ("vesselmnist3d", 0.949, "course_vib"),  # 0.9774 from Kinetics-400
        ("chestmnist", 0.778, "medmnist_v2"),  # 0.8222 from ImageNet at 224 pixels
        ("pneumoniamnist_rebuilt", 0.991, "medmnist_v2"),
    ],
)
def test_the_best_published_figure_that_may_be_compared(name: str, auc: float, source: str) -> None:
    one = task(name)
    best = best_comparable(published.for_task(str(one.reference)), one)
    assert best is not None
    assert (best.test_auc, best.source_key) == (auc, source)


def test_nothing_compares_with_stand_in_data() -> None:
    assert best_comparable(published.load(), task("standin-breastmnist")) is None
