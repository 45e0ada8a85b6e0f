"""`make bench`: what a sweep gains by trials side by side, and what it costs that Ray schedules them.

Two cores are needed that nobody else uses. Start of Ray and of its processes is left out: it is paid once a sweep.
"""

import time
from pathlib import Path
from typing import Any

import pytest

from benchmark import cluster, provenance, trial
from benchmark.cluster import Share
from benchmark.config import StandinTask
from benchmark.data import fetch, load
from benchmark.sweep import Trial
from benchmark.tasks import build_task
from benchmark.trial import Job
from tests.helpers import CPU, make_config

pytest.importorskip("ray", reason="needs the extra 'sweep'")
SECONDS = 20
"""Of a trial, about, with one thread."""
COUNT = 6


def make_jobs(folder: Path, count: int, epochs: int) -> list[Job]:
    task = build_task("standin-breastmnist", StandinTask(standin="breastmnist"))
    if not task.path.is_file():
        fetch(task, None, 0, 1.0)
    data = load(task, CPU)
    made = []
    for seed in range(count):
        config = make_config(task.name, recipe=f"trial{seed}", epochs=epochs, batch_size=64)
        made.append(Trial(config.recipe, config.objective, (config.model_copy(update={"seed": seed}),)))
    return [job for jobs in trial.jobs(made, task, data, folder).values() for job in jobs]


def steady(jobs: list[Job], share: Share) -> tuple[float, float]:
    """Trials a second once the first round is over, and seconds a trial in which none was trained."""
    ends: list[float] = []
    cluster.run(jobs, share, False, 0, lambda _: ends.append(time.perf_counter()))
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
    with cluster.connect("", Share(2, 0, 1)):
        (probe,) = make_jobs(tmp_path / "probe", 1, 10)
        cluster.run([probe], Share(1, 0, 1), False, 0, lambda _: None)
        epochs = max(1, round(10 * SECONDS / (probe.seconds or 1.0)))
        one_by_one, cost = steady(make_jobs(tmp_path / "one", COUNT, epochs), Share(2, 0, 1))
        two_by_two, _ = benchmark.pedantic(
            steady, args=(make_jobs(tmp_path / "two", COUNT, epochs), Share(1, 0, 2)), rounds=1
        )
    table(
        "Sweep on two cores",
        {
            "trial, s on one thread": SECONDS,
            "two at once over one by one": f"{two_by_two / one_by_one:.2f}",
            "scheduling, s a trial": f"{cost:.2f}",
            "scheduling, % of a trial": f"{100 * cost / SECONDS:.1f}",
        },
    )
