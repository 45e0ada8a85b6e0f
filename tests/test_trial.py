"""A run of a sweep: an ordinary run that does not see the test split."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmark import execute, trial
from benchmark.config import OfficialTask, StandinTask
from benchmark.data import TaskData, fetch, load
from benchmark.runs import RunFolder, alone
from benchmark.sweep import Trial
from benchmark.tasks import Task, build_task
from benchmark.trial import Job
from tests.helpers import CPU, OBJECTIVES, make_config

SMALL = build_task("standin-breastmnist", StandinTask(standin="breastmnist", fraction=0.1))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        fetch(SMALL, None, 0, 1.0)
    return folder / "data"


@pytest.fixture
def data(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskData:
    """The data of a small stand-in task, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(source, tmp_path / "data")
    return load(SMALL, CPU)


def make_trial(name: str, task: Task, seeds: int = 1, **changes: object) -> Trial:
    runs = [make_config(task.name, recipe=name, seed=seed, **changes) for seed in range(seeds)]
    return Trial(name, runs[0].objective, tuple(runs))


def make_jobs(data: TaskData, **changes: object) -> list[Job]:
    made = make_trial("one", data.task, **changes)
    return trial.jobs([made], data.task, data)["one"]


def test_a_run_never_sees_the_test_split(data: TaskData) -> None:
    (job,) = make_jobs(data)
    trial.run(job, CPU)
    assert job.status == "done"
    assert set(job.folder.scores()) == {"train", "val"}
    assert not any(name.startswith("test") for name in job.folder.metrics())


def test_the_winners_folder_becomes_that_of_an_ordinary_run(data: TaskData, tmp_path: Path) -> None:
    """Scored afterwards, the test split has the scores that it would have had at once."""
    (job,) = make_jobs(data)
    trial.run(job, CPU)
    trial.score_test(job.folder, data, CPU)
    ordinary = RunFolder(tmp_path / "ordinary")
    execute.execute(job.config, {data.task.name: data}, ordinary, CPU)
    for split, (labels, scores) in ordinary.scores().items():
        assert np.array_equal(job.folder.scores()[split][0], labels)
        assert np.array_equal(job.folder.scores()[split][1], scores)
    assert job.folder.metrics() == ordinary.metrics()


def test_the_test_split_is_scored_once(data: TaskData) -> None:
    (job,) = make_jobs(data)
    trial.run(job, CPU)
    trial.score_test(job.folder, data, CPU)
    before = (job.folder.path / "scores.npz").stat().st_mtime_ns
    trial.score_test(job.folder, data, CPU)
    assert (job.folder.path / "scores.npz").stat().st_mtime_ns == before


def test_a_scoring_that_was_killed_between_its_two_files_is_mended(data: TaskData) -> None:
    (job,) = make_jobs(data)
    trial.run(job, CPU)
    before = job.folder.metrics()
    trial.score_test(job.folder, data, CPU)
    whole = job.folder.metrics()
    job.folder.write_metrics(before)
    trial.score_test(job.folder, data, CPU)
    assert job.folder.metrics() == whole
    assert "test_auc" in whole


def test_the_test_split_is_scored_by_one_process_at_a_time(data: TaskData) -> None:
    """Who comes second while the first one is still writing waits, and finds both files."""
    (job,) = make_jobs(data)
    trial.run(job, CPU)
    with ThreadPoolExecutor(1) as other, alone(job.folder.path):
        scored = other.submit(trial.score_test, job.folder, data, CPU)
        with pytest.raises(TimeoutError):
            scored.result(timeout=2)
        assert "test" not in job.folder.scores()
    scored.result()
    assert "test_auc" in job.folder.metrics()


def test_a_finished_run_whose_scores_are_lost_counts_as_not_finished(data: TaskData) -> None:
    (job,) = make_jobs(data)
    trial.run(job, CPU)
    (job.folder.path / "scores.npz").unlink()
    assert job.status == "not finished"
    trial.run(job, CPU)
    assert job.status == "done"
    assert "val" in job.folder.scores()


def test_a_run_that_is_there_is_not_made_again(data: TaskData) -> None:
    (job,) = make_jobs(data)
    trial.run(job, CPU)
    before = (job.folder.path / "run.json").stat().st_mtime_ns
    trial.run(job, CPU)
    assert (job.folder.path / "run.json").stat().st_mtime_ns == before


def test_another_configuration_in_the_folder_counts_as_not_run(data: TaskData) -> None:
    (job,) = make_jobs(data)
    trial.run(job, CPU)
    (changed,) = make_jobs(data, batch_size=24)
    assert changed.folder == job.folder
    assert changed.status == "not run"


def test_a_failure_is_the_trials_result_and_is_kept(data: TaskData) -> None:
    (job,) = make_jobs(data, objective=OBJECTIVES["cross-entropy"] | {"optimizer": "sgd", "lr": 1e30})
    trial.run(job, CPU)
    assert job.status.startswith("failed: loss not finite in epoch 1")
    assert job.is_settled(asha=False)


def test_an_error_is_written_down_and_tried_again(data: TaskData) -> None:
    (job,) = make_jobs(data)
    file = data.task.path.read_bytes()
    data.task.path.write_bytes(b"no data")
    trial.run(job, CPU)
    assert job.status.startswith("error: DataError: ")
    assert not job.is_settled(asha=False)
    data.task.path.write_bytes(file)
    trial.run(job, CPU)
    assert job.status == "done"


def test_a_run_that_asha_gave_up_is_settled_for_asha_alone(data: TaskData) -> None:
    (job,) = make_jobs(data)
    job.close("stopped: by ASHA after epoch 1")
    assert job.is_settled(asha=True)
    assert not job.is_settled(asha=False)
    trial.run(job, CPU)
    job.close("stopped: by ASHA after epoch 2")
    assert job.status == "done"


def test_a_trial_is_done_when_each_of_its_seeds_is(data: TaskData) -> None:
    made = make_trial("one", data.task, seeds=2)
    first, second = trial.jobs([made], data.task, data)["one"]
    trial.run(first, CPU)
    assert trial.outcome(made, [first, second], data.task).status == "seed 1: not run"
    trial.run(second, CPU)
    assert trial.outcome(made, [first, second], data.task).is_done


def test_an_objective_that_does_not_accept_the_task_is_refused_in_its_row(data: TaskData) -> None:
    chest = build_task("chestmnist", OfficialTask())
    made = make_trial("one", chest, objective=OBJECTIVES["compositional-auc"])
    assert trial.jobs([made], chest, data)["one"] == []
    assert trial.outcome(made, [], chest).status.startswith("refused: ")


def test_an_estimate_is_of_the_whole_run(data: TaskData) -> None:
    config = make_config(data.task.name, epochs=50)
    assert trial.estimate(config, data, CPU) > 10 * trial.estimate(config.model_copy(update={"epochs": 1}), data, CPU)
