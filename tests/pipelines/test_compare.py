"""The commands that compare two methods, or print the figures of one."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmark.evaluation import statistics
from benchmark.runs.workspace import Workspace
from benchmark.tracking.card import Card
from tests.evaluation.parts import PROFILE, write
from tests.helpers import find
from tests.tracking.parts import finished


def test_the_figures_of_a_side_are_printed_and_kept(tmp_path: Path) -> None:
    workspace, table = Workspace(tmp_path), tmp_path / "figures.csv"
    write(workspace, "breastmnist", "dam", 1.0, seeds=2)
    runs = workspace.cell(PROFILE, "breastmnist", "dam")
    command = [sys.executable, "-m", "pipelines.figures", str(runs), "--csv", str(table)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept = pd.read_csv(table)
    assert kept[["task", "seed", "split", "label"]].values.tolist() == [
        ["breastmnist", seed, "test", "all"] for seed in (0, 1)
    ]
    labels, scores = workspace.run(PROFILE, "breastmnist", "dam", 1).scores()["test"]
    assert kept["auroc"][1] == pytest.approx(statistics.delong(labels, scores).value)
    assert f"{kept['auroc'][1]:.4f}" in done.stdout


def test_the_model_cards_of_a_side_are_written_to_a_folder(tmp_path: Path) -> None:
    seeds = [finished(Workspace(tmp_path), "breastmnist", "dam", seed) for seed in (0, 1)]
    out = tmp_path / "cards"
    command = [sys.executable, "-m", "pipelines.figures", str(seeds[0].path.parent), "--cards", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for number, folder in enumerate(seeds):
        written = out / f"breastmnist-dam-seed{number}.md"
        assert written.read_text(encoding="utf-8") == Card(folder, find("breastmnist"), seeds).whole()
        assert f"model card: {written}" in done.stdout


@pytest.mark.parametrize("module", ["compare", "figures"])
def test_the_command_line_says_in_one_sentence_what_is_not_there(module: str) -> None:
    others = ["dam"] if module == "compare" else []
    command = [sys.executable, "-m", f"pipelines.{module}", "no-such-recipe", *others]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no-such-recipe: no finished run")
