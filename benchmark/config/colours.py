"""One colour a recipe, the same in the report's figures and in the MLflow UI."""

from __future__ import annotations

from benchmark.config.params import Params

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by colour-blind readers: Okabe and Ito, Color Universal Design (2008)."""


def colour(place: int) -> str:
    """Of the recipe in this place of `finetune.names`."""
    return COLOURS[place % len(COLOURS)]


def of_recipe(params: Params, name: str) -> str:
    """Of a recipe; those that section finetune leaves out come behind."""
    return colour(list(dict.fromkeys((*params.finetune.names, *params.recipes))).index(name))
