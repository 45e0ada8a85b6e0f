import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark import comparison, statistics
from benchmark.errors import BadInput
from benchmark.report import compare_page
from benchmark.runs import RunFolder, run_folder

LABELS = np.repeat([0, 1], [42, 114]).astype(np.uint8)[:, None]


def write(
    root: Path,
    task: str,
    recipe: str,
    shift: float,
    seeds: int = 3,
    labels: np.ndarray = LABELS,
    profile: str = "quick",
) -> None:
    """Finished runs; the scores of label 1 lie higher by `shift` standard deviations."""
    random = np.random.default_rng(len(recipe) + round(100 * shift))
    image = np.random.default_rng(0).normal(size=labels.shape)
    for seed in range(seeds):
        folder = run_folder(profile, task, recipe, seed, root)
        config = {"stage": "finetune", "tasks": [task], "seed": seed}
        folder.write_record({"status": "done", "config": config, "standin": task.startswith("standin")})
        raw = image + 0.5 * random.normal(size=labels.shape) + shift * labels
        folder.write_scores({"test": (labels, 1 / (1 + np.exp(-raw)))})
        folder.write_metrics({})
        folder.write_history([])
        folder.write_weights({})


def test_better_by_much_is_called_better_and_chance_is_not(tmp_path: Path) -> None:
    for task in ("breastmnist", "vesselmnist3d"):
        write(tmp_path, task, "one", 1.0)
        write(tmp_path, task, "same", 1.0)
        write(tmp_path, task, "far", 2.5)
    one, same, far = (comparison.find(name, "quick", tmp_path) for name in ("one", "same", "far"))
    assert {row.verdict for row in comparison.compare(one, same, 50).rows} == {"not distinguishable"}
    pair = comparison.compare(one, far, 50)
    assert {row.verdict for row in pair.rows} == {"far better"}
    assert pair.ranking.ranks == {"a: one": 2.0, "b: far": 1.0}


def test_rows_hold_the_statistics_of_the_scores(tmp_path: Path) -> None:
    for task, shift in (("breastmnist", 1.0), ("vesselmnist3d", 1.3)):
        write(tmp_path, task, "a", 1.2)
        write(tmp_path, task, "b", shift)
    pair = comparison.compare(*(comparison.find(name, "quick", tmp_path) for name in "ab"), 50)
    expected = []
    for row in pair.rows:
        a, b = (
            np.stack([run_folder("quick", row.task, name, seed, tmp_path).scores()["test"][1] for seed in range(3)])
            for name in "ab"
        )
        assert row.difference == statistics.difference(LABELS, a, b, 50)
        assert (row.a, row.b) == (statistics.over_seeds(LABELS, a), statistics.over_seeds(LABELS, b))
        expected.append(row.difference.p)
    assert [row.p_holm for row in pair.rows] == statistics.holm(expected)


def test_one_seed_decides_nothing(tmp_path: Path) -> None:
    write(tmp_path, "breastmnist", "far", 3.0, seeds=1)
    write(tmp_path, "breastmnist", "near", 0.1, seeds=3)
    (row,) = comparison.compare(*(comparison.find(name, "quick", tmp_path) for name in ("far", "near")), 50).rows
    assert row.difference.p < 0.001
    assert row.verdict == "not decided: one seed"


def test_a_side_can_be_a_run_a_folder_of_seeds_or_a_recipe(tmp_path: Path) -> None:
    write(tmp_path, "breastmnist", "dam", 1.0)
    write(tmp_path, "vesselmnist3d", "dam", 1.0)
    cell = tmp_path / "quick" / "breastmnist" / "dam"
    counts = {
        name: {task: len(found) for task, found in comparison.find(name, "quick", tmp_path).cells.items()}
        for name in ("dam", str(cell), str(cell / "seed1"))
    }
    assert list(counts.values()) == [{"breastmnist": 3, "vesselmnist3d": 3}, {"breastmnist": 3}, {"breastmnist": 1}]


def test_what_is_not_there_is_named_with_what_is(tmp_path: Path) -> None:
    write(tmp_path, "breastmnist", "dam", 1.0)
    RunFolder(tmp_path / "quick" / "breastmnist" / "broken" / "seed0").write_record({"status": "failed: no"})
    for name in ("damm", "broken"):
        with pytest.raises(BadInput, match=f"argument '{name}': no finished run.*profile quick has runs of: .*dam"):
            comparison.find(name, "quick", tmp_path)


