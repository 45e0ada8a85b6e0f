"""Seconds from the start of a process until a stated AUROC on official val, on the real tasks: the suite and two peers.

Each contender trains what is published of it: the suite a recipe of its own, the peers the published baseline's network by
MedMNIST's recipe, and by LibAUC's trainer. Who has not got there after half an hour is ended. Real data alone; the names of the
tasks in `TIME_TO` are raced, all of them where it is unset.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import REAL, ROOT
from tests.performance.time_to_auroc import CONTENDERS, Race

LIMIT_S = 1800.0
RECIPE, PROFILE = "plain", "search"
RACES = [
    Race("breastmnist", "breastmnist", "breastmnist.npz", 0.90, RECIPE, PROFILE, LIMIT_S),
    Race("pneumoniamnist_rebuilt", "pneumoniamnist", "pneumoniamnist_rebuilt.npz", 0.985, RECIPE, PROFILE, LIMIT_S),
    Race("adrenalmnist3d", "adrenalmnist3d", "adrenalmnist3d.npz", 0.83, RECIPE, PROFILE, LIMIT_S),
    Race("vesselmnist3d", "vesselmnist3d", "vesselmnist3d.npz", 0.90, RECIPE, PROFILE, LIMIT_S),
]


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
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in CONTENDERS if name != "suite"]


@pytest.mark.parametrize("contender", ["suite", *SLOW])
def test_every_contender_starts(contender: str, tmp_path: Path) -> None:
    """One epoch each, of the smallest task, so that the race can be run."""
    if not (REAL / RACES[0].file).is_file():
        pytest.skip("the real file is not here")
    race = Race(**{**asdict(RACES[0]), "file": str(REAL / RACES[0].file), "limit_s": 0.0})
    (row,) = run(race, contender)
    assert 0 < row["val_auc"] < 1
    assert row["seconds"] > 0


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.task)
def test_time_to_a_validation_auroc(benchmark: Any, table: Any, race: Race) -> None:
    wanted = os.environ.get("TIME_TO", "").split()
    if benchmark.disabled or (wanted and race.task not in wanted):
        pytest.skip("up to half an hour a contender; `make bench` runs it")
    if not (REAL / race.file).is_file():
        pytest.skip("the real file is not here")
    here = Race(**{**asdict(race), "file": str(REAL / race.file)})
    found: dict[str, list[dict[str, Any]]] = {}

    def race_all() -> None:
        found.update({contender: run(here, contender) for contender in CONTENDERS})

    benchmark.pedantic(race_all, rounds=1)
    for contender, rows in found.items():
        last, best = rows[-1], max(row["val_auc"] or 0.0 for row in rows)
        there = (last["val_auc"] or 0.0) >= race.target
        table(
            "Time to a validation AUROC",
            {
                "task": race.task,
                "val AUROC": race.target,
                "who": f"recipe {race.recipe}" if contender == "suite" else contender,
                "s from the start of the process": f"{last['seconds']:.0f}"
                if there
                else f"not within {last['seconds']:.0f}",
                "epochs": len(rows),
                "best val AUROC": f"{best:.3f}",
            },
        )
