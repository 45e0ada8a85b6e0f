"""Small real parts that several test files share."""

import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import torch
import yaml

from benchmark.config.params import Params
from benchmark.config.run import RunConfig
from benchmark.config.tasks import Task, build_task
from benchmark.core.errors import BenchmarkError
from benchmark.data.load import Split, TaskData
from benchmark.runs.record import UNKNOWN_HARDWARE, FromElsewhere, Trained
from benchmark.training.loop import Row
from pipelines.console.mends import sentence

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parent.parent
REAL = Path(os.environ.get("MEDMNIST_MIRROR") or ROOT.parent / "shared/medmnist")
"""Where the real files are, if they are."""
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))

OBJECTIVES: dict[str, dict[str, Any]] = {
    "cross-entropy": {"loss": "cross-entropy", "optimizer": "adam", "lr": 1e-3},
    "nll": {"loss": "nll", "optimizer": "adam", "lr": 1e-3},
    "bce-with-logits": {"loss": "bce-with-logits", "optimizer": "rmsprop", "lr": 1e-3},
    "aucm": PARAMS["recipes"]["dam"]["objective"],
    "compositional-auc": PARAMS["recipes"]["dam-compositional"]["objective"],
}
SEVEN = (
    "breastmnist",
    "pneumoniamnist",
    "chestmnist",
    "nodulemnist3d",
    "adrenalmnist3d",
    "vesselmnist3d",
    "synapsemnist3d",
)
"""The tasks of the published README."""


def needs(name: str) -> pytest.MarkDecorator:
    """Skips a test without this real file."""
    return pytest.mark.skipif(not (REAL / name).is_file(), reason=f"needs {name} in MEDMNIST_MIRROR or ../shared")


@contextmanager
def told(kind: type[BenchmarkError], match: str) -> Iterator[None]:
    """The block ends in this error, and what the command line says of it, mend included, matches."""
    with pytest.raises(kind) as caught:
        yield
    assert re.search(match, sentence(caught.value)), sentence(caught.value)


def running(*recipes: str, second: Sequence[Mapping[str, str]] = (), ensembles: Sequence[str] = ()) -> dict[str, Any]:
    """The sections of params.yaml that say what is run: these and nothing else."""
    finetune = {"recipes": list(recipes), "second": [dict(one) for one in second]}
    return {"finetune": finetune, "ensemble": {"names": list(ensembles)}}


def shipped() -> Params:
    """The shipped params.yaml."""
    return Params.model_validate(PARAMS)


def find(name: str) -> Task:
    """A task of the shipped params.yaml."""
    return build_task(name, shipped().tasks[name])


def make_data(name: str, images: int | None = None, seed: int = 0) -> TaskData:
    """A small learnable set of the task's shape: label 1 is brighter. Any task of params.yaml."""
    task = find(name)
    images = images or (48 if task.dim.axes == 2 else 24)
    random = np.random.default_rng(seed)
    splits = {}
    for split, count in (("train", images), ("val", images // 2), ("test", images // 2)):
        labels = (random.random((count, task.label_count)) < 0.35).astype(np.uint8)
        labels[:2], labels[2:4] = 0, 1
        noise = random.integers(0, 160, (count, 1, *[28] * task.dim.axes))
        bright = 70 * labels.mean(axis=1).reshape(-1, 1, *[1] * task.dim.axes)
        pixels = torch.from_numpy((noise + bright).astype(np.uint8))
        splits[split] = Split(pixels, torch.from_numpy(labels))
    return TaskData(task, hashlib.md5(f"{name}{images}{seed}".encode()).hexdigest(), splits)


def make_config(*tasks: str, **changes: Any) -> RunConfig:
    """A short run of the cheap network; any field can be given."""
    network = "resnet10-strided-3d" if tasks[0].endswith("3d") else "resnet18-strided"
    config = {
        "stage": "finetune",
        "tasks": tasks,
        "recipe": "test",
        "profile": "smoke",
        "seed": 0,
        "network": network,
        "recipe_network": network,
        "start": "scratch",
        "trainable": "all",
        "objective": OBJECTIVES["cross-entropy"],
        "augmentation": "none",
        "epochs": 2,
        "recipe_epochs": 2,
        "batch_size": 16,
        "schedule": None,
        "averaging": None,
        "sharpness": None,
        "keep": "best",
        "cross_fit": None,
        "flips_at_test": (),
        "memory_format": "contiguous",
        "precision": "fp32",
    }
    return RunConfig.model_validate(config | changes)


def wait_for_server(address: str, patience_s: float = 90) -> None:
    """Until it answers there, whatever it answers."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            requests.get(address, timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.2)
    pytest.fail(f"no answer from {address} in {patience_s} s")


def free_port() -> int:
    """On loopback; nobody had it a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


NARROW = {"width": 8, "blocks": [1, 1], "stem_kernel": 3, "stem_stride": 2, "pool": False}


def make_narrow_config(*tasks: str, **changes: Any) -> RunConfig:
    """As `make_config` with a network of a thousandth of its weights, for what is the same with any."""
    family = "resnet-3d" if tasks[0].endswith("3d") else "resnet"
    return make_config(*tasks, **{"network": {"family": family} | NARROW} | changes)


class Stop(Exception):
    pass


class StopAfter:
    """An observer that ends the run, as a signal would, once so many epochs are over."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None:
        if epoch > self.epochs:
            raise Stop

    def batch_done(self, images: int) -> None: ...

    def epoch_done(self, row: Row) -> None: ...


def trained(**changes: Any) -> Trained:
    """The record of a finished run; any field can be given."""
    record = {
        "status": "done",
        "identity": "one",
        "config": changes.pop("config", None) or make_config("breastmnist"),
        "data_md5": {"breastmnist": "0" * 32},
        "standin": False,
        "code": {"commit": "abc", "dirty": False, "digest": "1" * 64},
        "versions": {"python": "3.11.0"},
        "hardware": {"cpu": "a processor", "cores": 2, "threads": 2, "memory_gb": 24.0, "gpu": None},
        "started": "2026-01-01T00:00:00+00:00",
        "best_epoch": 1,
        "seconds": {"train": 1.0, "total": 2.0},
        "parameters": 10,
    }
    return Trained.model_validate(record | changes)


def from_elsewhere(md5: str = "0" * 32, **changes: Any) -> FromElsewhere:
    """The record of predictions from elsewhere on a data file; any field of its configuration can be given."""
    config = {"stage": "external", "tasks": ["breastmnist"], "recipe": "my-method", "profile": "external", "seed": 0}
    record = trained().model_dump(include={"status", "identity", "data_md5", "standin", "code", "started"})
    record |= {"versions": {}, "hardware": UNKNOWN_HARDWARE, "files": [], "data_md5": {"breastmnist": md5}}
    return FromElsewhere.model_validate(record | {"config": config | {"note": ""} | changes})
