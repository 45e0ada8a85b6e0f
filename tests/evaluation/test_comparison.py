"""Two methods on the same images: the rule by which one is called better, and what a side may be."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.core.errors import BadInput, DamagedRun
from benchmark.evaluation import comparison, placements, statistics
from benchmark.evaluation.comparison import Answer, Side
from benchmark.runs.workspace import Workspace
from tests.evaluation.parts import LABELS, PROFILE, write


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def sides(workspace: Workspace, *names: str) -> list[Side]:
    return [comparison.find(name, PROFILE, workspace) for name in names]


def test_better_by_much_is_called_better_and_chance_is_not(workspace: Workspace) -> None:
    for task in ("breastmnist", "vesselmnist3d"):
        write(workspace, task, "one", 1.0)
        write(workspace, task, "same", 1.0)
        write(workspace, task, "far", 2.5)
    one, same, far = sides(workspace, "one", "same", "far")
    assert {row.answer for row in comparison.compare(one, same, 50).rows} == {Answer.NOT_DISTINGUISHABLE}
    pair = comparison.compare(one, far, 50)
    assert {row.answer for row in pair.rows} == {Answer.B_BETTER}
    assert {row.answer for row in comparison.compare(far, one, 50).rows} == {Answer.A_BETTER}
    assert pair.ranking.ranks == {"a": 2.0, "b": 1.0}


def test_rows_hold_the_statistics_of_the_scores(workspace: Workspace) -> None:
    for task, shift in (("breastmnist", 1.0), ("vesselmnist3d", 1.3)):
        write(workspace, task, "a", 1.2)
        write(workspace, task, "b", shift)
    pair = comparison.compare(*sides(workspace, "a", "b"), 50)
    expected = []
    for row in pair.rows:
        a, b = (
            np.stack([workspace.run(PROFILE, row.task, name, seed).scores()["test"][1] for seed in range(3)])
            for name in "ab"
        )
        assert row.difference == statistics.difference(LABELS, a, b, 50)
        assert (row.a, row.b) == (statistics.over_seeds(LABELS, a), statistics.over_seeds(LABELS, b))
        expected.append(row.difference.p)
    assert [row.p_holm for row in pair.rows] == statistics.holm(expected)


def test_one_seed_decides_nothing(workspace: Workspace) -> None:
    write(workspace, "breastmnist", "far", 3.0, seeds=1)
    write(workspace, "breastmnist", "near", 0.1, seeds=3)
    (row,) = comparison.compare(*sides(workspace, "far", "near"), 50).rows
    assert row.difference.p_images < 0.001
    assert np.isnan([row.difference.p, row.p_holm]).all()
    assert row.answer is Answer.ONE_SEED


def test_all_pairs_and_tasks_are_corrected_together() -> None:
    family = {
        names: {task: measured(shift) for task, shift in (("x", 0.0), ("y", 0.35))}
        for names in (("a", "b"), ("a", "c"), ("b", "c"))
    }
    pairs = comparison.judge(family, {"x"})
    raw = [figures[2].p for tasks in family.values() for figures in tasks.values()]
    assert [row.p_holm for pair in pairs for row in pair.rows] == statistics.holm(raw)
    assert [(pair.a, pair.b) for pair in pairs] == list(family)
    assert [row.standin for pair in pairs for row in pair.rows] == [True, False] * 3


def measured(shift: float, random: np.random.Generator | None = None, seeds: int = 3) -> comparison.Measured:
    """Two sides on one task; the scores of the first lie higher for label 1 by `shift` standard deviations."""
    random = random or np.random.default_rng(0)
    image = random.normal(size=LABELS.shape)
    spread = 1.5 + random.normal(0, 0.1, (2, seeds, 1, 1)) + np.array([shift, 0.0])[:, None, None, None]
    a, b = np.sqrt(0.8) * image + np.sqrt(0.2) * random.normal(size=(2, seeds, *LABELS.shape)) + spread * LABELS
    sides = [placements.placements(LABELS, side) for side in (a, b)]
    return statistics.summary(sides[0]), statistics.summary(sides[1]), statistics.paired(*sides)


@pytest.mark.slow
def test_two_equal_recipes_on_one_task_are_told_apart_in_three_of_a_hundred() -> None:
    random = np.random.default_rng(1)
    pairs = [comparison.judge({("a", "b"): {"x": measured(0, random, seeds=5)}}, ())[0] for _ in range(2000)]
    told = [row.answer is not Answer.NOT_DISTINGUISHABLE for pair in pairs for row in pair.rows]
    assert 0.022 <= np.mean(told) <= 0.038


@pytest.mark.slow
def test_a_report_of_equal_recipes_calls_one_better_in_less_than_one_of_twenty() -> None:
    """Four recipes, so six pairs, on four tasks, five seeds each; corrected within a pair it would be more."""
    random, wrong, by_pair = np.random.default_rng(0), [], []
    for _ in range(400):
        family = {(str(pair), "other"): {task: measured(0, random, seeds=5) for task in "wxyz"} for pair in range(6)}
        answers = {row.answer for pair in comparison.judge(family, ()) for row in pair.rows}
        wrong.append(answers != {Answer.NOT_DISTINGUISHABLE})
        each = [comparison.judge({names: tasks}, ())[0] for names, tasks in family.items()]
        by_pair.append(any(row.answer is not Answer.NOT_DISTINGUISHABLE for pair in each for row in pair.rows))
    assert np.mean(wrong) <= 0.0125  # less than one of a hundred, and what 400 draws may add
    assert np.mean(by_pair) > 0.03


def test_a_test_split_with_one_positive_image_makes_nobody_better(workspace: Workspace) -> None:
    labels = np.zeros((50, 1), np.uint8)
    labels[7] = 1
    write(workspace, "breastmnist", "a", 0.0, labels=labels)
    write(workspace, "breastmnist", "other", 0.1, labels=labels)
    (row,) = comparison.compare(*sides(workspace, "a", "other"), 50).rows
    assert (np.isnan(row.difference.p), np.isnan(row.p_holm)) == (True, True)
    assert row.answer is Answer.NOT_DISTINGUISHABLE


def test_a_test_split_of_one_class_leaves_it_undefined(workspace: Workspace) -> None:
    for name in "ab":
        write(workspace, "breastmnist", name, 0.0, labels=np.zeros((50, 1), np.uint8))
    (row,) = comparison.compare(*sides(workspace, "a", "b"), 0).rows
    assert row.answer is Answer.UNDEFINED


# ------------------------------------------------------------------------------------------------ sides


def test_a_side_can_be_a_run_a_folder_of_seeds_or_a_recipe(workspace: Workspace) -> None:
    write(workspace, "breastmnist", "dam", 1.0)
    write(workspace, "vesselmnist3d", "dam", 1.0)
    cell = workspace.cell(PROFILE, "breastmnist", "dam")
    counts = [
        {task: len(runs) for task, runs in side.cells.items()}
        for side in sides(workspace, "dam", str(cell), str(cell / "seed1"))
    ]
    assert counts == [{"breastmnist": 3, "vesselmnist3d": 3}, {"breastmnist": 3}, {"breastmnist": 1}]


def test_the_seeds_of_a_side_are_in_the_order_of_their_numbers(workspace: Workspace) -> None:
    write(workspace, "breastmnist", "dam", 1.0, seeds=12)
    (side,) = sides(workspace, "dam")
    assert [folder.record().config.seed for folder in side.cells["breastmnist"]] == list(range(12))


def test_what_is_not_there_is_named_with_what_is(workspace: Workspace) -> None:
    write(workspace, "breastmnist", "dam", 1.0)
    write(workspace, "breastmnist", "broken", 1.0, seeds=1, status="failed: no")
    for name in ("damm", "broken"):
        with pytest.raises(BadInput, match=rf"^{name}: no finished run.*profile quick has runs of: broken, dam$"):
            comparison.find(name, PROFILE, workspace)


def test_a_damaged_run_of_a_side_is_not_left_out_in_silence(workspace: Workspace) -> None:
    write(workspace, "breastmnist", "dam", 1.0)
    write(workspace, "breastmnist", "other", 1.0)
    (workspace.run(PROFILE, "breastmnist", "dam", 1).path / "run.json").write_text("{")
    with pytest.raises(DamagedRun, match=r"dam/seed1/run\.json"):
        comparison.find("dam", PROFILE, workspace)
    assert len(comparison.find("other", PROFILE, workspace).cells["breastmnist"]) == 3


def test_other_images_are_not_compared(workspace: Workspace) -> None:
    write(workspace, "breastmnist", "a", 1.0)
    write(workspace, "breastmnist", "b", 1.0, labels=1 - LABELS)
    with pytest.raises(BadInput, match="other labels in split test"):
        comparison.compare(*sides(workspace, "a", "b"))


def test_no_common_task(workspace: Workspace) -> None:
    write(workspace, "breastmnist", "a", 1.0)
    write(workspace, "vesselmnist3d", "b", 1.0)
    with pytest.raises(BadInput, match="no task in common"):
        comparison.compare(*sides(workspace, "a", "b"))


def test_a_method_from_elsewhere_has_a_name_as_recipes_have(workspace: Workspace) -> None:
    write(workspace, "breastmnist", "dam", 1.0)
    write(workspace, "breastmnist", "my-method", 0.2, given=True)
    (row,) = comparison.compare(*sides(workspace, "dam", "my-method"), 50).rows
    assert (row.a.mean > row.b.mean, row.difference.seeds) == (True, (3, 3))
    with pytest.raises(BadInput, match=r"has runs of: dam, my-method$"):
        comparison.find("mine", PROFILE, workspace)


def test_a_run_is_not_compared_with_itself(workspace: Workspace) -> None:
    write(workspace, "breastmnist", "dam", 1.0)
    seed = str(workspace.run(PROFILE, "breastmnist", "dam", 1).path)
    for one, other in (("dam", "dam"), ("dam", seed)):
        with pytest.raises(BadInput, match=r"both stand for .*dam/seed[01]: a run can't be compared with itself"):
            comparison.compare(*sides(workspace, one, other))
