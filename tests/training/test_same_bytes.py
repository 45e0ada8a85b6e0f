"""Equal runs give equal files: in another process, another folder, after other work, and beside another run."""

import os
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
import torch

from benchmark.config.run import RunConfig
from benchmark.runs.folder import RunFolder
from benchmark.training import execute
from tests.helpers import CPU, OBJECTIVES, make_config, make_data
from tests.processes import in_process


def train(config: RunConfig, folder: Path, before: RunConfig | None = None) -> None:
    """One run, from inside its own folder; `before` is trained first in the same process."""
    torch.set_num_threads(2)  # whatever the tests have: bytes are equal with several too
    folder.mkdir(parents=True)
    os.chdir(folder)
    for each, name in ((before, "other"), (config, "run")):
        if each is not None:
            execute.execute(each, {task: make_data(task) for task in each.tasks}, RunFolder(folder / name), CPU)


def hashes(folder: Path) -> list[str]:
    history = pd.read_csv(folder / "run" / "history.csv").drop(columns="seconds").to_csv(index=False)
    contents = [(folder / "run" / name).read_bytes() for name in ("scores.npz", "metrics.json", "model.safetensors")]
    return [sha256(content).hexdigest() for content in (*contents, history.encode())]


ON_IMAGES_ALONE = ("nll", "bce-with-logits")
"""A loss takes no part in what a 3D network does, which the others show."""
CASES = [("breastmnist", loss) for loss in OBJECTIVES]
CASES += [("adrenalmnist3d", loss) for loss in OBJECTIVES if loss not in ON_IMAGES_ALONE]
CASES += [("chestmnist", "bce-with-logits"), ("chestmnist", "aucm")]


@pytest.mark.parametrize(("task", "loss"), CASES)
def test_equal_runs_give_equal_files(tmp_path: Path, task: str, loss: str) -> None:
    config = make_config(
        task, objective=OBJECTIVES[loss], augmentation="none" if task.endswith("3d") else "flip-affine"
    )
    other_loss = "aucm" if loss != "aucm" else "cross-entropy"
    before = make_config("vesselmnist3d" if task == "breastmnist" else "breastmnist", objective=OBJECTIVES[other_loss])
    one = in_process(train, config, tmp_path / "one")
    other = in_process(train, config, tmp_path / "another" / "folder", before)
    one.join()
    other.join()
    assert hashes(tmp_path / "one") == hashes(tmp_path / "another" / "folder")


def test_another_seed_gives_other_files(tmp_path: Path) -> None:
    for seed in (0, 1):
        in_process(train, make_config("breastmnist", seed=seed), tmp_path / str(seed)).join()
    assert not set(hashes(tmp_path / "0")) & set(hashes(tmp_path / "1"))
