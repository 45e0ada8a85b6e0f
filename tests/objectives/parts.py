"""Settings, problems and steps that the tests of objectives share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from torch import Tensor, nn

from benchmark.core.seeding import isolated
from benchmark.core.terms import Kind
from benchmark.objectives import ADAPTER, OBJECTIVES
from benchmark.objectives.shared.base import Criterion, Objective, Problem
from benchmark.objectives.shared.optimizers import Optimizer
from tests.helpers import CPU, PARAMS

WRITTEN: dict[str, dict[str, Any]] = {
    "nll": {"loss": "nll", "optimizer": "adam", "lr": 1e-3},
    "bce-with-logits": {"loss": "bce-with-logits", "optimizer": "adam", "lr": 1e-3},
}
"""Settings of objectives that no recipe in params.yaml has."""

CANDIDATES = (0.5, 1, 0.001, 2, 10)
"""Numbers to try for a setting that nobody wrote down."""


def settings(name: str) -> dict[str, Any]:
    """Settings of an objective: a recipe's, else those in `WRITTEN`, else any that its types allow."""
    for recipe in PARAMS["recipes"].values():
        if recipe["objective"]["loss"] == name:
            return dict(recipe["objective"])
    return dict(WRITTEN.get(name) or _guessed(name))


def _guessed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, field in OBJECTIVES[name].model_fields.items():
        if key == "loss" or not field.is_required():
            continue
        found[key] = next(_allowed(name, key, field), None)
        if found[key] is None:
            pytest.fail(
                f"objective '{name}' is in no recipe of params.yaml and {key} can't be guessed: add it to WRITTEN"
            )
    try:
        ADAPTER.validate_python({"loss": name} | found)
    except ValidationError as error:
        pytest.fail(
            f"objective '{name}' is in no recipe of params.yaml, and {found} won't do: add it to WRITTEN ({error})"
        )
    return {"loss": name} | found


def _allowed(name: str, key: str, field: FieldInfo) -> Iterator[Any]:
    literal = get_origin(field.annotation) is Literal
    for candidate in get_args(field.annotation) if literal else CANDIDATES:
        try:
            OBJECTIVES[name].__pydantic_validator__.validate_assignment(
                OBJECTIVES[name].model_construct(), key, candidate
            )
        except ValidationError as error:
            if any(one["loc"] == (key,) and one["type"] != "frozen_instance" for one in error.errors()):
                continue
        yield candidate


def make(name: str, **changes: Any) -> Objective:
    return ADAPTER.validate_python(settings(name) | changes)


@dataclass(frozen=True)
class Task:
    """All that an objective asks of a task."""

    kind: Kind = "binary"
    label_count: int = 1
    name: str = "one"


KINDS: Mapping[str, Task] = {"binary": Task(), "multi-label": Task("multi-label", 5)}
CASES = [
    pytest.param(name, kind, id=f"{name}, {kind}")
    for name, objective in OBJECTIVES.items()
    for kind in KINDS
    if kind not in objective.refuses
]
"""Every objective with every kind of task that it accepts."""


def problem(kind: str = "binary", images: int = 64, share: float = 0.3, label_count: int | None = None) -> Problem:
    """Labels with about that share of 1, and both classes in each."""
    task = KINDS[kind] if label_count is None else Task("multi-label", label_count)
    labels = (np.random.default_rng(0).random((images, task.label_count)) < share).astype(np.uint8)
    labels[0], labels[1] = 1, 0
    return Problem(task, labels)


class Pupil:
    """A small network in training on learnable noise, step by step."""

    def __init__(self, objective: Objective, of: Problem, seed: int = 0) -> None:
        self.objective, self.problem = objective.of(of.task.kind), of
        with isolated(seed):
            self.images = torch.randn(len(of.labels), 6) + torch.from_numpy(of.labels.mean(1, keepdims=True)).float()
            self.model = network(self.objective.outputs(of.task.label_count))
        self.criterion: Criterion = self.objective.make_criterion(of, CPU)
        self.optimizer: Optimizer = self.objective.make_optimizer(
            self.model.parameters(), {of.task.name: self.criterion}, CPU, seed
        )

    def batches(self, steps: int) -> list[Tensor]:
        """That many batches, from as many epochs as it takes."""
        found: list[Tensor] = []
        for epoch in range(steps):
            found += self.objective.batches(self.problem, 32, 0, epoch)
        return found[:steps]

    def step(self, batch: Tensor) -> float:
        labels = torch.from_numpy(self.problem.labels)[batch]
        loss = self.criterion(self.model(self.images[batch]), labels, batch)
        self.optimizer.backward(loss)
        self.optimizer.step()
        return loss.item()

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "criterion": self.criterion.state(),
            "optimizer": self.optimizer.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.criterion.load(state["criterion"])
        self.optimizer.load(state["optimizer"])


def network(outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, outputs))
