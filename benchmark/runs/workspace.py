"""Where things lie, under one root."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.config.recipes import StartFrom
from benchmark.config.run import RunConfig
from benchmark.core.files import json_text, write_text
from benchmark.core.terms import Dimension
from benchmark.runs.folder import RunFolder
from benchmark.runs.status import State, Status

REFUSED = "refused.json"


@dataclass(frozen=True)
class Refusal:
    """A task and a recipe that do not go together, or an ensemble that a task has none of."""

    task: str
    recipe: str
    status: Status


@dataclass(frozen=True)
class Workspace:
    """The folders of one project. A run lies in `<kind>/<profile>/<task>/<recipe>/seed<k>`.

    A task and recipe that do not go together have `refused.json` in place of seed folders, and so has a task on which an
    ensemble could not be made. What DVC takes for one stage's result is in no other's: hence a root for each kind.

    Studies that git holds lie in `results/`, each as it lay in `runs/` but without weights; `of_figures` finds them.
    """

    root: Path = Path()
    kept: bool = False
    """Whether these are the runs, trunks and ensembles that git holds, in place of those that were made here."""

    @property
    def results(self) -> Path:
        """Runs that git holds."""
        return self.root / "results"

    def of_figures(self, profile: str) -> Workspace:
        """This one; where nothing of the profile was run here, and git holds a study of it, that study's."""
        study = replace(self, kept=True)
        made_here = next(self.list_runs(profile), None)
        return study if made_here is None and next(study.list_runs(profile), None) else self

    @property
    def runs(self) -> Path:
        return self.results if self.kept else self.root / "runs"

    @property
    def trunks(self) -> Path:
        return (self.results if self.kept else self.root) / "trunks"

    @property
    def trials(self) -> Path:
        """The runs of searches."""
        return self.root / "trials"

    @property
    def ensembles(self) -> Path:
        """Means over runs, as `<profile>/<task>/<ensemble>`."""
        return (self.results if self.kept else self.root) / "ensembles"

    @property
    def external(self) -> Path:
        """Predictions from elsewhere, as `<task>/<method>/seed<k>`."""
        return self.root / "external"

    @property
    def sweeps(self) -> Path:
        """What searches found, as `<task>/`."""
        return self.root / "sweeps"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    def data(self, task: str) -> Path:
        """Where the verified data file of a task lies."""
        return self.root / "data" / f"{task}.npz"

    # -------------------------------------------------------------------------------------------- folders

    def cell(self, profile: str, task: str, recipe: str) -> Path:
        """The folder of all seeds of one task and recipe."""
        return self.runs / profile / task / recipe

    def run(self, profile: str, task: str, recipe: str, seed: int) -> RunFolder:
        return RunFolder(self.cell(profile, task, recipe) / _seed(seed))

    def trial(self, profile: str, task: str, trial: str, seed: int) -> RunFolder:
        return RunFolder(self.trials / profile / task / trial / _seed(seed))

    def trunk(self, profile: str, dim: Dimension) -> RunFolder:
        return RunFolder(self.trunks / profile / dim)

    def start(self, config: RunConfig, dim: Dimension) -> RunFolder | None:
        """The run that this one takes its trunk from; None from scratch."""
        if isinstance(config.start, StartFrom):
            (task,) = config.tasks
            return self.run(config.profile, task, config.start.recipe, config.seed)
        return self.trunk(config.profile, dim) if config.start == "trunk" else None

    def ensemble(self, profile: str, task: str, name: str) -> RunFolder:
        return RunFolder(self.ensembles / profile / task / name)

    def given_cell(self, task: str, method: str) -> Path:
        """The folder of all seeds of a method from elsewhere on one task."""
        return self.external / task / method

    def given(self, task: str, method: str, seed: int) -> RunFolder:
        """Of predictions from elsewhere."""
        return RunFolder(self.given_cell(task, method) / _seed(seed))

    # -------------------------------------------------------------------------------------------- listings

    def list_runs(self, profile: str) -> Iterator[RunFolder]:
        """Every run of a profile that has a record, failed ones included, in the order of their paths."""
        yield from _recorded(self.runs / profile)

    def list_given(self) -> Iterator[RunFolder]:
        """Every scoring of predictions from elsewhere, in the order of their paths."""
        yield from _recorded(self.external)

    def list_ensembles(self, profile: str) -> Iterator[RunFolder]:
        """Every ensemble of a profile that was made, in the order of their paths."""
        for record in sorted((self.ensembles / profile).glob("*/*/run.json")):
            yield RunFolder(record.parent)

    def list_named(self, profile: str, name: str) -> list[RunFolder]:
        """Every seed of every task of a recipe of the profile, or of a method from elsewhere; or an ensemble's tasks."""
        return [folder for own, folder in self._named(profile) if own == name]

    def list_names(self, profile: str) -> list[str]:
        """The recipes and ensembles that the profile has runs of, and the methods from elsewhere."""
        return sorted({name for name, _ in self._named(profile)})

    def list_methods(self) -> list[str]:
        """The methods from elsewhere."""
        return sorted({folder.path.parent.name for folder in self.list_given()})

    def _named(self, profile: str) -> Iterator[tuple[str, RunFolder]]:
        for folder in (*self.list_runs(profile), *self.list_given()):
            yield folder.path.parent.name, folder
        for folder in self.list_ensembles(profile):
            yield folder.path.name, folder

    def list_refusals(self, profile: str) -> Iterator[Refusal]:
        """Every pair of the profile that does not go together, and every ensemble that could not be made.

        One whose file is damaged has a status that says so.
        """
        roots = (self.runs / profile, self.ensembles / profile)
        for path in (path for root in roots for path in sorted(root.glob(f"*/*/{REFUSED}"))):
            yield Refusal(path.parts[-3], path.parts[-2], _status_in(path))

    def write_refusal(self, profile: str, task: str, recipe: str, reason: str) -> None:
        self._write_refusal(self.cell(profile, task, recipe), task, recipe, Status(State.REFUSED, reason))

    def write_no_ensemble(self, profile: str, task: str, name: str, status: Status) -> None:
        """Why a task has none of this ensemble."""
        self._write_refusal(self.ensemble(profile, task, name).path, task, name, status)

    def _write_refusal(self, folder: Path, task: str, name: str, status: Status) -> None:
        write_text(folder / REFUSED, json_text({"task": task, "recipe": name, "status": str(status)}))


def _status_in(path: Path) -> Status:
    """Of a file as `write_refusal` leaves it."""
    try:
        return Status.parse(json.loads(path.read_text(encoding="utf-8"))["status"])
    except (OSError, ValueError, LookupError, TypeError):
        return Status(State.DAMAGED, f"{path}: does not say why there is no run")


def seeds_of(cell: Path) -> list[RunFolder]:
    """Every seed's folder in the folder of a task and recipe, in the order of their paths."""
    return [RunFolder(path) for path in sorted(cell.glob("seed*")) if path.is_dir()]


def _seed(seed: int) -> str:
    return f"seed{seed}"


def _recorded(root: Path) -> Iterator[RunFolder]:
    for record in sorted(root.glob("*/*/seed*/run.json")):
        yield RunFolder(record.parent)
