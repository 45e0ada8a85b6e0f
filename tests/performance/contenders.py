"""What `make bench` compares: the suite's engine, and two peers, on the same data, network, batch and precision.

Each contender trains and evaluates one epoch per call. The data is stand-in data of the official shapes and sizes, kept
as a MedMNIST file too, because the peers read it through the `medmnist` package.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import medmnist
import numpy as np
import torch
from sklearn.metrics import accuracy_score, roc_auc_score
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms

from benchmark.config.entries import StandinTask
from benchmark.config.tasks import SPLITS, build_task, dimension_of
from benchmark.data import standin
from benchmark.data.load import Split, TaskData
from benchmark.networks.shared.one_step import OneStep2d, OneStep3d
from benchmark.objectives.shared import optimizers
from benchmark.objectives.shared.base import Criterion
from benchmark.training import loop, model, precision
from benchmark.training.loop import Row, Training
from benchmark.training.model import MultiHead, pick_device
from tests.helpers import OBJECTIVES, make_config, shipped

DEVICE = pick_device()
PRECISION: Any = os.environ.get("BENCH_PRECISION", "fp32")
MEMORY_FORMAT: Any = os.environ.get("BENCH_MEMORY_FORMAT", "contiguous")
"""Of the engine, which takes it from a profile; the peers have none to choose."""
RATE = 0.5
"""Share of the rarer class in a batch: LibAUC's default, here for both sides."""


@dataclass(frozen=True)
class Case:
    """One comparison."""

    dataset: str
    objective: str
    network: Any
    augmentation: Any
    batch: int
    limit: int | None = None  # images per split, for a trial run

    @property
    def dimension(self) -> int:
        return dimension_of(self.dataset).axes


@dataclass
class Timing:
    """Seconds of one epoch: training alone, and with the evaluation of the validation split; images trained on."""

    train: float
    epoch: float
    images: int


class Data:
    """The data of a case, as tensors and as a MedMNIST file in a folder."""

    def __init__(self, case: Case) -> None:
        name = f"standin-{case.dataset}"
        self.task = build_task(name, StandinTask(standin=case.dataset, fraction=1.0))
        arrays = standin.generate(self.task)
        self.folder = tempfile.TemporaryDirectory()
        np.savez(Path(self.folder.name) / f"{case.dataset}.npz", **arrays)
        self._read(case, arrays)

    @classmethod
    def of_file(cls, case: Case, file: Path) -> "Data":
        """Of a real file, under the name that MedMNIST's class looks for."""
        data = cls.__new__(cls)
        data.task = build_task(case.dataset, shipped().tasks[case.dataset])
        data.folder = tempfile.TemporaryDirectory()
        shutil.copyfile(file, Path(data.folder.name) / f"{case.dataset}.npz")
        with np.load(file, allow_pickle=False) as arrays:
            data._read(case, dict(arrays))
        return data

    def _read(self, case: Case, arrays: dict[str, np.ndarray]) -> None:
        arrays = {key: value[: case.limit] for key, value in arrays.items()}
        splits = {
            split: Split(
                torch.from_numpy(arrays[f"{split}_images"]).unsqueeze(1).to(DEVICE),
                torch.from_numpy(arrays[f"{split}_labels"]).to(DEVICE),
            )
            for split in SPLITS
        }
        self.tensors = TaskData(self.task, "0" * 32, splits)

    def dataset(self, case: Case, split: str) -> Any:
        """MedMNIST's own class, with the augmentation that the engine has, on PIL images."""
        steps: list[Any] = []
        if case.augmentation == "flip-affine" and split == "train":
            steps = [transforms.RandomHorizontalFlip(), transforms.RandomAffine(10, (0.1, 0.1), (0.9, 1.1))]
        steps += [transforms.ToTensor(), transforms.Normalize([0.5], [0.5])]
        kind = getattr(medmnist, medmnist.INFO[case.dataset]["python_class"])
        transform = transforms.Compose(steps) if case.dimension == 2 else None
        whole = kind(split=split, transform=transform, download=False, root=self.folder.name)
        return Subset(whole, range(case.limit)) if case.limit else whole


