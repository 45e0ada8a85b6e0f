"""Successive halving over seeds: who goes on, who is given up, and that a killed search decides the same."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmark.runs.status import State, Status
from benchmark.runs.workspace import Workspace
from benchmark.sweep import halving, trial
from benchmark.sweep.cluster import Share
from benchmark.sweep.grid import Search, Trial
from benchmark.sweep.plan import plan
from benchmark.sweep.search import Budget, Sweep
from benchmark.sweep.trial import Job
from tests.helpers import CPU, OBJECTIVES
from tests.sweep.parts import SMALL, make_trial

pytestmark = pytest.mark.usefixtures("in_process")
SHARE, SEEDS, BY, ALL = Share(1, 0, 1), 3, 2, Budget()
GRADIENT = OBJECTIVES["cross-entropy"]
TRIALS = [
    make_trial(f"lr{lr:g}", SMALL, seeds=SEEDS, epochs=1, objective=GRADIENT | {"lr": lr})
    for lr in (1e-5, 3e-4, 1e-3, 3e-3, 1e-1)
]
BAD = make_trial("bad", SMALL, seeds=SEEDS, epochs=1, objective=GRADIENT | {"optimizer": "sgd", "lr": 1e30})


def make_sweep(workspace: Workspace, trials: Sequence[Trial] = TRIALS, by: int = BY) -> Sweep:
    return Sweep("mine", "test", trials, workspace, Search(halve_by=by))


def run(sweep: Sweep, budget: Budget = ALL, ended: list[Job] | None = None) -> list[list[str]]:
    """The trials of each rung that was run."""
    rungs: list[list[str]] = []

    def on_rung(due: Sequence[Sequence[Job]]) -> None:
        rungs.append([runs[0].config.recipe for runs in due])

    sweep.run("", SHARE, False, budget, on_rung, [].append if ended is None else ended.append)
    return rungs


def expected(trials: Path, seeds: int, by: int) -> dict[str, int]:
    """How many seeds each trial should have run, from what stands in the folders: in so many words, by nothing of ours."""
    going, had = sorted(path.name for path in trials.iterdir() if path.is_dir()), {}
    rung = 1
    while True:
        rung = min(rung, seeds)
        had |= dict.fromkeys(going, rung)
        if rung == seeds:
            return had
        figures = []
        for name in going:
            runs = [json.loads((trials / name / f"seed{seed}" / "metrics.json").read_text()) for seed in range(rung)]
            figures.append((-sum(r["val_auc"] for r in runs) / rung, -sum(r["val_acc"] for r in runs) / rung, name))
        count = -(-len(going) // by)
        going = [name for *_, name in sorted(figures)[: count if count > 1 else 2]]
        rung *= by


@pytest.mark.parametrize(
    ("seeds", "by", "rungs"),
    [(5, 3, [1, 3, 5]), (3, 3, [1, 3]), (9, 3, [1, 3, 9]), (10, 3, [1, 3, 9, 10]), (2, 3, [1, 2]), (5, 2, [1, 2, 4, 5]),
     (1, 3, [1]), (5, 0, [5]), (1, 0, [1])],
)  # fmt: skip
def test_a_rung_ends_at_so_many_seeds(seeds: int, by: int, rungs: list[int]) -> None:
    assert halving.seeds_of_rungs(seeds, by) == rungs


@pytest.mark.parametrize(("count", "kept"), [(45, 15), (15, 5), (5, 2), (4, 2), (3, 2), (2, 2), (1, 1), (7, 3)])
def test_one_in_three_goes_on_and_two_at_least(count: int, kept: int) -> None:
    assert halving.kept(count, 3) == kept


def test_a_plan_has_the_runs_of_each_rung() -> None:
    assert halving.planned(45, 5, 3) == [45, 15 * 2, 5 * 2]
    assert halving.planned(45, 5, 0) == [45 * 5]
    assert halving.planned(15, 5, 3, before=1) == [15 * 2, 5 * 2]


def test_the_better_a_trial_looks_the_more_seeds_it_gets(workspace: Workspace) -> None:
    """The decisions against those that are made of the folders alone; the figures against the folders' too."""
    sweep, ended = make_sweep(workspace), list[Job]()
    rungs = run(sweep, ended=ended)
    trials = workspace.trials / "smoke" / SMALL.name
    seeds = expected(trials, SEEDS, BY)
    assert [len(rung) for rung in rungs] == [5, 3, 2]
    assert {name: len(list((trials / name).glob("seed*/metrics.json"))) for name in seeds} == seeds
    assert len(ended) == sum(seeds.values()) == 5 + 3 + 2
    conclusion = sweep.conclude()
    table = pd.read_csv(conclusion.files[0]).set_index("trial")
    assert table["seeds"].to_dict() == seeds
    for name, count in seeds.items():
        values = [
            json.loads((trials / name / f"seed{k}" / "metrics.json").read_text())["val_auc"] for k in range(count)
        ]
        assert table["val_auc"][name] == pytest.approx(sum(values) / count)
        status = "done" if count == SEEDS else f"stopped: after {count} of {SEEDS} seeds, others were better"
        assert table["status"][name] == status
    assert list(table["seeds"]) == sorted(seeds.values(), reverse=True)
    for _, rung in table.groupby("seeds"):
        assert list(rung["val_auc"]) == sorted(rung["val_auc"], reverse=True)
    assert conclusion.winner is not None
    assert conclusion.winner.trial == table.index[0]
    assert (conclusion.winner.done, conclusion.winner.trials, conclusion.left) == (2, 5, 0)
    assert conclusion.winner.search == Search(halve_by=BY)
    scored = {path.parent.parent.name for path in trials.glob("*/seed*/metrics.json") if "test_auc" in path.read_text()}
    assert scored == {conclusion.winner.trial}
    cost = pd.read_csv(conclusion.files[2]).set_index("trial")
    assert cost["runs"].to_dict() == seeds
    took = [job.seconds or 0 for job in sweep.jobs[conclusion.winner.trial]]
    assert cost["seconds"][conclusion.winner.trial] == round(sum(took), 1)


