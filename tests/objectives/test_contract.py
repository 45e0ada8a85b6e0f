"""What every objective has to keep: each test runs for each file in `benchmark/objectives`, a new one included."""

import io
import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import annotated_types
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from torch import nn

from benchmark.core.errors import Refused
from benchmark.networks import FEATURES, NETWORKS
from benchmark.objectives import ADAPTER, OBJECTIVES, for_task
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.loop import Training, train
from tests.helpers import CPU, Stop, StopAfter, make_config, make_data
from tests.objectives.parts import CASES, KINDS, Pupil, Task, make, problem, settings

NAMES = sorted(OBJECTIVES)
TASKS = [*KINDS.values(), Task("multi-label", 2)]


# ------------------------------------------------------------------------------------------------ settings


def test_reading_the_names_imports_neither_pytorch_nor_libauc() -> None:
    code = "import sys, benchmark.objectives; print([name for name in ('torch', 'libauc') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_of_the_named_objective_and_come_back_as_they_went(name: str) -> None:
    objective = make(name)
    assert type(objective) is OBJECTIVES[name]
    assert ADAPTER.validate_python(objective.model_dump(mode="json")) == objective
    assert objective.columns().items() <= objective.model_dump().items()
    assert objective.optimizer_name


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_key_is_an_error(name: str) -> None:
    with pytest.raises(ValidationError, match="nonsense"):
        ADAPTER.validate_python(settings(name) | {"nonsense": 1})


def numbers(name: str) -> list[tuple[str, FieldInfo]]:
    fields = OBJECTIVES[name].model_fields.items()
    return [(key, field) for key, field in fields if {int, float} & {field.annotation, *get_args(field.annotation)}]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_range_and_what_lies_outside_is_an_error(name: str) -> None:
    for key, field in numbers(name):
        outside: list[float] = [math.inf, math.nan]
        lowest = []
        for bound in field.metadata:
            if isinstance(bound, annotated_types.Gt):
                lowest.append(bound.gt)
            if isinstance(bound, annotated_types.Ge):
                lowest.append(math.nextafter(float(bound.ge), -math.inf))  # type: ignore[arg-type]
            if isinstance(bound, annotated_types.Lt):
                outside.append(bound.lt)  # type: ignore[arg-type]
            if isinstance(bound, annotated_types.Le):
                outside.append(math.nextafter(float(bound.le), math.inf))  # type: ignore[arg-type]
        assert lowest, f"{name}.{key} has no lower bound"
        for value in outside + lowest:
            with pytest.raises(ValidationError, match=key):
                ADAPTER.validate_python(settings(name) | {key: value})


