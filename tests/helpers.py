"""Small real parts that several test files share."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from benchmark.config import Params, RunConfig
from benchmark.data import Split, TaskData
from benchmark.tasks import build_task

CPU = torch.device("cpu")
PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))

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


def make_data(name: str, images: int | None = None, seed: int = 0) -> TaskData:
    """A small learnable set of the task's shape: label 1 is brighter. Any task of params.yaml."""
    task = build_task(name, Params.model_validate(PARAMS).tasks[name])
    images = images or (48 if task.dimension == 2 else 24)
    random = np.random.default_rng(seed)
    splits = {}
    for split, count in (("train", images), ("val", images // 2), ("test", images // 2)):
        labels = (random.random((count, task.label_count)) < 0.35).astype(np.uint8)
        labels[:2], labels[2:4] = 0, 1
        noise = random.integers(0, 160, (count, 1, *[28] * task.dimension))
        bright = 70 * labels.mean(axis=1).reshape(-1, 1, *[1] * task.dimension)
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
        "precision": "fp32",
    }
    return RunConfig.model_validate(config | changes)
