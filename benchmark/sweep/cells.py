"""The main job as jobs: a trunk for each dimension, then every seed of every task and recipe, each after what it starts
from. They lie in the ordinary run folders, where the stage that would have made them finds them done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.config.params import Params
from benchmark.config.run import RunConfig, resolve_finetune, resolve_pretrain
from benchmark.config.tasks import Task, build_task
from benchmark.core.errors import NoWinner
from benchmark.core.files import md5_of
from benchmark.runs.folder import RunFolder
from benchmark.runs.workspace import Workspace
from benchmark.sweep.trial import Job, Source


def jobs(params: Params, profile: str, workspace: Workspace) -> list[Job]:
    """Every run of the main job, one that others start from before them.

    What does not go together, has no winner to take its objective from or nothing to start from is left to its own
    stage, which says so.
    """
    names = dict.fromkeys(
        (*params.fetch.tasks, *(name for dim in params.pretrain.dims for name in params.pretrain.of(dim).tasks))
    )
    sources = {name: _source(build_task(name, params.tasks[name]), workspace) for name in names}
    made: dict[Path, Job] = {}

    def add(config: RunConfig, folder: RunFolder, start: RunFolder | None) -> None:
        after = made.get(start.path) if start else None
        used = tuple(sources[name] for name in config.tasks)
        nothing_to_start_from = start and not after and not start.is_done
        if not nothing_to_start_from and not any(config.objective.of(one.task.kind).refusal(one.task) for one in used):
            made[folder.path] = Job(config, used, folder, start, after, with_test=True)

    for dim in params.pretrain.dims:
        if params.pretrain.of(dim).tasks:
            add(resolve_pretrain(params, dim, profile), workspace.trunk(profile, dim), None)
    for recipe in sorted(params.finetune.names, key=lambda name: len(params.phases(name))):
        for task in (sources[name].task for name in params.fetch.tasks):
            try:
                configs = [resolve_finetune(params, task, recipe, profile, n) for n in params.profiles[profile].seeds]
            except NoWinner:
                continue
            for config in configs:
                folder = workspace.run(profile, task.name, recipe, config.seed)
                add(config, folder, workspace.start(config, task.dim))
    return list(made.values())


def missing(jobs: Sequence[Job]) -> list[Job]:
    """Those that have not come to their end, less those after one that has failed."""
    found: dict[Path, Job] = {}
    for job in jobs:
        can_start = job.after is None or job.after.folder.path in found or job.after.status.is_done
        if can_start and not job.status.is_final:
            found[job.folder.path] = job
    return list(found.values())


def with_data(jobs: Sequence[Job]) -> list[Job]:
    """Those whose files are all there, and for all that they start from too."""
    return [job for job in jobs if all(one.md5 for one in job.sources) and (not job.after or with_data([job.after]))]


def _source(task: Task, workspace: Workspace) -> Source:
    path = workspace.data(task.name)
    md5 = md5_of(path) if path.is_file() else ""
    return Source(task, path, md5 if task.md5 in (None, md5) else "")
