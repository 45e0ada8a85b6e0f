"""What a killed run resumes from: one file an epoch, written to the side, moved into place, and self-checking.

A file is named `epoch-<n>-<first 16 digits of its SHA-256>.pt`. The newest whole one is used; a damaged one is set
aside with a message, and the one before it taken.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import torch

KEPT = 2
DIGITS = 16


class Checkpoints:
    """The checkpoints of one run. `identity` keeps a run from resuming another configuration's work."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the state after `epoch` epochs; all but the last two files go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f".epoch-{epoch:05d}.{os.getpid()}.partial"
        try:
            with partial.open("wb", buffering=0) as file:
                digest = _write({"identity": self.identity, "epoch": epoch, "state": state}, file)
            partial.replace(self.folder / f"epoch-{epoch:05d}-{digest}.pt")
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        for old in list(self._newest_first())[KEPT:]:
            old.unlink()

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """The newest whole state of this run, or None."""
        for partial in self.folder.glob(".epoch-*.partial"):  # of a process that was killed while it wrote
            partial.unlink(missing_ok=True)
        for path in self._newest_first():
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest()[:DIGITS] != path.stem.split("-")[-1]:
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


class _Hashing:
    """A file to write to that takes the digest on the way: a checkpoint is read by nobody twice."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.sha256 = file, hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.sha256.update(content)
        return self.file.write(content)

    def flush(self) -> None:
        self.file.flush()


def _write(content: dict[str, Any], file: BinaryIO) -> str:
    """Write, and give the digest's first digits. The archive's own CRC-32 would be a second one."""
    sink, before = _Hashing(file), torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(content, sink)  # type: ignore[arg-type]
    finally:
        torch.serialization.set_crc32_options(before)
    return sink.sha256.hexdigest()[:DIGITS]
