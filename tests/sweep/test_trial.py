"""A run of a sweep: an ordinary run that does not see the test split."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.core.errors import NotFinite, OutOfMemory, TrainingFailed
from benchmark.core.files import alone
from benchmark.data.load import TaskData
from benchmark.runs.folder import RunFolder
from benchmark.runs.status import DONE, NOT_FINISHED, NOT_RUN, State, Status
from benchmark.runs.workspace import Workspace
from benchmark.sweep import trial
from benchmark.sweep.trial import Job
from benchmark.training import execute
from tests.helpers import CPU, OBJECTIVES, find, make_narrow_config
from tests.sweep.parts import make_trial


def make_jobs(data: TaskData, workspace: Workspace, **changes: object) -> list[Job]:
    made = make_trial("one", data.task, **changes)
    return trial.jobs([made], data, workspace)["one"]


def test_a_run_never_sees_the_test_split(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace)
    trial.run(job, CPU)
    assert job.status == DONE
    assert set(job.folder.scores()) == {"train", "val"}
    assert not any(name.startswith("test") for name in job.folder.metrics())


def test_the_winners_folder_becomes_that_of_an_ordinary_run(
    data: TaskData, workspace: Workspace, tmp_path: Path
) -> None:
    """Scored afterwards, the test split has the scores that it would have had at once."""
    (job,) = make_jobs(data, workspace)
    trial.run(job, CPU)
    trial.score_test(job.folder, data, CPU)
    ordinary = RunFolder(tmp_path / "ordinary")
    execute.execute(job.config, {data.task.name: data}, ordinary, CPU)
    for split, (labels, scores) in ordinary.scores().items():
        assert np.array_equal(job.folder.scores()[split][0], labels)
        assert np.array_equal(job.folder.scores()[split][1], scores)
    assert job.folder.metrics() == ordinary.metrics()


def test_the_test_split_is_scored_once(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace)
    trial.run(job, CPU)
    trial.score_test(job.folder, data, CPU)
    before = (job.folder.path / "scores.npz").stat().st_mtime_ns
    trial.score_test(job.folder, data, CPU)
    assert (job.folder.path / "scores.npz").stat().st_mtime_ns == before


def test_a_scoring_that_was_killed_between_its_two_files_is_mended(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace)
    trial.run(job, CPU)
    before = job.folder.metrics()
    trial.score_test(job.folder, data, CPU)
    whole = job.folder.metrics()
    job.folder.write_metrics(before)
    trial.score_test(job.folder, data, CPU)
    assert job.folder.metrics() == whole
    assert "test_auc" in whole


def test_the_test_split_is_scored_by_one_process_at_a_time(data: TaskData, workspace: Workspace) -> None:
    """Who comes second while the first one is still writing waits, and finds both files."""
    (job,) = make_jobs(data, workspace)
    trial.run(job, CPU)
    with ThreadPoolExecutor(1) as other, alone(job.folder.path):
        scored = other.submit(trial.score_test, job.folder, data, CPU)
        with pytest.raises(TimeoutError):
            scored.result(timeout=2)
        assert "test" not in job.folder.scores()
    scored.result()
    assert "test_auc" in job.folder.metrics()


def test_a_finished_run_whose_scores_are_lost_counts_as_not_finished(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace)
    trial.run(job, CPU)
    (job.folder.path / "scores.npz").unlink()
    assert job.status == Status(State.NOT_FINISHED, "without scores.npz")
    trial.run(job, CPU)
    assert job.status == DONE
    assert "val" in job.folder.scores()


def test_a_run_that_is_there_is_not_made_again(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace)
    trial.run(job, CPU)
    before = (job.folder.path / "run.json").stat().st_mtime_ns
    trial.run(job, CPU)
    assert (job.folder.path / "run.json").stat().st_mtime_ns == before


def test_another_configuration_in_the_folder_counts_as_not_run(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace)
    trial.run(job, CPU)
    (changed,) = make_jobs(data, workspace, batch_size=24)
    assert changed.folder == job.folder
    assert changed.status == NOT_RUN


def test_a_failure_is_the_trials_result_and_is_kept(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace, objective=OBJECTIVES["cross-entropy"] | {"optimizer": "sgd", "lr": 1e30})
    trial.run(job, CPU)
    assert str(job.status).startswith("failed: loss not finite in epoch 1")
    assert job.is_settled(asha=False)


@pytest.mark.parametrize(("failure", "good"), [(OutOfMemory, False), (NotFinite, True)])
def test_it_tells_whether_its_process_is_good_for_another_run(
    failure: type[TrainingFailed], good: bool, data: TaskData, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise failure("a reason", [])

    (other,) = make_jobs(data, workspace)
    assert trial.run(other, CPU)
    (job,) = make_jobs(data, workspace, batch_size=8)
    monkeypatch.setattr("benchmark.training.loop.train", fail)
    assert trial.run(job, CPU) is good
    assert job.status == Status(State.FAILED, "a reason")
    assert trial.run(job, CPU)  # is final, and nothing is trained


def test_an_error_is_written_down_and_tried_again(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace)
    path = job.sources[0].path
    file = path.read_bytes()
    path.write_bytes(b"no data")
    trial.run(job, CPU)
    assert str(job.status).startswith("error: WrongStructure: ")
    assert not job.is_settled(asha=False)
    path.write_bytes(file)
    trial.run(job, CPU)
    assert job.status == DONE


def test_a_run_that_asha_gave_up_is_settled_for_asha_alone(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace)
    job.close(Status(State.STOPPED, "by ASHA after epoch 1"))
    assert str(job.status) == "stopped: by ASHA after epoch 1"
    assert job.is_settled(asha=True)
    assert not job.is_settled(asha=False)
    trial.run(job, CPU)
    job.close(Status(State.STOPPED, "by ASHA after epoch 2"))
    assert job.status == DONE


def test_the_record_of_a_run_that_never_began_says_what_it_would_have_been(
    data: TaskData, workspace: Workspace
) -> None:
    """All but the reason, the moment and the machine is as in the record of the run itself."""
    (job,) = make_jobs(data, workspace)
    job.close(Status(State.ERROR, "could not be started"))
    closed = job.folder.trained()
    trial.run(job, CPU)
    ran, apart = job.folder.trained(), {"status", "started", "best_epoch", "seconds", "parameters", "results"}
    assert closed.model_dump(exclude=apart) == ran.model_dump(exclude=apart)
    assert closed.data_md5 == {data.task.name: data.md5}
    assert closed.standin


def test_a_run_that_ended_in_the_middle_keeps_its_record_but_for_the_reason(
    data: TaskData, workspace: Workspace
) -> None:
    (job,) = make_jobs(data, workspace)
    began = execute.new_record(job.config, {data.task.name: data}, job.identity)
    began = began.model_copy(update={"started": "2026-01-01T00:00:00+00:00"})
    job.folder.write_record(began)
    assert job.status == NOT_FINISHED
    stopped = Status(State.STOPPED, "by ASHA after epoch 1")
    job.close(stopped)
    assert job.folder.trained() == began.model_copy(update={"status": stopped})


def test_a_trial_is_done_when_each_of_its_seeds_is(data: TaskData, workspace: Workspace) -> None:
    made = make_trial("one", data.task, seeds=2)
    first, second = trial.jobs([made], data, workspace)["one"]
    trial.run(first, CPU)
    assert trial.outcome(made, [first, second]).status_text == "seed 1: not run"
    trial.run(second, CPU)
    assert trial.outcome(made, [first, second]).is_done


def test_an_objective_that_does_not_accept_the_task_is_refused_in_its_row(data: TaskData, workspace: Workspace) -> None:
    chest = replace(data, task=find("chestmnist"))
    made = make_trial("one", chest.task, objective=OBJECTIVES["compositional-auc"])
    assert trial.jobs([made], chest, workspace)["one"] == []
    refused = trial.outcome(made, [])
    assert refused.statuses == (Status(State.REFUSED, "LibAUC has it for one label only"),)
    assert refused.status_text == "refused: LibAUC has it for one label only"
    assert not refused.is_done


def test_an_estimate_is_of_the_whole_run(data: TaskData) -> None:
    config = make_narrow_config(data.task.name, epochs=50)
    assert trial.estimate(config, data, CPU) > 10 * trial.estimate(config.model_copy(update={"epochs": 1}), data, CPU)


def test_a_line_says_which_run_it_was_and_how_it_ended(data: TaskData, workspace: Workspace) -> None:
    (job,) = make_jobs(data, workspace)
    assert str(job) == "one seed 0: not run"
    trial.run(job, CPU)
    auc, seconds = job.folder.metrics()["val_auc"], job.folder.trained().seconds
    assert seconds is not None
    assert str(job) == f"one seed 0: val AUROC {auc:.4f}, {seconds.total:.1f} s"
