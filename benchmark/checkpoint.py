"""What a killed run resumes from: one file an epoch, written to the side, moved into place, and self-checking.

A file is named `epoch-<n>-<first 16 digits of its SHA-256>.pt`. The newest whole one is used; a damaged one is set
aside with a message, and the one before it taken.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmark.runs import atomic

KEPT = 2


class Checkpoints:
    """The checkpoints of one run. `identity` keeps a run from resuming another configuration's work."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the state after `epoch` epochs; all but the last two files go."""
        buffer = io.BytesIO()
        torch.save({"identity": self.identity, "epoch": epoch, "state": state}, buffer)
        content = buffer.getbuffer()
        name = f"epoch-{epoch:05d}-{hashlib.sha256(content).hexdigest()[:16]}.pt"
        with atomic(self.folder / name) as partial:
            partial.write_bytes(content)
        for old in list(self._newest_first())[KEPT:]:
            old.unlink()

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """The newest whole state of this run, or None."""
        for path in self._newest_first():
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest()[:16] != path.stem.split("-")[-1]:
                warnings.warn(f"{path}: damaged checkpoint set aside, trying the one before it", stacklevel=2)
                path.replace(path.with_suffix(".damaged"))
                continue
            # weights_only: tensors, numbers and containers, never code.
            saved = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
            if saved["identity"] == self.identity:
                state: dict[str, Any] = saved["state"]
                return state
        return None

    def _newest_first(self) -> Iterator[Path]:
        return iter(sorted(self.folder.glob("epoch-*.pt"), reverse=True))
