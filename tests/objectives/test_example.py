"""The worked example in docs/objectives.md is whole: its file, its recipe and its grid do what the text says."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from pydantic import ValidationError

from benchmark.config.params import Params
from benchmark.objectives import OBJECTIVES
from benchmark.objectives.shared.base import Objective
from tests.helpers import CPU, PARAMS, ROOT
from tests.objectives.parts import KINDS, Pupil, problem

TEXT = (ROOT / "docs/objectives.md").read_text(encoding="utf-8")


def block(language: str, word: str) -> str:
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", TEXT, re.S) if word in text]
    return str(found)


@pytest.fixture
def poly1(tmp_path: Path) -> Iterator[type[Objective]]:
    file = tmp_path / "poly1.py"
    file.write_text(block("python", "Poly1"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("poly1", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["poly1"] = module
    spec.loader.exec_module(module)
    yield module.Poly1
    del sys.modules["poly1"]


def recipe() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(block("yaml", "Poly-1 loss"))
    return content


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_the_papers_loss_and_trains(poly1: type[Objective], kind: str) -> None:
    objective = poly1.model_validate(recipe()["recipes"]["poly1"]["objective"])
    of = problem(kind)
    outputs, labels = torch.randn(of.labels.shape), torch.from_numpy(of.labels)
    true = np.where(of.labels == 1, outputs.sigmoid().numpy(), 1 - outputs.sigmoid().numpy())
    found = objective.make_criterion(of, CPU)(outputs, labels, torch.arange(len(labels)))
    assert found.item() == pytest.approx(np.mean(-np.log(true) + 1.0 * (1 - true)), rel=1e-5)
    pupil = Pupil(objective, of)
    losses = [pupil.step(batch) for batch in pupil.batches(60)]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    with pytest.raises(ValidationError, match="epsilon"):
        poly1.model_validate(objective.model_dump() | {"epsilon": -2})


def test_the_recipe_and_the_grid_stand_beside_those_that_are_there() -> None:
    """With an objective that is there in place of the one that is not."""
    added, grids = recipe(), yaml.safe_load(block("yaml", "epsilon: [-0.5"))["sweep"]["grids"]
    assert added["finetune"]["recipes"] == [*PARAMS["finetune"]["recipes"], "poly1"]
    added["recipes"]["poly1"]["objective"] = PARAMS["recipes"]["focal"]["objective"]
    grids["poly1"]["over"]["gamma"] = grids["poly1"]["over"].pop("epsilon")[1:]
    content = PARAMS | {
        "finetune": PARAMS["finetune"] | added["finetune"],
        "recipes": PARAMS["recipes"] | added["recipes"],
    }
    content["sweep"] = PARAMS["sweep"] | {"grids": PARAMS["sweep"]["grids"] | grids}
    assert Params.model_validate(content).sweep.grids["poly1"].size == 4


def test_the_table_has_every_objective_and_a_recipe_that_trains_by_it() -> None:
    table = TEXT.partition("|---|")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| ([^|]+) \|$", table, re.M)
    assert sorted(name for name, _ in rows) == sorted(OBJECTIVES)
    for name, recipes in rows:
        for one in re.sub(r"\(.*\)", "", recipes).replace(" ", "").split(","):
            if one:
                assert name in str(PARAMS["recipes"][one]), f"{one} does not train by {name}"
