"""What a comparison could have seen: against simulated comparisons with known components."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmark.evaluation.design import POWER, WANTED, Components, design, pooled, power

IMAGES = 156


def make(images: float, seeds: float, both: float, count: int = 5) -> Components:
    """From standard deviations."""
    return Components(images**2, seeds**2, both**2, count, IMAGES)


def test_components_of_a_known_covariance() -> None:
    covariance = np.full((3, 3), 0.4) + 0.6 * np.eye(3)
    found = Components.of(covariance, np.array([-2.0, 0.0, 2.0]), IMAGES)
    assert (found.images, found.both, found.seeds) == pytest.approx((0.4, 0.6, 4 - 0.6))
    chance = found.chance()
    assert (chance.images, chance.seeds, chance.freedom) == pytest.approx((0.4, 4 / 3, 2))


def test_seeds_that_lie_close_together_leave_the_images_their_whole_variance() -> None:
    covariance = np.full((3, 3), 0.4) + 0.6 * np.eye(3)
    found = Components.of(covariance, np.array([0.0, 0.3, 0.6]), IMAGES)
    assert (found.seeds, found.both) == (0, pytest.approx(0.09))
    chance = found.chance()
    assert chance.seeds == pytest.approx(0.03)
    assert chance.se**2 == pytest.approx(covariance.sum() / 9)


def test_with_images_alone_the_detectable_difference_is_the_textbooks() -> None:
    found = design([make(0.02, 0, 0)])
    assert found.detectable == pytest.approx(0.02 * (stats.norm.ppf(0.975) + stats.norm.ppf(POWER)))
    halved = design([make(0.02, 0, 0)], 0.025).detectable
    assert halved == pytest.approx(0.02 * (stats.norm.ppf(1 - 0.025 / 2) + stats.norm.ppf(POWER)))
    assert found.seeds_needed == math.inf
    assert found.images_needed == math.ceil(IMAGES * (found.detectable / WANTED) ** 2)


def test_seeds_and_images_needed_are_the_first_that_are_enough() -> None:
    tasks = [make(0.003, 0.02, 0.01), make(0.002, 0.005, 0.02)]
    found = design(tasks)

    def called(seeds: int | None = None, images: int = 2 * IMAGES) -> float:
        return power([part.chance(seeds, images / (2 * IMAGES)) for part in tasks], WANTED)

    count = int(found.seeds_needed)
    assert called(count) >= POWER > called(count - 1)
    assert found.images_needed == math.inf  # the seeds alone vary too much
    tasks = [make(0.01, 0.001, 0.01), make(0.02, 0.002, 0.02)]
    found = design(tasks)
    images = int(found.images_needed)
    assert called(None, images) >= POWER > called(None, images - 1)
    assert found.seeds_needed == math.inf  # the images alone vary too much


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.05 / 70])
@pytest.mark.parametrize(("tasks", "count"), [(1, 2), (1, 5), (4, 2), (4, 3), (4, 5)])
@pytest.mark.parametrize(("images", "seeds"), [(0.015, 0.005), (0.01, 0.02), (0.002, 0.03)])
def test_the_detectable_difference_is_called_in_four_of_five_comparisons(
    images: float, seeds: float, tasks: int, count: int, alpha: float
) -> None:
    """By the p-values of simulated comparisons, whose seeds spread as they happen to."""
    random, called = np.random.default_rng(0), []
    true = design([make(images, seeds, 0.01, count)] * tasks, alpha).detectable
    for _ in range(2000):
        drawn = random.normal(true, np.hypot(seeds, 0.01), (tasks, count))
        value = drawn.mean() + random.normal(0, images / np.sqrt(tasks))
        seen = [make(images, np.sqrt(spread), 0, count) for spread in drawn.var(axis=1, ddof=1)]
        called.append(pooled([part.chance() for part in seen]).p(value) < alpha)
    assert np.mean(called) == pytest.approx(POWER, abs=0.03)
