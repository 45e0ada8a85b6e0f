"""One colour a recipe, the same in the report's figures and in the MLflow UI."""

from __future__ import annotations

from benchmark.config.params import Params

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by colour-blind readers: Okabe and Ito, Color Universal Design (2008)."""


def colour(place: int) -> str:
    """Of the column in this place of the report: `finetune.names`, then `ensemble.names`."""
    return COLOURS[place % len(COLOURS)]


def of_recipe(params: Params, name: str) -> str:
    """Of a recipe or ensemble; those that are not run come behind."""
    run = (*params.finetune.names, *params.ensemble.names)
    return colour(list(dict.fromkeys((*run, *params.recipes, *params.ensembles))).index(name))
