"""The run folder: what a run found out, and the only way it is written, read and listed.

run.json            resolved configuration, data MD5s, code, versions, hardware, times, status: see `record`
history.csv         a row an epoch; absent of predictions from elsewhere and of ensembles
scores.npz          see `scores`
metrics.json        AUROC and accuracy per split; equal runs give equal bytes
model.safetensors   weights of the selected epoch; those of an ensemble are its members'
tracking.json       where MLflow holds a view of this run; absent until it was tracked
checkpoint/         what a killed run resumes from; removed when the run is done
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from benchmark.core.errors import DamagedRun
from benchmark.core.files import atomic, json_text, sha256_of, write_text
from benchmark.runs import scores as scores_file
from benchmark.runs.record import ADAPTER, Combined, RunRecord, Trained
from benchmark.runs.scores import HeldOut, Scores
from benchmark.runs.status import NOT_FINISHED, NOT_RUN, RUNNING, State, Status

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS = "model.safetensors"
OS_ERROR = re.compile(r"\(os error (\d+)\)")
"""How safetensors, which has an error of its own, names that of the system, such as a full disk."""
RESULTS = {
    "pretrain": ("history.csv", "metrics.json", WEIGHTS),
    "finetune": ("history.csv", "metrics.json", WEIGHTS, "scores.npz"),
    "external": ("metrics.json", "scores.npz"),
    "ensemble": ("metrics.json", "scores.npz"),
}
"""What a finished run of each stage has, beside its record."""


@dataclass(frozen=True)
class RunFolder:
    """One run on disk. Writing is atomic: a file is either whole or not there."""

    path: Path

    # -------------------------------------------------------------------------------------------- write

    def write_record(self, record: RunRecord) -> None:
        write_text(self.path / "run.json", json_text(record.model_dump(mode="json")))

    def seal(self, record: RunRecord) -> None:
        """Write the record of a run that is done, with the digests of the files that it has made."""
        made = (name for name in RESULTS[record.config.stage] if self.has(name))
        self.write_record(record.model_copy(update={"results": {name: _digest(self.path / name) for name in made}}))

    def write_history(self, rows: list[dict[str, float]]) -> None:
        import pandas as pd  # late: takes 0.3 s, and a folder's path, record and status need none of it

        write_text(self.path / "history.csv", pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))

    def write_scores(
        self, scores: Scores, dtype: type[np.floating[Any]] = np.float32, held_out: HeldOut | None = None
    ) -> None:
        scores_file.write(self.path / "scores.npz", scores, dtype, held_out)

    def write_metrics(self, metrics: Mapping[str, float]) -> None:
        write_text(self.path / "metrics.json", json_text(metrics))

    def write_weights(self, weights: Mapping[str, Any]) -> None:
        """Weights by name, as safetensors; the tensors are stored contiguous and on the CPU."""
        from safetensors import SafetensorError  # late: with PyTorch, and what only reads figures needs none
        from safetensors.torch import save_file

        content = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
        with atomic(self.path / WEIGHTS) as partial:
            try:
                save_file(content, partial)
            except SafetensorError as error:
                if found := OS_ERROR.search(str(error)):
                    number = int(found[1])
                    raise OSError(number, os.strerror(number), str(self.path / WEIGHTS)) from error
                raise

    def write_tracking(self, tracking: Mapping[str, Any]) -> None:
        write_text(self.path / "tracking.json", json_text(tracking))

    # -------------------------------------------------------------------------------------------- read

    def record(self) -> RunRecord:
        """`run.json`.

        Raises:
            DamagedRun: it is missing or damaged, or not a record.
        """
        content = self._json("run.json")
        try:
            return ADAPTER.validate_python(content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"][1:])
            raise DamagedRun(f"{self.path / 'run.json'}: is no record of a run ({key}: {first['msg']})") from error

    def trained(self) -> Trained:
        """The record of a run that was trained here.

        Raises:
            DamagedRun: as `record`, or these are predictions from elsewhere, or of an ensemble.
        """
        record = self.record()
        if not isinstance(record, Trained):
            what = "an ensemble" if isinstance(record, Combined) else "predictions from elsewhere"
            raise DamagedRun(f"{self.path}: holds {what}, of which no training is known")
        return record

    def metrics(self) -> dict[str, float]:
        return self._json("metrics.json")

    def tracking(self) -> dict[str, Any]:
        """Where MLflow holds this run; empty where it was never tracked, or another one that lay here was.

        A damaged file tells no more than none: tracking the run writes it anew.
        """
        try:
            content = self._json("tracking.json") if self.has("tracking.json") else {}
        except DamagedRun:
            return {}
        return content if isinstance(content, dict) and self.holds(content.get("identity", "")) else {}

    def history(self) -> pd.DataFrame:
        """A row an epoch; none where the run has no epochs."""
        import pandas as pd  # late: see `write_history`

        return pd.read_csv(self.path / "history.csv") if self.has("history.csv") else pd.DataFrame(columns=["epoch"])

    def scores(self) -> Scores:
        """Labels and probabilities of every split that was scored, see `scores.as_seen`."""
        return scores_file.as_seen(*self.official_scores())

    def official_scores(self) -> tuple[Scores, HeldOut]:
        """The same at their places in the official splits, and which images a cross-fitted run held out."""
        path = self.path / "scores.npz"
        return scores_file.read(path), scores_file.read_held_out(path)

    def weights(self) -> dict[str, Any]:
        from safetensors.torch import load_file  # late: see `write_weights`

        return load_file(self.path / WEIGHTS)

    def has(self, name: str) -> bool:
        """Whether it holds a file of that name."""
        return (self.path / name).is_file()

    @property
    def exists(self) -> bool:
        return self.has("run.json")

    @property
    def status(self) -> Status:
        """How far the run has come.

        'Not finished' also where a file of a run that was done is gone, 'damaged' where one is not what the run made, or
        the record can't be read.
        """
        return self._status(but=())

    @property
    def status_of_figures(self) -> Status:
        """`status` for those who need no weights, which may be kept elsewhere."""
        return self._status(but=(WEIGHTS,))

    def _status(self, but: Collection[str]) -> Status:
        if not self.exists:
            return NOT_RUN
        try:
            record = self.record()
        except DamagedRun as damaged:
            return Status(State.DAMAGED, str(damaged))
        if record.status == RUNNING:
            return NOT_FINISHED
        if not record.status.is_done:
            return record.status
        names = [name for name in RESULTS[record.config.stage] if name not in but]
        if gone := [name for name in names if not self.has(name)]:
            return Status(State.NOT_FINISHED, f"without {', '.join(gone)}")
        if changed := [name for name in names if record.results.get(name) != _digest(self.path / name)]:
            return Status(State.DAMAGED, f"{', '.join(changed)}: not what the run has made")
        return record.status

    @property
    def is_done(self) -> bool:
        """Whether the run came to its end, and all that it found is still there."""
        return self.status.is_done

    def holds(self, identity: str) -> bool:
        """Whether this is the folder of that very run, finished or not; a record that can't be read is nobody's."""
        try:
            return self.exists and self.record().identity == identity
        except DamagedRun:
            return False

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DamagedRun(f"{path}: can't be read ({error})") from error
        return content


def _digest(path: Path) -> str:
    """Of a file's content; one that has not changed since is read once."""
    known = path.stat()
    return _digest_of(path.absolute(), known.st_mtime_ns, known.st_size, known.st_ino)


@lru_cache(maxsize=10_000)
def _digest_of(path: Path, *_version: int) -> str:
    return sha256_of(path)