def test_a_search_that_was_killed_goes_on_and_decides_the_same(workspace: Workspace, tmp_path: Path) -> None:
    """Between two rungs, and in the middle of one."""
    whole = make_sweep(workspace)
    run(whole)
    # From here on the same in another folder, with a new object after each kill, as in a new process.
    other = Workspace(tmp_path / "other")
    other.data(SMALL.name).parent.mkdir(parents=True)
    other.data(SMALL.name).write_bytes(workspace.data(SMALL.name).read_bytes())
    assert [len(rung) for rung in run(make_sweep(other), Budget(trials=5))] == [5]
    early = make_sweep(other).conclude()
    assert early.winner is None
    assert early.left == 3 + 2
    assert run(make_sweep(other), Budget(trials=1)) == [[make_sweep(other).rungs()[-1].trials[0].name]]
    assert make_sweep(other).left == 2 + 2
    assert [len(rung) for rung in run(make_sweep(other))] == [2, 2]
    assert make_sweep(other).left == 0
    texts = [[file.read_bytes() for file in make_sweep(place).conclude().files[:2]] for place in (workspace, other)]
    assert texts[0][0] == texts[1][0]
    assert run(make_sweep(other)) == []


def test_what_an_earlier_search_has_run_changes_no_decision(workspace: Workspace) -> None:
    """After the whole grid halving runs nothing, and gives up whom it would have given up."""
    run(make_sweep(workspace, by=0))
    sweep = make_sweep(workspace)
    assert run(sweep) == []
    trials = workspace.trials / "smoke" / SMALL.name
    assert {one.trial.name: len(one.folders) for one in sweep.outcomes()} == expected(trials, SEEDS, BY)


def test_a_trial_without_figures_goes_no_further(workspace: Workspace) -> None:
    sweep = make_sweep(workspace, [BAD, TRIALS[1], TRIALS[2]], by=3)
    assert [len(rung) for rung in run(sweep)] == [3, 2]
    rows = pd.read_csv(sweep.conclude().files[0])
    assert list(rows["status"].str.partition(":")[0]) == ["done", "done", "failed"]
    assert rows["seeds"][2] == 1


def test_where_nobody_can_go_on_the_search_is_over(workspace: Workspace) -> None:
    sweep = make_sweep(workspace, [BAD])
    assert run(sweep) == [["bad"]]
    assert (sweep.left, sweep.conclude().winner) == (0, None)
    assert [one.status_text.partition(":")[0] for one in sweep.outcomes()] == ["failed"]


def test_an_error_of_a_rung_is_tried_again_before_the_next_one(workspace: Workspace) -> None:
    sweep = make_sweep(workspace)
    jobs = [sweep.jobs[one.name][0] for one in TRIALS]
    jobs[0].close(Status(State.ERROR, "its process died"))
    for job in jobs[1:]:
        trial.run(job, CPU)
    assert [[job.config.recipe for job in runs] for runs in sweep.due(asha=False)] == [[TRIALS[0].name]]
    assert sweep.due(asha=False, tried={jobs[0].identity}) != []
    assert [len(rung) for rung in run(sweep)] == [1, 3, 2]


def test_a_dry_run_tells_the_runs_of_each_rung(workspace: Workspace) -> None:
    first = plan(TRIALS, SHARE, workspace, BY)
    assert first.rungs == [5, 3, 2]
    assert "10 runs to make in rungs of 5 + 3 + 2, 1 side by side, about " in str(first)
    assert first.seconds is not None
    assert first.minutes == pytest.approx(10 * first.seconds / 60)
    run(make_sweep(workspace), Budget(trials=5))
    second = plan(TRIALS, SHARE, workspace, BY)
    assert second.rungs == [0, 3, 2]
    run(make_sweep(workspace))
    assert plan(TRIALS, SHARE, workspace, BY).to_run == 0
    workspace.data(SMALL.name).unlink()
    assert plan(TRIALS, SHARE, workspace, BY).rungs == [5, 3, 2]


def test_rungs_run_side_by_side_each(workspace: Workspace) -> None:
    """Of the time that it takes, a rung of two has no use for a third place."""
    made = replace(plan(TRIALS, Share(0.5, 0, 3), workspace, BY), seconds=60.0)
    assert made.side_by_side == 3
    assert made.minutes == pytest.approx(5 / 3 + 3 / 3 + 2 / 2)
