"""The run folder: what a run found out, and the only way it is written, read and listed.

    run.json            resolved configuration, data MD5s, code, versions, hardware, times, status
    history.csv         a row an epoch; absent of predictions from elsewhere
    scores.npz          `{split}_labels` uint8 (n, L) and `{split}_scores` float32 (n, L): probability of label 1
                        (float64 of predictions from elsewhere, whose order rounding could change)
    metrics.json        AUROC and accuracy per split; equal runs give equal bytes
    model.safetensors   weights of the selected epoch
    tracking.json       where MLflow holds a view of this run; absent until it was tracked
    checkpoint/         what a killed run resumes from; removed when the run is done

Folders: `runs/<profile>/<task>/<recipe>/seed<k>` and `trunks/<profile>/<dim>`. A task and recipe that do not go
together have `runs/<profile>/<task>/<recipe>/refused.json` in place of seed folders.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from benchmark.errors import DataError

RUNS, TRUNKS, EXTERNAL = Path("runs"), Path("trunks"), Path("external")
RESULTS = {
    "pretrain": ("history.csv", "metrics.json", "model.safetensors"),
    "finetune": ("history.csv", "metrics.json", "model.safetensors", "scores.npz"),
    "external": ("metrics.json", "scores.npz"),
}
"""What a finished run of each stage has, beside its record."""
Scores = dict[str, tuple[np.ndarray, np.ndarray]]
"""Per split, in file order: labels uint8 (n, L), and probabilities of label 1, float32 or float64 (n, L)."""


@dataclass(frozen=True)
class RunFolder:
    """One run on disk. Writing is atomic: a file is either whole or not there."""

    path: Path

    # -------------------------------------------------------------------------------------------- write

    def write_record(self, record: Mapping[str, Any]) -> None:
        self._write("run.json", _json(record))

    def write_history(self, rows: list[dict[str, float]]) -> None:
        self._write("history.csv", pd.DataFrame(rows).to_csv(index=False, lineterminator="\n").encode())

    def write_scores(self, scores: Scores, dtype: type[np.floating[Any]] = np.float32) -> None:
        arrays = {}
        for split, (labels, probabilities) in scores.items():
            arrays[f"{split}_labels"] = labels.astype(np.uint8)
            arrays[f"{split}_scores"] = probabilities.astype(dtype)
        with atomic(self.path / "scores.npz") as partial, partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def write_metrics(self, metrics: Mapping[str, float]) -> None:
        self._write("metrics.json", _json(metrics))

    def write_weights(self, weights: Mapping[str, Any]) -> None:
        """Weights by name, as safetensors; the tensors are stored contiguous and on the CPU."""
        from safetensors.torch import save_file

        with atomic(self.path / "model.safetensors") as partial:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, partial)

    def write_tracking(self, tracking: Mapping[str, Any]) -> None:
        self._write("tracking.json", _json(tracking))

    def _write(self, name: str, content: bytes) -> None:
        with atomic(self.path / name) as partial:
            partial.write_bytes(content)

    # -------------------------------------------------------------------------------------------- read

    def record(self) -> dict[str, Any]:
        """`run.json`; raises `DataError` where it is missing or damaged."""
        return self._json("run.json")

    def metrics(self) -> dict[str, float]:
        return self._json("metrics.json")

    def tracking(self) -> dict[str, Any]:
        """Where MLflow holds this run; empty where it was never tracked."""
        return self._json("tracking.json") if (self.path / "tracking.json").is_file() else {}

    def history(self) -> pd.DataFrame:
        """A row an epoch; none where the run has no epochs."""
        path = self.path / "history.csv"
        return pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=["epoch"])

    def scores(self) -> Scores:
        """Labels and probabilities of every split that was scored."""
        with np.load(self.path / "scores.npz", allow_pickle=False) as arrays:
            splits = [key.removesuffix("_labels") for key in arrays.files if key.endswith("_labels")]
            return {split: (arrays[f"{split}_labels"], arrays[f"{split}_scores"]) for split in splits}

    def weights(self) -> dict[str, Any]:
        from safetensors.torch import load_file

        return load_file(self.path / "model.safetensors")

    @property
    def exists(self) -> bool:
        return (self.path / "run.json").is_file()

    @property
    def is_done(self) -> bool:
        """Whether the run came to its end, and all that it found is still there."""
        if not self.exists or (record := self.record()).get("status") != "done":
            return False
        return all((self.path / name).is_file() for name in RESULTS[record["config"]["stage"]])

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: can't be read ({error}); remove the folder and run the stage again") from error
        return content


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the one process that may change the folder at `path`, a run's or a cell's; the others wait, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"{path}: another process is at work on it; waiting for its end", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


class atomic:
    """Context that gives a path to write to, and moves it into place when nothing went wrong."""

    def __init__(self, path: Path) -> None:
        self.path, self.partial = path, path.with_name(f".{path.name}.{os.getpid()}.partial")

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.partial

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.partial.replace(self.path)
        else:
            self.partial.unlink(missing_ok=True)


def run_folder(profile: str, task: str, recipe: str, seed: int, root: Path = RUNS) -> RunFolder:
    return RunFolder(cell_folder(profile, task, recipe, root) / f"seed{seed}")


def cell_folder(profile: str, task: str, recipe: str, root: Path = RUNS) -> Path:
    """The folder of all seeds of one task and recipe."""
    return root / profile / task / recipe


def cell_command(profile: str, task: str, recipe: str) -> str:
    """What a person types to make all seeds of one task and recipe again."""
    return f"mlflow run . -e finetune -P task={task} -P recipe={recipe} -P profile={profile}"


def external_folder(task: str, name: str, seed: int, root: Path = EXTERNAL) -> RunFolder:
    return RunFolder(root / task / name / f"seed{seed}")


def trunk_folder(profile: str, dim: str, root: Path = TRUNKS) -> RunFolder:
    return RunFolder(root / profile / dim)


def write_refusal(cell: Path, task: str, recipe: str, reason: str) -> None:
    with atomic(cell / "refused.json") as partial:
        partial.write_bytes(_json({"task": task, "recipe": recipe, "status": f"refused: {reason}"}))


def list_runs(profile: str, root: Path = RUNS) -> Iterator[RunFolder]:
    """Every run of a profile that has a record, failed ones included, in the order of their paths."""
    for record in sorted((root / profile).glob("*/*/seed*/run.json")):
        yield RunFolder(record.parent)


def list_external(root: Path = EXTERNAL) -> Iterator[RunFolder]:
    """Every scoring of predictions from elsewhere, in the order of their paths."""
    for record in sorted(root.glob("*/*/seed*/run.json")):
        yield RunFolder(record.parent)


def list_refusals(profile: str, root: Path = RUNS) -> Iterator[dict[str, str]]:
    """Task, recipe and reason of every pair that does not go together."""
    for path in sorted((root / profile).glob("*/*/refused.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