class Stopwatch:
    """Observer that notes when the last batch was done."""

    def __init__(self) -> None:
        self.last, self.images = 0.0, 0

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None:
        self.images = images

    def batch_done(self, images: int) -> None:
        self.last = time.perf_counter()

    def epoch_done(self, row: Row) -> None: ...


class Engine:
    """`benchmark.training.loop`. Keeps the seconds of forward, backward and update where asked to."""

    def __init__(self, case: Case, data: Data) -> None:
        objective = OBJECTIVES[case.objective]
        if case.objective == "aucm":
            objective = objective | {"sampling_above": RATE}
        name = data.task.name
        changes = {"augmentation": case.augmentation, "batch_size": case.batch, "network": case.network}
        config = make_config(name, objective=objective, precision=PRECISION, memory_format=MEMORY_FORMAT, **changes)
        self.run = Training(config, {name: data.tensors}, None, DEVICE)
        self.number = 0

    def epoch(self) -> Timing:
        watch, started = Stopwatch(), time.perf_counter()
        loop.one_epoch(self.run, self.number, [watch])
        self.number += 1
        return Timing(watch.last - started, time.perf_counter() - started, watch.images)


def torchvisions(network: str, outputs: dict[str, int]) -> MultiHead:
    """The engine's network and weights with the convolutions that torchvision puts into it."""
    plain = model.build(network, outputs, seed=0)
    for layer in plain.modules():
        if isinstance(layer, OneStep2d | OneStep3d):
            layer.__class__ = torch.nn.Conv2d if isinstance(layer, OneStep2d) else torch.nn.Conv3d
    return plain


class PlainLoop:
    """The usual loop of MedMNIST's published scripts: DataLoader, PIL transforms, Adam, scikit-learn's metrics."""

    def __init__(self, case: Case, data: Data) -> None:
        assert case.objective == "cross-entropy"
        self.name, self.val_auc = data.task.name, 0.0
        self.loaders = {
            split: DataLoader(data.dataset(case, split), case.batch, shuffle=split == "train")
            for split in ("train", "val")
        }
        self.model = torchvisions(case.network, {self.name: 2}).to(DEVICE)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def epoch(self) -> Timing:
        started, images, losses = time.perf_counter(), 0, []
        criterion = torch.nn.CrossEntropyLoss()
        self.model.train()
        for inputs, labels in self.loaders["train"]:
            self.optimizer.zero_grad()
            with precision.autocast(DEVICE, PRECISION):
                outputs = self.model(inputs.float().to(DEVICE), self.name)
            loss = criterion(outputs.float(), labels.squeeze(1).long().to(DEVICE))
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
            images += len(inputs)
        trained = time.perf_counter()
        self.model.eval()
        found, known = [], []
        with torch.no_grad():
            for inputs, labels in self.loaders["val"]:
                outputs = self.model(inputs.float().to(DEVICE), self.name)
                found.append(outputs.softmax(1)[:, 1].cpu())
                known.append(labels)
        scores, truth = torch.cat(found).numpy(), torch.cat(known).numpy()
        self.val_auc = float(roc_auc_score(truth, scores))
        accuracy_score(truth, scores > 0.5)
        return Timing(trained - started, time.perf_counter() - started, images)


