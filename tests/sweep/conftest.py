"""A folder with the data of a small stand-in task, for every test of a sweep's runs."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmark.data.fetch import fetch
from benchmark.data.load import TaskData, load
from benchmark.runs.workspace import Workspace
from benchmark.sweep import cluster, trial
from benchmark.sweep.cluster import Share
from benchmark.sweep.trial import Job
from tests.helpers import CPU
from tests.sweep.parts import SMALL


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Workspace(tmp_path_factory.mktemp("source")).data(SMALL.name)
    fetch(SMALL, path, None, 0, 1.0)
    return path


@pytest.fixture
def workspace(source: Path, tmp_path: Path) -> Workspace:
    """Holds the data and nothing else."""
    made = Workspace(tmp_path)
    made.data(SMALL.name).parent.mkdir()
    shutil.copy(source, made.data(SMALL.name))
    return made


@pytest.fixture
def data(workspace: Workspace) -> TaskData:
    return load(SMALL, workspace.data(SMALL.name), CPU)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go on in this process, one after the other."""

    @contextmanager
    def connect(*_: object) -> Iterator[None]:
        yield

    def run(
        jobs: Sequence[Job],
        share: Share,
        workspace: Workspace,
        asha: bool,
        minutes: float,
        on_end: Callable[[Job], None],
    ) -> None:
        for job in jobs:
            trial.run(job, CPU)
            on_end(job)

    monkeypatch.setattr(cluster, "connect", connect)
    monkeypatch.setattr(cluster, "run", run)