def test_other_images_are_not_compared(tmp_path: Path) -> None:
    write(tmp_path, "breastmnist", "a", 1.0)
    write(tmp_path, "breastmnist", "b", 1.0, labels=1 - LABELS)
    with pytest.raises(BadInput, match="other labels in split test"):
        comparison.compare(*(comparison.find(name, "quick", tmp_path) for name in "ab"))


def test_no_common_task(tmp_path: Path) -> None:
    write(tmp_path, "breastmnist", "a", 1.0)
    write(tmp_path, "vesselmnist3d", "b", 1.0)
    with pytest.raises(BadInput, match="no task in common"):
        comparison.compare(*(comparison.find(name, "quick", tmp_path) for name in "ab"))


def test_a_test_split_with_one_positive_image_makes_nobody_better(tmp_path: Path) -> None:
    labels = np.zeros((50, 1), np.uint8)
    labels[7] = 1
    write(tmp_path, "breastmnist", "a", 0.0, labels=labels)
    write(tmp_path, "breastmnist", "other", 0.1, labels=labels)
    (row,) = comparison.compare(*(comparison.find(name, "quick", tmp_path) for name in ("a", "other")), 50).rows
    assert (np.isnan(row.difference.p), np.isnan(row.p_holm)) == (True, True)
    assert row.verdict == "not distinguishable"


def test_a_method_from_elsewhere_has_a_name_as_recipes_have(tmp_path: Path) -> None:
    write(tmp_path / "runs", "breastmnist", "dam", 1.0)
    write(tmp_path, "breastmnist", "my-method", 0.2, profile="external")
    dam, mine = (comparison.find(name, "quick", tmp_path / "runs") for name in ("dam", "my-method"))
    (row,) = comparison.compare(dam, mine, 50).rows
    assert (row.a.mean > row.b.mean, row.difference.seeds) == (True, (3, 3))
    with pytest.raises(BadInput, match=r"has runs of: dam, my-method$"):
        comparison.find("mine", "quick", tmp_path / "runs")


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    write(tmp_path, "breastmnist", "dam", 1.0)
    recipe = comparison.find("dam", "quick", tmp_path)
    seed = comparison.find(str(tmp_path / "quick" / "breastmnist" / "dam" / "seed1"), "quick", tmp_path)
    for one, other in ((recipe, recipe), (recipe, seed)):
        with pytest.raises(BadInput, match=r"both stand for .*dam/seed[01]: a run can't be compared with itself"):
            comparison.compare(one, other)


def test_text_and_page_say_the_same(tmp_path: Path) -> None:
    for task in ("standin-breastmnist", "standin-vesselmnist3d"):
        write(tmp_path, task, "a", 1.0)
        write(tmp_path, task, "b", 1.5)
    write(tmp_path, "standin-adrenalmnist3d", "b", 1.5)
    pair = comparison.compare(*(comparison.find(name, "quick", tmp_path) for name in "ab"), 50)
    text, page = compare_page.text(pair), compare_page.write(pair, tmp_path).read_text()
    for row in pair.rows:
        assert compare_page.interval(row) in page
        assert row.verdict in text
        assert row.verdict in page
    for remark in compare_page.remarks(pair):
        assert remark in text
    assert "STAND-IN DATA, NOT A RESULT" in text
    assert "STAND-IN DATA, NOT A RESULT" in page
    assert "standin-adrenalmnist3d" in text


def test_the_figures_of_a_side_are_printed_and_kept(tmp_path: Path) -> None:
    write(tmp_path, "breastmnist", "dam", 1.0, seeds=2)
    runs, table = tmp_path / "quick" / "breastmnist" / "dam", tmp_path / "figures.csv"
    command = [sys.executable, "-m", "pipelines.figures", str(runs), "--csv", str(table)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept = pd.read_csv(table)
    assert kept[["task", "seed", "split", "label"]].values.tolist() == [
        ["breastmnist", seed, "test", "all"] for seed in (0, 1)
    ]
    labels, scores = run_folder("quick", "breastmnist", "dam", 1, tmp_path).scores()["test"]
    assert kept["auroc"][1] == pytest.approx(statistics.delong(labels, scores).value)
    assert f"{kept['auroc'][1]:.4f}" in done.stdout


@pytest.mark.parametrize("module", ["compare", "figures"])
def test_the_command_line_says_in_one_sentence_what_is_not_there(module: str) -> None:
    others = ["dam"] if module == "compare" else []
    command = [sys.executable, "-m", f"pipelines.{module}", "no-such-recipe", *others]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: argument 'no-such-recipe': no finished run")
