"""The figures of a profile's runs, as git holds them: records, histories, metrics and scores, without weights."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from benchmark.core.errors import BadInput
from benchmark.core.terms import Dimension
from benchmark.runs.folder import RESULTS, WEIGHTS, RunFolder
from benchmark.runs.workspace import REFUSED, Workspace


def keep(profile: str, workspace: Workspace) -> list[Path]:
    """Make `results/` hold what the profile's runs, trunks and ensembles found out, and nothing else of the profile.

    What was refused, a recipe that does not accept the task or an ensemble without members, is kept with its reason.

    Returns:
        The folders in `results/`.

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
    for root in (study.runs, study.trunks, study.ensembles):
        if (root / profile).exists():
            shutil.rmtree(root / profile)
    for path in (
        path for root in (workspace.runs, workspace.ensembles) for path in (root / profile).glob(f"*/*/{REFUSED}")
    ):
        to = _place(path, workspace, study)
        to.parent.mkdir(parents=True)
        shutil.copyfile(path, to)
    return [_copy(folder, _place(folder.path, workspace, study)) for folder in found]


def _place(path: Path, workspace: Workspace, study: Workspace) -> Path:
    roots = ((workspace.runs, study.runs), (workspace.trunks, study.trunks), (workspace.ensembles, study.ensembles))
    return next(to / path.relative_to(root) for root, to in roots if path.is_relative_to(root))


def _copy(folder: RunFolder, to: Path) -> Path:
    to.mkdir(parents=True)
    for name in ("run.json", *RESULTS[folder.record().config.stage]):
        if name != WEIGHTS:
            shutil.copyfile(folder.path / name, to / name)
    return to
