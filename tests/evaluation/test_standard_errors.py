"""How large the standard error of an AUROC is on test sets of these sizes: the figures that the docs name."""

import numpy as np
import pytest
from scipy.stats import norm

from benchmark.evaluation import statistics


@pytest.mark.parametrize(
    ("ones", "zeros", "auroc", "error"),
    [  # BreastMNIST, VesselMNIST3D, AdrenalMNIST3D, PneumoniaMNIST: counts of label 1 and 0 in the test split
        (114, 42, 0.65, 0.049),
        (114, 42, 0.9, 0.027),
        (43, 339, 0.9, 0.024),
        (69, 229, 0.8, 0.030),
        (390, 234, 0.96, 0.007),
    ],
)
def test_the_standard_error_of_an_auroc_on_the_test_sets(ones: int, zeros: int, auroc: float, error: float) -> None:
    """Normal scores of equal spread, the mean of DeLong's over 100 draws."""
    random = np.random.default_rng(0)
    labels = np.repeat([1, 0], [ones, zeros])[:, None]
    apart = np.sqrt(2) * norm.ppf(auroc) * labels
    errors = [statistics.delong(labels, apart + random.normal(size=labels.shape)).se for _ in range(100)]
    assert np.mean(errors) == pytest.approx(error, abs=0.001)
