"""Checkpoints are whole or not there, and only ever used by the run that wrote them."""

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.training import loop
from benchmark.training.checkpoint import Checkpoints
from tests.helpers import CPU, make_data, make_narrow_config


def test_the_newest_state_comes_back_and_two_files_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "me")
    for epoch in range(1, 12):
        checkpoints.save(epoch, {"weights": torch.full((3,), float(epoch)), "history": [{"epoch": epoch}]})
    found = checkpoints.load(CPU)
    assert found is not None
    assert found["weights"].tolist() == [11.0] * 3
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_used(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "me")
    checkpoints.save(1, {"epoch": 1})
    checkpoints.save(2, {"epoch": 2})
    newest = sorted(tmp_path.iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:-7])
    with pytest.warns(UserWarning, match="damaged checkpoint set aside"):
        assert checkpoints.load(CPU) == {"epoch": 1}
    assert newest.with_suffix(".damaged").exists()


def test_another_runs_checkpoint_is_not_used(tmp_path: Path) -> None:
    Checkpoints(tmp_path, "me").save(1, {})
    assert Checkpoints(tmp_path, "you").load(CPU) is None
    assert Checkpoints(tmp_path / "nothing", "me").load(CPU) is None


class Slow(Checkpoints):
    """Writes as a slow disk does, and tells how often."""

    epochs: list[int]

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        time.sleep(0.3)
        self.epochs.append(epoch)


def test_checkpoints_take_a_small_share_of_the_time(tmp_path: Path) -> None:
    """A tenth of a second an epoch, and a third for a checkpoint: one, not one after each."""
    checkpoints = Slow(tmp_path, "test")
    checkpoints.epochs = []
    data = {"breastmnist": make_data("breastmnist", images=16)}
    loop.train(make_narrow_config("breastmnist", epochs=8), data, None, CPU, checkpoints)
    assert checkpoints.epochs == [1]