# ------------------------------------------------------------------------------------------------ tasks, outputs


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.kind}, {task.label_count}")
@pytest.mark.parametrize("name", NAMES)
def test_a_kind_of_task_is_trained_or_refused_with_a_reason(name: str, task: Task) -> None:
    objective = make(name)
    reason = objective.of(task.kind).refusal(task)
    if reason:
        with pytest.raises(Refused) as refused:
            for_task(objective, task, "recipe r")
        assert f"recipe r: loss '{name}' does not accept one, a {task.kind} task: {reason}" in str(refused.value)
    else:
        assert for_task(objective, task, "recipe r").of(task.kind).refusal(task) == ""
        pupil = Pupil(objective, problem(task.kind, label_count=None if task.label_count == 1 else task.label_count))
        (batch,) = pupil.batches(1)
        before = [value.clone() for value in pupil.model.parameters()]
        assert math.isfinite(pupil.step(batch))
        assert any(not torch.equal(*pair) for pair in zip(before, pupil.model.parameters(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_some_kind_of_task_is_accepted(name: str) -> None:
    assert [kind for kind, task in KINDS.items() if not make(name).of(task.kind).refusal(task)]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_probabilities_are_of_label_1_between_0_and_1(name: str, kind: str) -> None:
    objective, count = make(name).of(KINDS[kind].kind), KINDS[kind].label_count
    width = objective.outputs(count)
    outputs = torch.cat([torch.randn(30, width), torch.full((1, width), 90.0), torch.full((1, width), -90.0)])
    found = objective.probabilities(outputs)
    assert found.shape == (32, count)
    assert bool(((found >= 0) & (found <= 1)).all())
    higher = outputs.clone()
    higher[:, -1] += 1  # the last output is that of the last label's 1
    assert bool((objective.probabilities(higher)[:, -1] >= found[:, -1]).all())


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_step_raises_the_scores_of_label_1_above_those_of_label_0(name: str, kind: str) -> None:
    """Whatever is mirrored or weighted inside: outputs keep meaning label 1, with label 1 rare or common."""
    for share in (0.25, 0.75):
        pupil = Pupil(make(name), problem(kind, images=200, share=share))
        for batch in pupil.batches(150):
            pupil.step(batch)
        scores = pupil.objective.probabilities(pupil.model.eval()(pupil.images)).detach().mean(1).numpy()
        rows = pupil.problem.labels.mean(1)
        assert np.corrcoef(scores, rows)[0, 1] > 0.1


# ------------------------------------------------------------------------------------------------ state, draws


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_state_goes_through_a_file_and_training_continues_equally(name: str, kind: str) -> None:
    """With a decay before and one after, so that whatever the optimizer carries between two is part of it."""
    changes = {"epoch_decay": 3e-3} if "epoch_decay" in OBJECTIVES[name].model_fields else {}
    changes |= {"inner_steps": 2} if "inner_steps" in OBJECTIVES[name].model_fields else {}
    whole, first, second = (Pupil(make(name, **changes), problem(kind)) for _ in range(3))
    batches = whole.batches(15)

    def go_on(pupil: Pupil, part: slice) -> list[float]:
        found = []
        for place in range(15)[part]:
            if place in (4, 11):
                pupil.optimizer.decay(0.5)
            found.append(pupil.step(batches[place]))
        return found

    losses = go_on(whole, slice(15))
    kept = io.BytesIO()
    parts = go_on(first, slice(7))
    torch.save(first.state(), kept)
    kept.seek(0)
    second.load(torch.load(kept, weights_only=True))
    assert parts + go_on(second, slice(7, 15)) == losses
    for one, other in zip(second.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(one, other)
    for key, value in whole.criterion.state().items():
        assert torch.equal(torch.as_tensor(second.criterion.state()[key]), torch.as_tensor(value)), key


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_state_is_a_copy(name: str, kind: str) -> None:
    pupil = Pupil(make(name), problem(kind))
    before = pupil.criterion.state()
    copies = {key: torch.as_tensor(value).clone() for key, value in before.items()}
    for batch in pupil.batches(4):
        pupil.step(batch)
    assert all(torch.equal(torch.as_tensor(before[key]), copies[key]) for key in copies)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_batches_are_a_function_of_their_arguments(name: str, kind: str) -> None:
    objective, of = make(name).of(KINDS[kind].kind), problem(kind)

    def drawn(seed: int, epoch: int) -> list[list[int]]:
        parts = objective.batches(of, 16, seed, epoch)
        assert {part.dtype for part in parts} == {torch.int64}
        assert all(part.dim() == 1 and part.min() >= 0 and part.max() < len(of.labels) for part in parts)
        return [part.tolist() for part in parts]

    assert drawn(0, 0) == drawn(0, 0)
    assert drawn(0, 0) != drawn(0, 1)
    assert drawn(0, 0) != drawn(1, 0)


@pytest.mark.parametrize("images", [4, 5, 17])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_tiny_set_has_batches_of_two_images_or_more(name: str, kind: str, images: int) -> None:
    """Batch normalisation needs two."""
    objective, of = make(name).of(KINDS[kind].kind), problem(kind, images=images)
    for batch_size in (2, 3, 4, 64):
        parts = objective.batches(of, batch_size, 0, 0)
        assert parts
        assert min(len(part) for part in parts) >= 2


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_nothing_is_printed_and_no_global_generator_is_touched(
    name: str, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for changes in ({}, {"epoch_decay": 3e-3}) if "epoch_decay" in OBJECTIVES[name].model_fields else ({},):
        before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index] # noqa: NPY002
        pupil = Pupil(make(name, **changes), problem(kind))
        for place, batch in enumerate(pupil.batches(6)):
            if place == 3:
                pupil.optimizer.decay(0.1)
            pupil.step(batch)
        after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index] # noqa: NPY002
        assert torch.equal(before[0], after[0])
        assert before[1:] == after[1:]
    assert capfd.readouterr() == ("", "")


# ------------------------------------------------------------------------------------------------ in the loop


class Tiny(nn.Sequential):
    """A trunk that takes no time; tests/training has the real ones."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(784, FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU())


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS.known, "resnet18-strided", Tiny)


def fit(
    folder: Path, task: str, objective: dict[str, Any], images: int, observers: Any = (), **changes: Any
) -> Training:
    config = make_config(task, objective=objective, **changes)
    return train(config, {task: make_data(task, images=images)}, None, CPU, Checkpoints(folder, "test"), observers)


def bytes_of(run: Training) -> bytes:
    return b"".join(value.numpy().tobytes() for _, value in sorted(run.best.weights.items()))


@pytest.mark.parametrize(
    "name", [name for name, objective in sorted(OBJECTIVES.items()) if "binary" not in objective.refuses]
)
@pytest.mark.usefixtures("tiny")
def test_it_learns(tmp_path: Path, name: str) -> None:
    assert fit(tmp_path, "breastmnist", settings(name), images=160, epochs=8).best.val_auc > 0.8


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_run_that_was_stopped_ends_with_the_bytes_of_one_that_was_not(tmp_path: Path, name: str, kind: str) -> None:
    task = {"binary": "breastmnist", "multi-label": "chestmnist"}[kind]
    changes: dict[str, Any] = {
        "epochs": 4,
        "schedule": {"at": [0.5, 0.75], "factor": 0.1},
        "augmentation": "flip-affine",
    }
    whole = fit(tmp_path / "whole", task, settings(name), 48, **changes)
    for epochs in (1, 3):
        with pytest.raises(Stop):
            fit(tmp_path / "parts", task, settings(name), 48, [StopAfter(epochs)], **changes)
    resumed = fit(tmp_path / "parts", task, settings(name), 48, **changes)
    assert bytes_of(resumed) == bytes_of(whole)
    assert len(resumed.history) == 4
