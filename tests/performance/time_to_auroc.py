"""One contender on one task, from the start of its process until a validation AUROC: `python -m ... CASE CONTENDER`.

Prints a line of JSON for every epoch: seconds since the process started, and the AUROC on official val. Ends at the target or the
limit, in the middle of an epoch too: of a 3D network of published width one takes a quarter of an hour on two cores.
"""

import json
import math
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from benchmark.config.run import resolve_finetune
from benchmark.config.tasks import build_task
from benchmark.data.load import load
from benchmark.training import loop
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.loop import Row
from tests.helpers import REAL, shipped
from tests.performance.contenders import DEVICE, Case, Data, LibaucTrainer, PlainLoop

EPOCHS = 100
DECAY = {50: 0.1, 75: 0.1}
"""Of both peers: MedMNIST's and LibAUC's published schedules divide the rate by ten at half and at three quarters."""


@dataclass(frozen=True)
class Race:
    """A task, and how far to go."""

    task: str
    official: str
    """The name of MedMNIST's class that reads the file."""
    target: float
    recipe: str = "plain"
    profile: str = "search"
    limit_s: float = 1800.0
    """0 ends it behind its first epoch."""

    @property
    def file(self) -> Path:
        return REAL / f"{self.task}.npz"

    @property
    def case(self) -> Case:
        flat = not self.official.endswith("3d")
        network, batch = ("medmnist-resnet18", 128) if flat else ("medmnist-resnet18-3d", 32)
        return Case(self.official, "cross-entropy", network, "none", batch)


def since_start() -> float:
    return time.time() - psutil.Process().create_time()


def suite(race: Race, told: Callable[[float], None]) -> None:
    """A recipe of params.yaml, as `pipelines.finetune` trains it, without tracking."""
    params = shipped()
    task = build_task(race.task, params.tasks[race.task])
    config = resolve_finetune(params, task, race.recipe, race.profile, params.profiles[race.profile].seeds[0])
    data = {race.task: load(task, race.file, DEVICE)}
    with tempfile.TemporaryDirectory() as folder:
        loop.train(config, data, None, DEVICE, Checkpoints(Path(folder), "race"), [Told(told)])


class Told:
    """Observer that hands on each epoch's AUROC."""

    def __init__(self, told: Callable[[float], None]) -> None:
        self.told = told

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None: ...

    def batch_done(self, images: int) -> None: ...

    def epoch_done(self, row: Row) -> None:
        self.told(row["val_auc"])


def medmnists(race: Race, told: Callable[[float], None]) -> None:
    """MedMNIST's published recipe in the usual loop."""
    contender = PlainLoop(race.case, Data.of_file(race.case, race.file))
    schedule = torch.optim.lr_scheduler.MultiStepLR(contender.optimizer, list(DECAY), 0.1)
    for _ in range(EPOCHS):
        contender.epoch()
        schedule.step()
        told(contender.val_auc)


def libaucs(race: Race, told: Callable[[float], None]) -> None:
    """LibAUC's trainer with its published settings, around the published network."""
    contender = LibaucTrainer(race.case, Data.of_file(race.case, race.file))
    for epoch in range(EPOCHS):
        if epoch in DECAY:
            contender.trainer.optimizer.update_regularizer(decay_factor=1 / DECAY[epoch])
        contender.epoch()
        told(contender.val_auc)


CONTENDERS = {"suite": suite, "MedMNIST's recipe": medmnists, "LibAUC's trainer": libaucs}


def main() -> None:
    race = Race(**json.loads(sys.argv[1]))

    def told(val_auc: float) -> None:
        seconds = since_start()
        print(json.dumps({"seconds": seconds, "val_auc": val_auc if math.isfinite(val_auc) else None}), flush=True)
        if val_auc >= race.target or not race.limit_s:
            sys.exit()

    signal.signal(signal.SIGALRM, lambda *_: sys.exit())
    signal.setitimer(signal.ITIMER_REAL, max(race.limit_s - since_start(), 1e-3) if race.limit_s else 0)
    CONTENDERS[sys.argv[2]](race, told)


if __name__ == "__main__":
    main()
