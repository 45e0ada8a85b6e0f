"""From trials to a winner: what there is to run, and what is done once it was run. Ray has tests of its own."""

from dataclasses import replace

import pandas as pd
import pytest
import yaml

from benchmark.core.errors import DataMissing
from benchmark.runs.status import DONE, NOT_RUN, State, Status
from benchmark.runs.workspace import Workspace
from benchmark.sweep.cluster import Share
from benchmark.sweep.grid import Trial
from benchmark.sweep.plan import plan
from benchmark.sweep.search import Budget, Sweep
from benchmark.sweep.trial import Job
from tests.helpers import OBJECTIVES, find
from tests.sweep.parts import SMALL, make_trial

GOOD = make_trial("good", SMALL, epochs=1)
OTHER = make_trial("other", SMALL, epochs=1, objective=OBJECTIVES["nll"] | {"optimizer": "sgd"})
BAD = make_trial("bad", SMALL, epochs=1, objective=OBJECTIVES["cross-entropy"] | {"optimizer": "sgd", "lr": 1e30})
SHARE = Share(1, 0, 1)


pytestmark = pytest.mark.usefixtures("in_process")


def make_sweep(workspace: Workspace, *trials: Trial) -> Sweep:
    return Sweep("mine", "test", trials, workspace)


def run_all(sweep: Sweep, trials: int = 0) -> list[str]:
    """Run what is missing of so many trials; the names in the order in which they ended."""
    ended: list[Job] = []
    sweep.run("", SHARE, False, Budget(trials=trials), lambda _: None, ended.append)
    return [job.config.recipe for job in ended]


def test_the_winner_is_scored_on_the_test_split_once_every_trial_has_come_to_its_end(workspace: Workspace) -> None:
    sweep = make_sweep(workspace, GOOD, OTHER, BAD)
    assert run_all(sweep, trials=1) == ["good"]
    early = sweep.conclude()
    assert early.winner is not None
    assert (early.left, early.winner.trial, early.winner.done) == (2, "good", 1)
    assert "test_auc" not in early.winner.metrics
    assert "closed, 2 runs are left" in str(early)
    assert run_all(sweep) == ["other", "bad"]
    late = sweep.conclude()
    assert late.winner is not None
    assert (late.left, late.winner.trials, late.winner.done) == (0, 3, 2)
    assert f"test AUROC {late.winner.metrics['test_auc']:.4f}" in str(late)
    assert str(late).startswith("STAND-IN DATA, NOT A RESULT: ")
    scored = {one.name for one in sweep.trials for job in sweep.jobs[one.name] if "test" in _scores(job)}
    assert scored == {late.winner.trial}
    assert list(late.files) == [
        workspace.sweeps / SMALL.name / "mine" / f for f in ("trials.csv", "winner.yaml", "cost.csv")
    ]
    assert yaml.safe_load(late.files[1].read_text())["metrics"] == late.winner.metrics
    table = pd.read_csv(late.files[0])
    assert list(table["status"].str.partition(":")[0]) == ["done", "done", "failed"]


def _scores(job: Job) -> set[str]:
    return set(job.folder.scores()) if job.status.is_done else set()


def test_what_is_there_is_not_run_again(workspace: Workspace) -> None:
    assert run_all(make_sweep(workspace, GOOD, BAD)) == ["good", "bad"]
    assert run_all(make_sweep(workspace, GOOD, OTHER, BAD)) == ["other"]


def test_without_a_trial_that_is_done_there_is_a_table_and_no_winner(workspace: Workspace) -> None:
    sweep = make_sweep(workspace, BAD)
    run_all(sweep)
    conclusion = sweep.conclude()
    assert conclusion.winner is None
    assert conclusion.left == 0
    assert "loss not finite" in pd.read_csv(conclusion.files[0])["status"][0]


def test_a_search_of_the_same_trials_is_the_same_one(workspace: Workspace) -> None:
    """By this a tracking server knows a search that was killed."""
    one, turned, other = (make_sweep(workspace, *trials) for trials in ((GOOD, BAD), (BAD, GOOD), (GOOD, OTHER)))
    assert one.identity == turned.identity != other.identity
    run_all(one, trials=1)
    winner = one.conclude().winner
    assert winner is not None
    assert winner.identity == one.identity  # what was found says of which search, also where some runs were not made


def test_a_search_without_data_does_not_begin(workspace: Workspace) -> None:
    workspace.data(SMALL.name).unlink()
    with pytest.raises(DataMissing):
        make_sweep(workspace, GOOD)


def test_a_plan_knows_what_is_there_and_how_long_the_rest_takes(workspace: Workspace) -> None:
    refused = replace(GOOD, name="refused", task=find("chestmnist"), objective=OTHER.objective)
    trials = [GOOD, OTHER, refused]
    first = plan(trials, SHARE, workspace)
    assert first.statuses["good"] == first.statuses["other"] == [NOT_RUN]
    assert first.statuses["refused"] == [Status(State.REFUSED, "its softmax makes an image belong to one class only")]
    assert (first.to_run, first.side_by_side, first.finished) == (2, 1, 0)
    assert "2 runs to make, 1 side by side, about " in str(first)
    assert "(from one epoch here)" in str(first)
    sweep = make_sweep(workspace, GOOD)
    run_all(sweep)
    second = plan(trials, SHARE, workspace)
    assert second.statuses["good"] == [DONE]
    assert (second.to_run, second.finished, second.seconds) == (1, 1, sweep.runs[0].seconds)
    assert second.minutes == pytest.approx(sweep.runs[0].seconds / 60)


def test_a_plan_needs_neither_data_nor_trunk(workspace: Workspace) -> None:
    from_trunk = make_trial("trunk", SMALL, seeds=2, epochs=1, start="trunk")
    without_trunk = plan([from_trunk], SHARE, workspace)
    assert without_trunk.to_run == 2
    assert str(without_trunk).endswith("minutes, and what they start from has to be trained before")
    workspace.data(SMALL.name).unlink()
    without_data = plan([from_trunk, make_trial("bad", SMALL, seeds=2)], SHARE, workspace)
    assert without_data.to_run == 4
    assert without_data.minutes is None
    assert str(without_data) == "4 runs to make; how long they take is known once the data is there"
    assert without_data.statuses == {"trunk": [NOT_RUN], "bad": [NOT_RUN]}
