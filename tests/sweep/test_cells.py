"""The main job as jobs: what is to run, in which order, and that its folders are those of the stages."""

from pathlib import Path
from typing import Any

import pytest

from benchmark.config.params import Params
from benchmark.core.terms import Dimension
from benchmark.data.fetch import fetch
from benchmark.data.load import load
from benchmark.runs.folder import RESULTS, RunFolder
from benchmark.runs.status import NOT_RUN, State
from benchmark.runs.workspace import Workspace
from benchmark.sweep import cells, trial
from benchmark.sweep.forecast import forecast
from benchmark.sweep.trial import Job
from benchmark.training import execute
from tests.helpers import CPU, PARAMS, find

TASK, CHEST = "standin-breastmnist", "standin-chestmnist"
SECOND = {"recipe": "then", "after": "medmnist"}


def make_params(**finetune: Any) -> Params:
    """Profile smoke on one or two stand-in tasks, one seed."""
    start = {"start": {"recipe": "medmnist"}, "network": None, "schedule": None}
    recipes = PARAMS["recipes"] | {"then": PARAMS["recipes"]["medmnist"] | start}
    pretrain = PARAMS["pretrain"] | {"dims": ["2d"], "2d": PARAMS["pretrain"]["2d"] | {"tasks": [TASK]}}
    content = PARAMS | {"profile": "smoke", "recipes": recipes, "pretrain": pretrain}
    content = content | {"fetch": PARAMS["fetch"] | {"tasks": finetune.pop("tasks", [TASK])}, "ensemble": {"names": []}}
    return Params.model_validate(
        content | {"finetune": {"recipes": ["dam", "medmnist"], "second": [SECOND]} | finetune}
    )


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    """With the data of one task."""
    made = Workspace(tmp_path)
    fetch(find(TASK), made.data(TASK), None, 0, 1.0)
    return made


def names(jobs: list[Job], workspace: Workspace) -> list[str]:
    return [str(job.folder.path.relative_to(workspace.root)) for job in jobs]


def run(jobs: list[Job]) -> None:
    for job in jobs:
        trial.run(job, CPU)


def test_what_others_start_from_comes_before_them(here: Workspace) -> None:
    jobs = cells.jobs(make_params(), "smoke", here)
    cell = f"runs/smoke/{TASK}"
    expected = ["trunks/smoke/2d", f"{cell}/dam/seed0", f"{cell}/medmnist/seed0", f"{cell}/then/seed0"]
    assert names(jobs, here) == expected
    trunk, _, medmnist, then = jobs
    assert [job.after for job in jobs] == [None, trunk, None, medmnist]
    assert cells.missing(jobs) == jobs
    assert {job.status for job in jobs} == {NOT_RUN}
    run(jobs[:2])
    assert cells.missing(jobs) == [medmnist, then]


def test_a_run_is_byte_for_byte_that_of_its_stage_and_is_found_by_it(here: Workspace, tmp_path: Path) -> None:
    """A trunk and what starts from it; the stage trains them by `execute`."""
    trunk, dam, *_ = jobs = cells.jobs(make_params(second=[]), "smoke", here)
    run(jobs)
    data = {TASK: load(find(TASK), here.data(TASK), CPU)}
    alone, after = RunFolder(tmp_path / "trunk"), RunFolder(tmp_path / "dam")
    execute.execute(trunk.config, data, alone, CPU)
    execute.execute(dam.config, data, after, CPU, alone)
    for job, folder in ((trunk, alone), (dam, after)):
        for name in set(RESULTS[job.config.stage]) - {"history.csv"}:  # which has the seconds in it
            assert (job.folder.path / name).read_bytes() == (folder.path / name).read_bytes()
    assert not execute.execute(
        dam.config, data, here.run("smoke", TASK, "dam", 0), CPU, here.trunk("smoke", Dimension.D2)
    )


def test_a_new_trunk_makes_what_starts_from_it_anew(here: Workspace) -> None:
    jobs = cells.jobs(make_params(second=[]), "smoke", here)
    run(jobs)
    assert cells.missing(cells.jobs(make_params(second=[]), "smoke", here)) == []
    record = jobs[0].folder.trained()
    jobs[0].folder.write_record(record.model_copy(update={"identity": "another"}))
    again = cells.missing(cells.jobs(make_params(second=[]), "smoke", here))
    assert names(again, here) == ["trunks/smoke/2d", f"runs/smoke/{TASK}/dam/seed0"]


def test_what_does_not_go_together_or_has_no_start_is_left_to_its_stage(here: Workspace) -> None:
    """Compositional AUC is for one label; without a trunk of its dimension a recipe has nothing to start from."""
    both = make_params(tasks=[TASK, CHEST], recipes=["dam-compositional"], second=[])
    assert names(cells.jobs(both, "smoke", here), here)[1:] == [f"runs/smoke/{TASK}/dam-compositional/seed0"]
    untrunked = both.model_copy(update={"pretrain": both.pretrain.model_copy(update={"dims": ()})})
    assert cells.jobs(untrunked, "smoke", here) == []


def test_what_has_no_data_is_left_out_and_so_is_what_starts_from_it(here: Workspace) -> None:
    jobs = cells.jobs(make_params(tasks=[TASK, CHEST], second=[]), "smoke", here)
    assert len(jobs) == 5
    assert len(cells.with_data(jobs)) == 3
    here.data(TASK).unlink()
    assert cells.with_data(cells.jobs(make_params(), "smoke", here)) == []


def test_what_starts_from_a_failed_run_is_not_begun(here: Workspace) -> None:
    recipes = PARAMS["recipes"]
    wild = recipes["medmnist"] | {
        "objective": {"loss": "cross-entropy", "optimizer": "sgd", "lr": 1e30, "momentum": 0.0}
    }
    params = make_params(recipes=["medmnist"])
    wild_recipe = type(params.recipes["medmnist"]).model_validate(wild)
    params = params.model_copy(update={"recipes": dict(params.recipes) | {"medmnist": wild_recipe}})
    jobs = cells.jobs(params, "smoke", here)
    trial.run(jobs[1], CPU)
    assert jobs[1].status.state is State.FAILED
    assert names(cells.missing(jobs), here) == ["trunks/smoke/2d"]


def test_a_forecast_goes_by_finished_runs_and_else_by_a_step_here(here: Workspace) -> None:
    jobs = cells.jobs(make_params(), "smoke", here)
    first = forecast(jobs, at_once=2, cpus=1, workspace=here)
    assert (first.finished, len(first.seconds)) == (0, 4)
    assert all(0 < seconds < 60 for seconds in first.seconds.values())
    chain = first.seconds[jobs[2].folder.path] + first.seconds[jobs[3].folder.path]
    assert first.longest >= chain
    assert str(first).startswith("4 runs to make, 2 side by side, each on 1 thread: about ")
    run(jobs[:3])
    seconds = jobs[2].folder.trained().seconds
    assert seconds is not None
    threads = jobs[2].folder.trained().hardware.threads
    then = forecast(cells.missing(jobs), at_once=8, cpus=float(threads), workspace=here)
    assert then.finished == 1  # that of medmnist, whose network and batch it has on the same task
    assert then.total == pytest.approx(seconds.total)
    assert then.at_once == 1


def test_a_forecast_says_of_how_many_it_can_not_know(here: Workspace) -> None:
    here.data(TASK).unlink()
    unknown = forecast(cells.jobs(make_params(), "smoke", here), at_once=1, cpus=2, workspace=here)
    assert str(unknown) == ("4 runs to make, one after the other on 2 threads; of 4 it is known once the data is there")
    assert str(forecast([], 1, 1, here)) == "no run is missing"