class Indexed(Dataset[Any]):
    """What LibAUC's trainer wants of a data set: targets, and the index beside each image."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        labels = inner.dataset.labels[: len(inner)] if isinstance(inner, Subset) else inner.labels
        self.targets = labels[:, 0].astype(int)

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> Any:
        image, label = self.inner[index]
        # MedMNIST's volumes are float64 where no transform is given.
        return torch.as_tensor(image, dtype=torch.float32), np.asarray(label, dtype=np.float32), index


class LibaucTrainer:
    """LibAUC's own image trainer with its defaults (PESG, dual sampler, two worker processes)."""

    def __init__(self, case: Case, data: Data) -> None:
        from libauc.trainer.config import TrainingArguments
        from libauc.trainer.core import Trainer, TrainerCallback
        from libauc.trainer.helpers import build_metric

        name, marks = data.task.name, dict[str, float]()

        class Marks(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, *_: Any, **__: Any) -> None:
                marks["trained"] = time.perf_counter()

            def on_epoch_end(self, *_: Any, **found: Any) -> None:
                marks["val_auc"] = float(roc_auc_score(found["test_true"], found["test_pred"]))  # its name for val

        class Net(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = torchvisions(case.network, {name: 1})

            def forward(self, images: torch.Tensor) -> torch.Tensor:
                with precision.autocast(DEVICE, PRECISION):
                    outputs = self.inner(images, name)
                return outputs.float()

        class SameNetwork(Trainer):  # type: ignore[misc]
            """The trainer around our network in place of its own."""

            def _build_model(self, model_cfg: Any) -> None:
                self._expand_to_rgb = False
                self.model = Net().to(DEVICE)

        self.marks = marks
        settings = OBJECTIVES["aucm"]
        self.output = tempfile.TemporaryDirectory()
        arguments = TrainingArguments(
            optimizer="PESG",
            optimizer_kwargs={name: settings[name] for name in ("lr", "momentum", "epoch_decay", "weight_decay")}
            | {"device": DEVICE, "verbose": False},
            loss="AUCMLoss",
            loss_kwargs={"margin": 1.0, "device": DEVICE},
            SEED=42,
            batch_size=case.batch,
            eval_batch_size=case.batch,
            sampling_rate=RATE,
            epochs=1,
            decay_epochs=[],
            num_workers=2,
            output_path=self.output.name,
            num_tasks=2,
            resume_from_checkpoint=False,
            save_checkpoint_every=10**9,
            project_name="bench",
            experiment_name="bench",
            verbose=0,
        )
        with without_cuda_calls():
            self.trainer = SameNetwork(
                arguments,
                {"name": "ours"},
                Indexed(data.dataset(case, "train")),
                [Indexed(data.dataset(case, "val"))],
                build_metric(["AUROC", "ACC"], []),
                [Marks()],
            )
        self.images = len(self.trainer.sampler)

    @property
    def val_auc(self) -> float:
        return self.marks["val_auc"]

    def epoch(self) -> Timing:
        self.trainer.state.epoch = 0
        started = time.perf_counter()
        # Its checkpoint after the last epoch is no part of the comparison: the engine's is measured apart.
        with without_cuda_calls(), patch.object(self.trainer, "save_checkpoint"):
            self.trainer.train()
        return Timing(self.marks["trained"] - started, time.perf_counter() - started, self.images)


@contextmanager
def without_cuda_calls() -> Any:
    """On a machine without CUDA, LibAUC's `.cuda()` is the identity."""
    if DEVICE.type == "cuda":
        yield
        return

    def same(self: Any, *_: Any, **__: Any) -> Any:
        return self

    with patch.object(torch.Tensor, "cuda", same), patch.object(torch.nn.Module, "cuda", same):
        yield


CONTENDERS: dict[str, Callable[[Case, Data], Any]] = {
    "engine": Engine,
    "DataLoader loop": PlainLoop,
    "LibAUC trainer": LibaucTrainer,
}


@dataclass
class Parts:
    """Seconds of an engine's epoch that are forward (with the loss), backward and update, in training and evaluation.

    `backward` holds the check of the gradients, which is `check` alone too.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timing(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            result = call(*arguments, **options)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
            return result

        return timing

    def watch(self, engine: Engine) -> None:
        run = engine.run
        run.model.forward = self.timed("forward", run.model.forward)  # type: ignore[method-assign]
        for name, lesson in run.lessons.items():
            run.lessons[name] = replace(lesson, criterion=TimedCriterion(lesson.criterion, self))
        run.optimizer.backward = self.timed("backward", run.optimizer.backward)  # type: ignore[method-assign]
        run.optimizer.step = self.timed("update", run.optimizer.step)  # type: ignore[method-assign]

    @contextmanager
    def checks(self) -> Any:
        with patch.object(optimizers, "probe", self.timed("check", optimizers.probe)):
            yield


class TimedCriterion(Criterion):
    """A criterion whose calls count as forward."""

    def __init__(self, inner: Criterion, parts: Parts) -> None:
        self.inner, self.call = inner, parts.timed("forward", inner)

    def __call__(self, outputs: torch.Tensor, labels: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self.call(outputs, labels, indices)
        return loss

    def state(self) -> dict[str, Any]:
        return self.inner.state()

    def load(self, state: dict[str, Any]) -> None:
        self.inner.load(state)
