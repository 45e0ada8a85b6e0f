"""A small task and trials on it."""

from benchmark.config.entries import StandinTask
from benchmark.config.tasks import Task, build_task
from benchmark.sweep.grid import Trial
from tests.helpers import make_config

SMALL = build_task("standin-breastmnist", StandinTask(standin="breastmnist", fraction=0.1))


def make_trial(name: str, task: Task, seeds: int = 1, **changes: object) -> Trial:
    """A trial of short runs; any field of their configuration can be given."""
    runs = [make_config(task.name, recipe=name, seed=seed, **changes) for seed in range(seeds)]
    return Trial(name, task, runs[0].objective, tuple(runs))
