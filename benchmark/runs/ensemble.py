"""The mean score of several recipes' runs, as a run folder of its own. Its weights are its members'.

Each recipe weighs the same: the mean is over a recipe's seeds first, then over the recipes. Of val, an image's score is
the mean over those members that were not trained on it, which makes the ensemble's validation figure an honest one.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmark.core import provenance
from benchmark.core.errors import NoMember, Refused
from benchmark.core.files import digest_of
from benchmark.runs import scores as scores_file
from benchmark.runs.folder import WEIGHTS, RunFolder
from benchmark.runs.record import Code, Combined, EnsembleConfig, Hardware, Member, Trained, now
from benchmark.runs.scores import HeldOut, Scores, metrics, out_of_fold
from benchmark.runs.status import DONE, State, Status
from benchmark.runs.workspace import Workspace

Members = Mapping[str, Sequence[RunFolder]]
"""Finished runs by recipe, a recipe's in the order of its seeds."""
Official = tuple[Scores, HeldOut]
"""As `RunFolder.official_scores` has it."""


def members(config: EnsembleConfig, seeds: Sequence[int], md5: str, workspace: Workspace) -> Members:
    """The runs that the ensemble is the mean of.

    Args:
        md5: of the task's data file, on which all must have been run.

    Raises:
        Refused: a member recipe does not accept the task.
        NoMember: a member is not there, or not what its record says.
    """
    (task,) = config.tasks
    refused = {one.recipe: one.status for one in workspace.list_refusals(config.profile) if one.task == task}
    for recipe in config.members:
        if recipe in refused:
            raise Refused(f"member {recipe}: {refused[recipe].reason}")
    found = {recipe: [workspace.run(config.profile, task, recipe, seed) for seed in seeds] for recipe in config.members}
    for recipe, folders in found.items():
        for seed, folder in zip(seeds, folders, strict=True):
            if problem := _problem(folder, md5):
                facts = {"task": task, "recipe": recipe, "profile": config.profile}
                raise NoMember(f"member {recipe}, seed {seed}: {problem}", **facts)
    return found


def _problem(folder: RunFolder, md5: str) -> str:
    """Why a run can be no member; empty where it can."""
    if not (status := folder.status).is_done:
        return str(status)
    return "" if md5 in folder.record().data_md5.values() else "was run on another data file"


def make(config: EnsembleConfig, of: Members, workspace: Workspace) -> tuple[RunFolder, bool]:
    """Make the ensemble's folder hold the mean of these members.

    Returns:
        The folder, and False where it already did.
    """
    (task,) = config.tasks
    folder, record = workspace.ensemble(config.profile, task, config.recipe), _record(config, of, workspace)
    if folder.holds(record.identity) and folder.is_done:
        return folder, False
    clear(folder)
    mean, held_out = mean_scores({recipe: [one.official_scores() for one in runs] for recipe, runs in of.items()})
    folder.write_scores(mean, np.float64, held_out)
    folder.write_metrics(metrics(scores_file.as_seen(mean, held_out)))
    folder.seal(record)  # last: without it there is no ensemble
    return folder, True


def leave_out(config: EnsembleConfig, status: Status, workspace: Workspace) -> None:
    """Record in the ensemble's folder why this task has none."""
    (task,) = config.tasks
    clear(workspace.ensemble(config.profile, task, config.recipe))
    workspace.write_no_ensemble(config.profile, task, config.recipe, status)


def status_of(error: Refused | NoMember) -> Status:
    """How a task without the ensemble stands in every table."""
    return Status(State.REFUSED if isinstance(error, Refused) else State.NOT_RUN, str(error))


def clear(folder: RunFolder) -> None:
    """Remove what an earlier ensemble, or the lack of one, has left."""
    shutil.rmtree(folder.path, ignore_errors=True)


def _record(config: EnsembleConfig, of: Members, workspace: Workspace) -> Combined:
    trained = {folder: folder.trained() for folders in of.values() for folder in folders}
    listed = tuple(_member(folder, record, workspace) for folder, record in trained.items())
    first = next(iter(trained.values()))
    code = provenance.digest_of_code([Path(__file__), Path(scores_file.__file__)])
    parts = [member.model_dump(include={"recipe", "seed", "identity", "scores", "weights"}) for member in listed]
    return Combined(
        status=DONE,
        identity=digest_of({"config": config.model_dump(mode="json"), "members": parts, "code": code}),
        config=config,
        members=listed,
        data_md5=first.data_md5,
        standin=any(record.standin for record in trained.values()),
        code=Code(**provenance.commit(), digest=code),
        versions=provenance.versions(),
        hardware=Hardware(**provenance.hardware()),
        started=now(),
    )


def _member(folder: RunFolder, record: Trained, workspace: Workspace) -> Member:
    return Member(
        recipe=record.config.recipe,
        seed=record.config.seed,
        identity=record.identity,
        scores=record.results["scores.npz"],
        weights=record.results[WEIGHTS],
        folder=folder.path.relative_to(workspace.root).as_posix(),
        trained_on_val=record.trained_on_val,
    )


# ------------------------------------------------------------------------------------------------ the mean


def mean_scores(members: Mapping[str, Sequence[Official]]) -> Official:
    """Scores at their places in the official splits, float64 (n, L), and which val images are out of fold.

    Train and test are means over all members. So is a val image that every member was trained on, which counts as
    train; where there is none of these, nothing is marked, as of a run on the official splits.
    """
    first, _ = next(iter(members.values()))[0]
    mean = {
        split: (labels, np.stack([_over_seeds(runs, split) for runs in members.values()]).mean(axis=0))
        for split, (labels, _) in first.items()
    }
    labels, trained_on = mean["val"]
    total, count = np.zeros_like(trained_on), np.zeros(len(labels), int)
    for runs in members.values():
        known = np.any([out.get("val", np.ones(len(labels), bool)) for _, out in runs], axis=0)
        total[known] += out_of_fold(runs)[1]
        count += known
    known = count > 0
    mean["val"] = (labels, np.where(known[:, None], total / np.maximum(count, 1)[:, None], trained_on))
    if known.all():
        return mean, {}
    return mean, {"train": np.zeros(len(mean["train"][0]), bool), "val": known}


def _over_seeds(runs: Sequence[Official], split: str) -> np.ndarray:
    mean: np.ndarray = np.stack([scores[split][1] for scores, _ in runs]).mean(axis=0, dtype=np.float64)
    return mean
