"""Deep AUC Maximization on small medical image sets: recipes, protocol and comparison."""

import os

# OpenMP's threads spin while they wait for each other, by default so long that two trainings on one machine take each
# other's cores away and both run several times slower. Before PyTorch is imported, which reads it once.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

__version__ = "0.1.0"
