"""What this machine can run: which tasks have data within reach, and the profile that fits the hardware.

Written into params.yaml, so that `dvc repro`, `mlflow run` and the report agree on it and `git diff` shows it. Tasks
without data move from `fetch.tasks` to `fetch.left_out`, and back once their data can be reached.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from benchmark.config.params import Params, load_params
from benchmark.config.tasks import Task, build_task
from benchmark.core.files import write_text
from benchmark.core.terms import Dimension
from benchmark.data.fetch import Reach, reachable
from pipelines.console import project


@dataclass(frozen=True)
class Selection:
    """Values for params.yaml, and why."""

    profile: str
    tasks: tuple[str, ...]
    left_out: tuple[str, ...]
    pretrain: Mapping[Dimension, tuple[str, ...]]
    reach: Mapping[str, Reach]
    """What was found out about every wanted task's data."""
    real: bool
    """False where no real data is within reach and stand-in data takes its place."""


def choose(params: Params, profile: str, probe: Callable[[Task], Reach] | None = None) -> Selection:
    """Find out which wanted tasks (`fetch.tasks` and `fetch.left_out`) can be run.

    Args:
        profile: the one asked for; empty for `full` with a CUDA GPU, else `quick` (`smoke` on stand-in data).
    """
    if probe is None:
        mirror = project.mirror()

        def probe(task: Task) -> Reach:
            return reachable(task, project.WORKSPACE.data(task.name), mirror, params.fetch.timeout_s)

    names = (*params.fetch.tasks, *params.fetch.left_out)
    wanted = {name: build_task(name, params.tasks[name]) for name in names}
    wanted = {name: task for name, task in wanted.items() if not task.is_standin}
    reach = {name: probe(task) for name, task in wanted.items()}
    chosen = {name: task for name, task in wanted.items() if reach[name].source}
    if not chosen:
        standins = {name: build_task(name, entry) for name, entry in params.tasks.items()}
        standins = {name: task for name, task in standins.items() if task.is_standin}
        pools = {dim: tuple(n for n, task in standins.items() if task.dim is dim) for dim in Dimension}
        return Selection(profile or "smoke", tuple(standins), tuple(wanted), pools, reach, real=False)
    left_out = tuple(name for name in wanted if name not in chosen)
    pools = {dim: _pool(params, dim, chosen) for dim in Dimension}
    return Selection(profile or _fitting_profile(), tuple(chosen), left_out, pools, reach, real=True)


def _pool(params: Params, dim: Dimension, chosen: Mapping[str, Task]) -> tuple[str, ...]:
    """The tasks to train the trunk on: those listed, and those that come back from `left_out`, with data in reach.

    Where these are none, all that are to be run: every recipe that starts from a trunk needs one.
    """
    listed = params.pretrain.of(dim).tasks
    returning = [name for name, task in chosen.items() if name not in params.fetch.tasks and task.pretrain]
    names = dict.fromkeys((*listed, *returning))
    of_dim = [name for name, task in chosen.items() if task.dim is dim]
    return tuple(name for name in names if name in of_dim) or tuple(of_dim)


def _fitting_profile() -> str:
    import torch  # late: takes seconds, and most commands are told their profile

    return "full" if torch.cuda.is_available() else "quick"


def write(selection: Selection, path: Path) -> bool:
    """Put the selection into params.yaml, comments and order kept.

    Returns:
        Whether the file changed.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    before = path.read_text(encoding="utf-8")
    content = yaml.load(before)
    content["profile"] = selection.profile
    _replace(content["fetch"], "tasks", selection.tasks)
    _replace(content["fetch"], "left_out", selection.left_out)
    _replace(content["pretrain"], "dims", tuple(str(dim) for dim in Dimension if selection.pretrain[dim]))
    for dim in Dimension:
        _replace(content["pretrain"][str(dim)], "tasks", selection.pretrain[dim])
    stream = StringIO()
    yaml.dump(content, stream)
    if changed := stream.getvalue() != before:
        write_text(path, stream.getvalue())
    return changed


def applied(selection: Selection, path: Path) -> Params:
    """The configuration with the selection in it, the file left as it is."""
    with tempfile.TemporaryDirectory() as temporary:
        copied = Path(temporary) / path.name
        shutil.copy(path, copied)
        write(selection, copied)
        return load_params(copied)


def _replace(section: dict[str, list[str]], key: str, names: tuple[str, ...]) -> None:
    """Set a list, leaving it (and the comments in it) alone where it already is so."""
    listed = section.setdefault(key, [])
    if tuple(listed) != names:
        listed[:] = list(names)
