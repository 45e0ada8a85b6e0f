"""A moving average of weights, and that it is what is looked at, kept and served."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.runs.folder import RunFolder
from benchmark.training import execute, loop
from benchmark.training.averaging import averaged
from benchmark.training.checkpoint import Checkpoints
from tests.helpers import CPU, OBJECTIVES, make_data, make_narrow_config

DATA = {"breastmnist": make_data("breastmnist", images=96)}


def test_it_is_the_recursion_with_warm_up_statistics_of_normalisation_included() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    average, expected = averaged(model, 0.9), {}
    for update in range(200):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        model(torch.randn(8, 3))
        average.update_parameters(model)
        share = min(0.9, (1 + update) / (10 + update)) if update else 0.0
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                expected[name] = share * expected.get(name, torch.zeros(())) + (1 - share) * value.double()
    for name, value in expected.items():
        assert torch.allclose(average.module.state_dict()[name].double(), value, atol=1e-5), name
    assert average.module.state_dict()["1.num_batches_tracked"] == 200


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
def test_the_average_is_what_is_scored_kept_and_served(tmp_path: Path, loss: str) -> None:
    config = make_narrow_config("breastmnist", objective=OBJECTIVES[loss], averaging={"decay": 0.9}, epochs=3)
    run = loop.train(config, DATA, None, CPU, Checkpoints(tmp_path / "checkpoint", "test"))
    assert run.average is not None
    last = run.model.state_dict()["trunk.stem.0.weight"]
    assert not torch.equal(run.best.weights["trunk.stem.0.weight"], last)
    folder = RunFolder(tmp_path / "run")
    execute.execute(config, DATA, folder, CPU)
    assert torch.equal(folder.weights()["trunk.stem.0.weight"], run.best.weights["trunk.stem.0.weight"])
    assert folder.metrics()["val_auc"] == pytest.approx(folder.history()["val_auc"].max())
    served = execute.predictor(folder, DATA["breastmnist"].task)
    with torch.no_grad():
        scores = served(DATA["breastmnist"].splits["test"].images.squeeze(1)).numpy()
    assert np.allclose(scores, folder.scores()["test"][1], atol=1e-6)


def test_the_last_epoch_is_kept_where_the_recipe_says_so(tmp_path: Path) -> None:
    run = loop.train(
        make_narrow_config("breastmnist", epochs=4, keep="last"), DATA, None, CPU, Checkpoints(tmp_path, "test")
    )
    assert run.best.epoch == 4
    assert run.best.val_auc == run.history[-1]["val_auc"]
    assert torch.equal(run.best.weights["trunk.stem.0.weight"], run.model.state_dict()["trunk.stem.0.weight"])
