"""Deep AUC Maximization on small medical image sets: recipes, protocol and comparison."""

__version__ = "0.1.0"
