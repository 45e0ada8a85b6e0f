"""Progress of a stage and of the run in it: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

from tqdm import tqdm

from benchmark.training.loop import Row


class Stage:
    """How many of a stage's runs are done. Makes the observer of each."""

    def __init__(self, name: str, runs: int) -> None:
        self.name, self.runs, self.done = name, runs, 0
        self.bar: tqdm[Any] | None = None
        if sys.stderr.isatty():
            self.bar = tqdm(desc=name, total=runs, unit=" runs", position=0)

    def run(self, name: str) -> Progress:
        return Progress(f"[{self.done + 1}/{self.runs}] {name}")

    def run_done(self, result: str) -> None:
        self.done += 1
        if self.bar is not None:
            self.bar.update()
        _say(result)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


class Progress:
    """Epoch, loss, best val AUROC so far, images per second and time left of one run."""

    def __init__(self, name: str) -> None:
        self.name, self.best, self.epochs, self.images = name, 0.0, 0, 0
        self.bar: tqdm[Any] | None = None
        self.started = time.monotonic()
        self.trained = 0

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None:
        self.epochs, self.images = epochs, images
        if self.bar is None and sys.stderr.isatty():
            done = (epoch - 1) * images  # of a run that goes on from a checkpoint
            self.bar = tqdm(total=epochs * images, initial=done, unit=" images", position=1, leave=False)
        if self.bar is not None:
            self.bar.set_description(f"{self.name}, epoch {epoch}/{epochs}")

    def batch_done(self, images: int) -> None:
        if self.bar is not None:
            self.bar.update(images)

    def epoch_done(self, row: Row) -> None:
        self.best = max(self.best, row["val_auc"])
        epoch = int(row["epoch"])
        figures = f"loss {row['train_loss']:.4f}, val AUROC {row['val_auc']:.4f} (best {self.best:.4f})"
        if not self.epochs:
            _say(f"{self.name}: epoch {epoch} of an earlier start, {figures}")
            return
        self.trained += 1
        if self.bar is not None:
            self.bar.set_postfix_str(figures)
            if epoch == self.epochs:
                self.bar.close()
            return
        left = (time.monotonic() - self.started) / self.trained * (self.epochs - epoch)
        speed = f"{self.images / row['seconds']:.0f} images/s, {timedelta(seconds=round(left))} left"
        _say(f"{self.name}: epoch {epoch}/{self.epochs}, {figures}, {row['seconds']:.1f} s, {speed}")


def _say(line: str) -> None:
    """A line on stdout, above the bars where there are any."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()
