"""A run that was killed again and again ends with the bytes of one that never was, and loses one epoch at most."""

import json
import math
import random
import time
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from benchmark.config.run import RunConfig
from benchmark.runs.folder import RunFolder
from benchmark.training import execute, loop
from benchmark.training.loop import Row
from tests.helpers import CPU, OBJECTIVES, make_config, make_data
from tests.processes import in_process


class Diary:
    """An observer that notes the epochs that were started, in a file that outlives its process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None:
        with self.path.open("a") as file:
            file.write(f"{epoch}\n")

    def batch_done(self, images: int) -> None: ...

    def epoch_done(self, row: Row) -> None: ...


def train(config: RunConfig, folder: Path, diary: Path) -> None:
    """With a checkpoint after every epoch, however short."""
    torch.set_num_threads(2)
    loop.CHECKPOINT_SHARE = math.inf
    data = {"breastmnist": make_data("breastmnist", images=96)}
    execute.execute(config, data, RunFolder(folder), CPU, observers=[Diary(diary)])


def first_and_last(diary: Path) -> tuple[int, int] | None:
    epochs = [int(line) for line in diary.read_text().split()] if diary.exists() else []
    return (epochs[0], epochs[-1]) if epochs else None


def check_whole(folder: Path) -> None:
    """Whatever has a real name is whole; what is not has a hidden one."""
    for path in folder.rglob("[!.]*.json"):
        json.loads(path.read_text())
    for path in folder.glob("checkpoint/[!.]*"):
        assert sha256(path.read_bytes()).hexdigest()[:16] == path.stem.split("-")[-1]


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
def test_killed_at_random_moments(tmp_path: Path, loss: str, kills: int) -> None:
    schedule = {"at": [0.5, 0.75], "factor": 0.1}
    # So many that a process which lives for its share of the whole training gets through one of them.
    epochs = max(6, 2 * kills)
    settings = {"objective": OBJECTIVES[loss], "augmentation": "flip-affine", "schedule": schedule, "epochs": epochs}
    config = make_config("breastmnist", **settings)

    in_process(int).join()  # the server's imports are no part of the span
    started = time.monotonic()
    whole = in_process(train, config, tmp_path / "whole", tmp_path / "whole.diary")
    while not (tmp_path / "whole.diary").exists():
        assert whole.is_alive()
        time.sleep(0.01)
    begun = time.monotonic() - started
    whole.join()
    span = time.monotonic() - started - begun

    moments, resumed_from = random.Random(f"{loss} {kills}"), 1
    for kill in range(kills):
        diary = tmp_path / f"{kill}.diary"
        process = in_process(train, config, tmp_path / "killed", diary)
        # One in four before its first epoch.
        process.join(moments.uniform(0, begun) if kill % 4 == 3 else begun + moments.uniform(0, span / kills * 2))
        process.kill()
        process.join()
        check_whole(tmp_path / "killed")
        if (seen := first_and_last(diary)) is not None:
            assert seen[0] >= resumed_from, "more than the epoch that it was in is lost"
            resumed_from = seen[1]
    assert resumed_from > 1, "no kill hit the training"
    last = in_process(train, config, tmp_path / "killed", tmp_path / "last.diary")
    last.join()

    one, other = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "killed")
    assert other.is_done
    for name in ("scores.npz", "metrics.json", "model.safetensors"):
        assert (one.path / name).read_bytes() == (other.path / name).read_bytes()
    assert one.history().drop(columns="seconds").equals(other.history().drop(columns="seconds"))
    assert {path.name for path in one.path.iterdir()} == {path.name for path in other.path.iterdir()}
