"""The figures of a profile's runs, as git holds them: records, histories, metrics and scores, without weights."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.core.errors import BadInput
from benchmark.core.terms import Dimension
from benchmark.runs.folder import RESULTS, WEIGHTS, RunFolder
from benchmark.runs.workspace import REFUSED, Workspace


@dataclass(frozen=True)
class Kept:
    """What `results/` holds of a profile afterwards."""

    folders: list[Path]
    """Of the runs that were copied."""
    others: list[Path]
    """Tasks and recipes, trunks and ensembles of which nothing was run here: they are left as they were."""


def keep(profile: str, workspace: Workspace) -> Kept:
    """Make `results/` hold what the profile's runs, trunks and ensembles found out: of each task and recipe all or nothing.

    What was refused, a recipe that does not accept the task or an ensemble without members, is kept with its reason.

    Raises:
        BadInput: there is no run, or one is not finished or damaged; then nothing has changed.
    """
    trunks = [trunk for dim in Dimension if (trunk := workspace.trunk(profile, dim)).exists]
    found = [*workspace.list_runs(profile), *trunks, *workspace.list_ensembles(profile)]
    if not found:
        raise BadInput(f"{workspace.runs / profile}: holds no run, so there is nothing to keep")
    if unfinished := [f"{one.path} is {one.status_of_figures}" for one in found if not one.status_of_figures.is_done]:
        raise BadInput(f"only finished runs are kept, and {'; '.join(unfinished)}")
    study = replace(workspace, kept=True)
    refused = [
        path for root in (workspace.runs, workspace.ensembles) for path in (root / profile).glob(f"*/*/{REFUSED}")
    ]
    places = {path: _place(path, workspace, study) for path in (*(folder.path for folder in found), *refused)}
    cells = {_cell(place, study) for place in places.values()}
    others = {_cell(path.parent, study) for root in _roots(study) for path in (root / profile).rglob("run.json")}
    for cell in cells:
        if cell.exists():
            shutil.rmtree(cell)
    for path in refused:
        places[path].parent.mkdir(parents=True)
        shutil.copyfile(path, places[path])
    return Kept([_copy(folder, places[folder.path]) for folder in found], sorted(others - cells))


def _roots(workspace: Workspace) -> tuple[Path, Path, Path]:
    return workspace.runs, workspace.trunks, workspace.ensembles


def _place(path: Path, workspace: Workspace, study: Workspace) -> Path:
    roots = zip(_roots(workspace), _roots(study), strict=True)
    return next(to / path.relative_to(root) for root, to in roots if path.is_relative_to(root))


def _cell(place: Path, study: Workspace) -> Path:
    """The folder of all that is kept of a task and recipe, a trunk or an ensemble: a profile and two names, or one, below."""
    root = max((root for root in _roots(study) if place.is_relative_to(root)), key=lambda root: len(root.parts))
    return root.joinpath(*place.relative_to(root).parts[:3])


def _copy(folder: RunFolder, to: Path) -> Path:
    to.mkdir(parents=True)
    for name in ("run.json", *RESULTS[folder.record().config.stage]):
        if name != WEIGHTS:
            shutil.copyfile(folder.path / name, to / name)
    return to
