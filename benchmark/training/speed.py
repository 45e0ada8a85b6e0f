"""Which precision and memory format a machine trains a network fastest with: measured, since no rule tells.

The same convolutions in bfloat16 take half the time on a CPU that multiplies matrices of them, and as long or longer on
one that does not. What is measured goes into the configuration, and so into the record: a run that is made again has the
precision and the format of its record, on whatever machine.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

import torch

from benchmark.config.recipes import MemoryFormat, Precision
from benchmark.config.run import RunConfig
from benchmark.data.load import Split, TaskData
from benchmark.training import loop
from benchmark.training.loop import Training

ROUNDS = 5
"""Of every choice in turns, so that whatever else the machine does meets all of them."""


@dataclass(frozen=True)
class Choice:
    precision: Precision
    memory_format: MemoryFormat

    def __str__(self) -> str:
        return f"precision: {self.precision}, memory_format: {self.memory_format}"


def measure(config: RunConfig, data: TaskData, device: torch.device, steps: int = 4) -> Mapping[Choice, float]:
    """Images per second of the training step of this configuration, for every choice; the first is the plain one.

    Args:
        data: one batch of its training split is used, again and again.
    """
    runs = {}
    for precision, form in itertools.product(get_args(Precision), get_args(MemoryFormat)):
        chosen = config.model_copy(update={"precision": precision, "memory_format": form, "start": "scratch"})
        runs[Choice(precision, form)] = Training(chosen, {data.task.name: _few(data, config.batch_size)}, None, device)
    rates: dict[Choice, list[float]] = {choice: [] for choice in runs}
    for turn in range(ROUNDS + 1):
        for choice, run in runs.items():
            rate = _rate(run, data.task.name, steps)
            if turn:  # the first is a warm-up: kernels are chosen and built in it
                rates[choice].append(rate)
    return {choice: statistics.median(several) for choice, several in rates.items()}


def fastest(rates: Mapping[Choice, float], least_gain: float = 1.05) -> Choice:
    """The fastest choice; the plain one where none is faster by `least_gain`."""
    plain, best = next(iter(rates)), max(rates, key=lambda choice: rates[choice])
    return best if rates[best] >= least_gain * rates[plain] else plain


def _few(data: TaskData, count: int) -> TaskData:
    """So many images of each class of its training split, or as many as there are."""
    train = data.splits["train"]
    first = train.labels[:, 0]
    of_each = [torch.nonzero(first == value).flatten()[:count] for value in (0, 1)]
    chosen = torch.cat(of_each)
    return replace(data, splits={"train": Split(train.images[chosen], train.labels[chosen])})


def _rate(run: Training, task: str, steps: int) -> float:
    run.model.train()
    batches = [indices for _, indices in loop.epoch_plan(run, 0)]
    images, started = 0, time.perf_counter()
    for step in range(steps):
        indices = batches[step % len(batches)].to(run.device)
        loss, _, _ = loop.train_step(run, task, indices)
        images += len(indices)
    loss.item()  # a GPU is asked for the value, and so has finished
    return images / (time.perf_counter() - started)
