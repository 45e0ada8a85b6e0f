"""The progress bar of a run; plain lines where the output is not a terminal."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

from benchmark.training import Row


class Progress:
    """Shows epoch, loss, best val AUROC so far and images per second."""

    def __init__(self, name: str) -> None:
        self.name, self.best, self.epochs = name, 0.0, 0
        self.bar: tqdm[Any] | None = None

    def epoch_started(self, epoch: int, epochs: int, batches: int) -> None:
        self.epochs = epochs
        if sys.stderr.isatty():
            title = f"{self.name} epoch {epoch}/{epochs}"
            self.bar = tqdm(desc=title, unit=" images", leave=False)

    def batch_done(self, images: int) -> None:
        if self.bar:
            self.bar.update(images)

    def epoch_done(self, row: Row) -> None:
        if self.bar:
            self.bar.close()
            self.bar = None
        self.best = max(self.best, row["val_auc"])
        print(
            f"{self.name}: epoch {row['epoch']:.0f}/{self.epochs or '?'}, loss {row['train_loss']:.4f}, "
            f"val AUROC {row['val_auc']:.4f} (best {self.best:.4f}), {row['seconds']:.1f} s",
            flush=True,
        )
