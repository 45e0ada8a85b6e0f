"""`make bench`: what a sweep gains by trials side by side, and what it costs that Ray schedules them.

Two cores are needed that nobody else uses. Start of Ray and of its processes is left out: it is paid once a sweep.
"""

import time
from pathlib import Path
from typing import Any

import pytest

from benchmark.config.entries import StandinTask
from benchmark.config.tasks import build_task
from benchmark.core import provenance
from benchmark.data.fetch import fetch
from benchmark.data.load import load
from benchmark.runs.workspace import Workspace
from benchmark.sweep import cluster, trial
from benchmark.sweep.cluster import Share
from benchmark.sweep.grid import Trial
from benchmark.sweep.trial import Job
from tests.helpers import CPU, make_config

pytest.importorskip("ray", reason="needs the extra 'sweep'")
SECONDS = 20
"""Of a trial, about, with one thread."""
COUNT = 6


def make_jobs(workspace: Workspace, count: int, epochs: int) -> list[Job]:
    task = build_task("standin-breastmnist", StandinTask(standin="breastmnist"))
    path = workspace.data(task.name)
    fetch(task, path, None, 0, 1.0)
    data, made = load(task, path, CPU), []
    for seed in range(count):
        config = make_config(task.name, recipe=f"trial{seed}", epochs=epochs, batch_size=64)
        made.append(Trial(config.recipe, task, config.objective, (config.model_copy(update={"seed": seed}),)))
    return [job for jobs in trial.jobs(made, data, workspace).values() for job in jobs]


def steady(jobs: list[Job], share: Share, workspace: Workspace) -> tuple[float, float]:
    """Trials a second once the first round is over, and seconds a trial in which none was trained."""
    ends: list[float] = []
    cluster.run(jobs, share, workspace, False, 0, lambda _: ends.append(time.perf_counter()))
    side_by_side = share.at_once or 1
    took = ends[-1] - ends[side_by_side - 1]
    trained = sum(job.seconds or 0.0 for job in jobs[side_by_side:]) / side_by_side
    return (len(jobs) - side_by_side) / took, (took - trained) / (len(jobs) - side_by_side)


def test_side_by_side(benchmark: Any, table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two trials with one thread each against one after the other with two; the cost of scheduling a trial."""
    if benchmark.disabled:
        pytest.skip("takes minutes; `make bench` runs it")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(provenance.ROOT))  # for Ray's processes, which otherwise look in this folder
    probed, one, two = (Workspace(tmp_path / name) for name in ("probe", "one", "two"))
    with cluster.connect("", Share(2, 0, 1)):
        (probe,) = make_jobs(probed, 1, 10)
        cluster.run([probe], Share(1, 0, 1), probed, False, 0, lambda _: None)
        epochs = max(1, round(10 * SECONDS / (probe.seconds or 1.0)))
        one_by_one, cost = steady(make_jobs(one, COUNT, epochs), Share(2, 0, 1), one)
        two_by_two, _ = benchmark.pedantic(steady, args=(make_jobs(two, COUNT, epochs), Share(1, 0, 2), two), rounds=1)
    table(
        "Sweep on two cores",
        {
            "trial, s on one thread": SECONDS,
            "two at once over one by one": f"{two_by_two / one_by_one:.2f}",
            "scheduling, s a trial": f"{cost:.2f}",
            "scheduling, % of a trial": f"{100 * cost / SECONDS:.1f}",
        },
    )
