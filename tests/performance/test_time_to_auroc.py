"""Seconds from the start of a process until a stated AUROC on official val, on the real tasks: the suite and two peers.

Each contender trains what is published of it: the suite a recipe of its own, the peers the published baseline's network by
MedMNIST's recipe, and by LibAUC's trainer. Who has not got there after half an hour is ended. Real data alone; the names of the
tasks in `TIME_TO` are raced, all of them where it is unset.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from typing import Any

import pytest

from tests.helpers import ROOT, needs
from tests.performance.time_to_auroc import CONTENDERS, Race

RACES = [
    Race("breastmnist", "breastmnist", 0.90),
    Race("pneumoniamnist_rebuilt", "pneumoniamnist", 0.985),
    Race("adrenalmnist3d", "adrenalmnist3d", 0.83),
    Race("vesselmnist3d", "vesselmnist3d", 0.90),
]
SMALLEST, VOLUMES = RACES[0], RACES[-1]
PEERS = [pytest.param(name, marks=pytest.mark.slow) for name in CONTENDERS if name != "suite"]


def run(race: Race, contender: str) -> list[dict[str, Any]]:
    """The contender's epochs in a process of its own; it ends itself at the target or the limit."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.performance.time_to_auroc",
        json.dumps(asdict(race)),
        contender,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@needs(SMALLEST.file.name)
@pytest.mark.parametrize("contender", ["suite", *PEERS])
def test_every_contender_starts(contender: str) -> None:
    """One epoch each, of the smallest task, so that the race can be run."""
    (row,) = run(replace(SMALLEST, limit_s=0.0), contender)
    assert 0 < row["val_auc"] < 1
    assert row["seconds"] > 0


@needs(VOLUMES.file.name)
@pytest.mark.parametrize("contender", PEERS)
def test_every_peer_takes_volumes(contender: str) -> None:
    """An epoch of theirs takes a quarter of an hour, so they are ended within it, behind the first step."""
    assert run(replace(VOLUMES, limit_s=30.0), contender) == []


@needs(SMALLEST.file.name)
def test_a_contender_is_ended_at_the_limit() -> None:
    assert run(replace(SMALLEST, limit_s=0.001), "suite") == []


@pytest.mark.parametrize("race", [pytest.param(race, marks=needs(race.file.name), id=race.task) for race in RACES])
def test_time_to_a_validation_auroc(benchmark: Any, table: Any, race: Race) -> None:
    wanted = os.environ.get("TIME_TO", "").split()
    if benchmark.disabled or (wanted and race.task not in wanted):
        pytest.skip("up to half an hour a contender; `make bench` runs it")
    found: dict[str, list[dict[str, Any]]] = {}

    def race_all() -> None:
        found.update({contender: run(race, contender) for contender in CONTENDERS})

    benchmark.pedantic(race_all, rounds=1)
    for contender, rows in found.items():
        found_aucs = [row["val_auc"] or 0.0 for row in rows]
        there = bool(rows) and found_aucs[-1] >= race.target
        table(
            "Time to a validation AUROC",
            {
                "task": race.task,
                "val AUROC": race.target,
                "who": f"recipe {race.recipe}" if contender == "suite" else contender,
                "s from the start of the process": f"{rows[-1]['seconds']:.0f}"
                if there
                else f"not within {race.limit_s:.0f}",
                "epochs": len(rows),
                "best val AUROC": f"{max(found_aucs):.3f}" if rows else "none",
            },
        )
