"""The run folder: what a run found out, and the only way it is written, read and listed.

run.json            resolved configuration, data MD5s, code, versions, hardware, times, status: see `record`
history.csv         a row an epoch; absent of predictions from elsewhere
scores.npz          see `scores`
metrics.json        AUROC and accuracy per split; equal runs give equal bytes
model.safetensors   weights of the selected epoch
tracking.json       where MLflow holds a view of this run; absent until it was tracked
checkpoint/         what a killed run resumes from; removed when the run is done
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from benchmark.core.errors import DamagedRun
from benchmark.core.files import atomic, json_text, write_text
from benchmark.runs import scores as scores_file
from benchmark.runs.record import ADAPTER, RunRecord, Trained
from benchmark.runs.scores import Scores
from benchmark.runs.status import NOT_FINISHED, NOT_RUN, RUNNING, Status

if TYPE_CHECKING:
    import pandas as pd

RESULTS = {
    "pretrain": ("history.csv", "metrics.json", "model.safetensors"),
    "finetune": ("history.csv", "metrics.json", "model.safetensors", "scores.npz"),
    "external": ("metrics.json", "scores.npz"),
}
"""What a finished run of each stage has, beside its record."""


@dataclass(frozen=True)
class RunFolder:
    """One run on disk. Writing is atomic: a file is either whole or not there."""

    path: Path

    # -------------------------------------------------------------------------------------------- write

    def write_record(self, record: RunRecord) -> None:
        write_text(self.path / "run.json", json_text(record.model_dump(mode="json")))

    def write_history(self, rows: list[dict[str, float]]) -> None:
        import pandas as pd  # late: takes 0.3 s, and a folder's path, record and status need none of it

        write_text(self.path / "history.csv", pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))

    def write_scores(self, scores: Scores, dtype: type[np.floating[Any]] = np.float32) -> None:
        scores_file.write(self.path / "scores.npz", scores, dtype)

    def write_metrics(self, metrics: Mapping[str, float]) -> None:
        write_text(self.path / "metrics.json", json_text(metrics))

    def write_weights(self, weights: Mapping[str, Any]) -> None:
        """Weights by name, as safetensors; the tensors are stored contiguous and on the CPU."""
        from safetensors.torch import save_file  # late: imports PyTorch, and what only reads figures needs none

        with atomic(self.path / "model.safetensors") as partial:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, partial)

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
            DamagedRun: as `record`, or these are predictions from elsewhere.
        """
        record = self.record()
        if not isinstance(record, Trained):
            raise DamagedRun(f"{self.path}: holds predictions from elsewhere, of which no training is known")
        return record

    def metrics(self) -> dict[str, float]:
        return self._json("metrics.json")

    def tracking(self) -> dict[str, Any]:
        """Where MLflow holds this run; empty where it was never tracked, or another one that lay here was."""
        content = self._json("tracking.json") if self.has("tracking.json") else {}
        return content if self.holds(content.get("identity", "")) else {}

    def history(self) -> pd.DataFrame:
        """A row an epoch; none where the run has no epochs."""
        import pandas as pd  # late: see `write_history`

        return pd.read_csv(self.path / "history.csv") if self.has("history.csv") else pd.DataFrame(columns=["epoch"])

    def scores(self) -> Scores:
        """Labels and probabilities of every split that was scored."""
        return scores_file.read(self.path / "scores.npz")

    def weights(self) -> dict[str, Any]:
        from safetensors.torch import load_file  # late: see `write_weights`

        return load_file(self.path / "model.safetensors")

    def has(self, name: str) -> bool:
        """Whether it holds a file of that name."""
        return (self.path / name).is_file()

    @property
    def exists(self) -> bool:
        return self.has("run.json")

    @property
    def status(self) -> Status:
        """How far the run has come; 'not finished' where its record says more than its files.

        Raises:
            DamagedRun: as `record`.
        """
        if not self.exists:
            return NOT_RUN
        record = self.record()
        whole = all(self.has(name) for name in RESULTS[record.config.stage])
        return NOT_FINISHED if record.status == RUNNING or (record.status.is_done and not whole) else record.status

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
