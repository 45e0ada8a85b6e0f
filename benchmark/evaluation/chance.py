"""The two sources of chance put together: other test images, and other seeds.

What other images would change is known well, from hundreds of them. What other seeds would change is measured over few,
and few may lie close together by chance. Satterthwaite's degrees of freedom then trust the small spread that they show:
of two seeds, up to one 95 % interval in eight misses. The quantile of Cochran and Cox (Experimental Designs, 2nd ed.,
1957, section 4.14) is the mean of the normal one and the t one, each weighted by its part of the variance. By simulation
it misses in 1 to 6 of 100, for two seeds and for ten, whether they spread by 0.005 or by 0.07; no spread is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy

CONFIDENCE = 0.95
ALPHA = round(1 - CONFIDENCE, 9)
"""A p-value below this is called more than chance; rounded, or it would be a little above 0.05."""


def quantiles(images: float | np.ndarray, seeds: np.ndarray, freedom: np.ndarray, tail: float) -> np.ndarray:
    """Cochran and Cox's, for several variances over seeds, all above 0, each with its degrees of freedom."""
    normal, of_seeds = -scipy.special.ndtri(tail), -scipy.special.stdtrit(freedom, tail)
    found: np.ndarray = (images * normal + seeds * of_seeds) / (images + seeds)
    return found


@dataclass(frozen=True)
class Chance:
    """Variance of an estimated figure by its source."""

    images: float
    """Over other test images; taken as known."""
    seeds: float = 0.0
    """Over other seeds."""
    freedom: float = math.inf
    """Degrees of freedom with which `seeds` was measured."""

    @staticmethod
    def of(images: float, seeds: Iterable[tuple[float, float]]) -> Chance:
        """Of several independent spreads over seeds, each with its degrees of freedom.

        They are added up by Satterthwaite, Biometrics Bulletin 2 (1946).
        """
        parts = list(seeds)
        total = sum(variance for variance, _ in parts)
        doubt = sum(variance**2 / freedom for variance, freedom in parts)
        return Chance(images, total, total**2 / doubt if doubt > 0 else math.inf)

    @property
    def se(self) -> float:
        return math.sqrt(self.images + self.seeds)

    def quantile(self, tail: float) -> float:
        """How many standard errors an estimate lies above the truth with this probability, by Cochran and Cox."""
        if self.seeds == 0:
            return -float(scipy.special.ndtri(tail))
        return float(quantiles(self.images, np.asarray(self.seeds), np.asarray(self.freedom), tail))

    def half_width(self) -> float:
        """Of the 95 % interval."""
        return self.se * self.quantile((1 - CONFIDENCE) / 2)

    def p(self, value: float) -> float:
        """Two-sided, of a true value of 0: the p-value whose interval just reaches 0. NaN where there is no spread."""
        if not self.se > 0 or math.isnan(value):
            return math.nan
        errors = abs(value) / self.se

        def beyond(log_p: float) -> float:
            return self.quantile(math.exp(log_p) / 2) - errors

        least = -200.0  # below e^-200 the quantiles of t are not to be relied on
        if errors == 0:
            return 1.0
        return 0.0 if beyond(least) < 0 else math.exp(scipy.optimize.brentq(beyond, least, 0.0, xtol=1e-12))
