"""What became of trials, and which of them has won."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Seconds
from benchmark.runs.status import DONE, NOT_RUN, State, Status
from benchmark.sweep import outcome
from benchmark.sweep.outcome import Outcome
from tests.sweep.parts import make_outcome

FAILED = Status(State.FAILED, "loss not finite")


def test_the_winner_is_the_best_by_validation_then_accuracy_then_name(tmp_path: Path) -> None:
    names = {
        "c-equal": [(0.8, 0.7)],
        "b-equal": [(0.8, 0.7)],
        "a-less-accurate": [(0.8, 0.6)],
        "worse": [(0.7, 0.99)],
    }
    outcomes = [make_outcome(tmp_path, name, val) for name, val in names.items()]
    failed = make_outcome(tmp_path, "a-failed", [(0.9, 0.9)], FAILED)
    undefined = make_outcome(tmp_path, "a-undefined", [(float("nan"), 0.9)])
    ranked = [one.trial.name for one in outcome.rank([undefined, failed, *outcomes])]
    assert ranked == ["b-equal", "c-equal", "a-less-accurate", "worse", "a-failed", "a-undefined"]
    assert outcome.choose([undefined, failed]) is None


def test_means_and_spreads_are_over_the_seeds(tmp_path: Path) -> None:
    values = [(0.7, 0.6), (0.9, 0.8), (0.95, 0.7)]
    row = outcome.table([make_outcome(tmp_path, "one", values)]).iloc[0]
    assert row["val_auc"] == pytest.approx(np.mean([0.7, 0.9, 0.95]))
    assert row["val_auc_sd"] == pytest.approx(np.std([0.7, 0.9, 0.95], ddof=1))
    assert row["seeds"] == 3


def test_a_trial_without_figures_keeps_its_row_with_the_reason(tmp_path: Path) -> None:
    rows = outcome.table([make_outcome(tmp_path, "one", [(0.5, 0.5)], FAILED)])
    assert list(rows.columns) == [
        *("trial", "loss", "optimizer", "lr", "momentum", "weight_decay"),
        *("seeds", "val_auc", "val_auc_sd", "val_acc", "status"),
    ]
    assert rows.iloc[0]["status"] == "failed: loss not finite"
    assert np.isnan(rows.iloc[0]["val_auc"])


def test_of_several_seeds_the_row_names_those_that_are_not_done(tmp_path: Path) -> None:
    trial = make_outcome(tmp_path, "one", [(0.5, 0.5)] * 3).trial
    folders = tuple(RunFolder(tmp_path / str(seed)) for seed in range(3))
    assert (
        Outcome(trial, folders, (DONE, FAILED, NOT_RUN)).status_text
        == "seed 1: failed: loss not finite; seed 2: not run"
    )
    assert Outcome(trial, folders, (DONE, DONE, DONE)).status_text == "done"
    assert not Outcome(trial, folders, (DONE, DONE, NOT_RUN)).is_done


def test_what_was_given_up_ranks_below_all_that_went_further_and_never_wins(tmp_path: Path) -> None:
    going = make_outcome(tmp_path, "went-on", [(0.6, 0.5)] * 3)
    middle = make_outcome(tmp_path, "second", [(0.7, 0.5)] * 2)
    early = [make_outcome(tmp_path, name, [(auc, 0.5)]) for name, auc in (("first", 0.8), ("first-better", 0.9))]
    failed = make_outcome(tmp_path, "failed", [(0.99, 0.5)] * 3, FAILED)
    dropped = [replace(one, given_up=True) for one in (middle, *early)]
    ranked = [one.trial.name for one in outcome.rank([failed, *dropped, going])]
    assert ranked == ["went-on", "second", "first-better", "first", "failed"]
    chosen = outcome.choose([failed, *dropped, going])
    assert chosen is not None
    assert chosen.trial.name == "went-on"
    assert outcome.choose([*dropped, failed]) is None


def test_the_cost_of_a_trial_is_that_of_all_its_runs(tmp_path: Path) -> None:
    one = make_outcome(tmp_path, "one", [(0.6, 0.5)] * 2)
    for folder, seconds, commit in zip(one.folders, (1.26, 2.0), ("aaa", "bbb"), strict=True):
        for name in ("history.csv", "scores.npz", "model.safetensors"):
            (folder.path / name).touch()
        record = folder.trained()
        code, took = record.code.model_copy(update={"commit": commit}), Seconds(train=1.0, total=seconds)
        folder.seal(record.model_copy(update={"code": code, "seconds": took}))
    (row,) = outcome.costs([one]).to_dict("records")
    assert tuple(row) == outcome.COSTS
    assert (row["trial"], row["runs"], row["seconds"], row["commit"]) == ("one", 2, 3.3, "aaa; bbb")
    assert (row["cpu"], row["threads"]) == ("a processor", "2")
