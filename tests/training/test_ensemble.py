"""The served mean equals the mean that is scored."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.runs import ensemble
from benchmark.runs.record import EnsembleConfig
from benchmark.runs.workspace import Workspace
from benchmark.training import execute
from benchmark.training.ensemble import predictor
from tests.helpers import CPU, OBJECTIVES, make_data, make_narrow_config

RECIPES = {"softmax": "cross-entropy", "sigmoid": "aucm"}


def train(workspace: Workspace, task: str, cross_fit: int | None = None) -> EnsembleConfig:
    """Two recipes, one of them with flips at test and maybe cross-fitted, two seeds each."""
    data = {task: make_data(task)}
    for recipe, objective in RECIPES.items():
        for seed in (0, 1):
            flips, own = (("width",), cross_fit) if recipe == "sigmoid" else ((), None)
            changes = {"objective": OBJECTIVES[objective], "epochs": 1, "flips_at_test": flips, "cross_fit": own}
            config = make_narrow_config(task, recipe=recipe, seed=seed, **changes)
            assert execute.execute(config, data, workspace.run("smoke", task, recipe, seed), CPU)
    return EnsembleConfig(stage="ensemble", tasks=(task,), recipe="both", profile="smoke", members=tuple(RECIPES))


@pytest.mark.parametrize("task", ["breastmnist", "vesselmnist3d"])
def test_the_served_mean_is_the_scored_one_exported_for_any_batch(tmp_path: Path, task: str) -> None:
    workspace, data = Workspace(tmp_path), make_data(task)
    config = train(workspace, task)
    members = ensemble.members(config, (0, 1), data.md5, workspace)
    folder, _ = ensemble.make(config, members, workspace)
    images = data.splits["test"].images.squeeze(1)
    network = predictor(members, data.task).eval()
    batch = {"images": {0: torch.export.Dim("batch")}}
    with torch.no_grad():
        exported = torch.export.export(network, (images[:2],), dynamic_shapes=batch).module()
        parts = [exported(part) for part in (images[:1], images[1:4], images[4:])]
        assert torch.cat(parts).numpy() == pytest.approx(network(images).numpy(), abs=1e-6)
    expected = folder.scores()["test"][1]
    assert torch.cat(parts).numpy() == pytest.approx(expected, abs=1e-6)
    assert np.ptp(expected) > 1e-4  # else it would prove nothing
