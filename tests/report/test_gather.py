"""What the report shows: figures against independent computation, and nothing left out silently."""

from typing import Any

import numpy as np
import pytest
from medmnist.evaluator import getACC, getAUC
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score

from benchmark.config.tasks import STAMP
from benchmark.core.terms import Dimension
from benchmark.evaluation import statistics
from benchmark.evaluation.comparison import Answer
from benchmark.published.table import for_task
from benchmark.published.verdict import comparable, judge
from benchmark.report import standing, wording
from benchmark.report.discussion import discussion
from benchmark.report.gather import collect
from benchmark.report.model import Comparison
from benchmark.report.table import table_text
from benchmark.runs.scores import metrics
from benchmark.runs.status import State
from benchmark.runs.workspace import Workspace
from tests.helpers import find, from_elsewhere
from tests.report.conftest import Sample
from tests.report.parts import (
    PROFILE,
    RECIPES,
    cell,
    make,
    markdown_of,
    page_of,
    part,
    sample_params,
    write_run,
    write_sample,
)


def test_figures_are_not_those_of_a_run_folders_metrics_file(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    folder = write_run(params, workspace, "breastmnist", "dam")
    folder.write_metrics({"test_auc": 0.123})
    folder.seal(folder.record())
    labels, scores = folder.scores()["test"]
    found = cell(make(params, workspace), "breastmnist", "dam").figures["test_auc"].mean
    assert found == pytest.approx(roc_auc_score(labels[:, 0], scores[:, 0]))
    assert "0.123" not in markdown_of(workspace)


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("recipe", RECIPES[:2])
def test_figures_of_a_binary_task_equal_scikit_learns(sample: Sample, recipe: str, split: str) -> None:
    comparison, workspace = sample
    aucs, accs = [], []
    for seed in (0, 1):
        labels, scores = workspace.run(PROFILE, "breastmnist", recipe, seed).scores()[split]
        aucs.append(roc_auc_score(labels[:, 0], scores[:, 0]))
        accs.append(accuracy_score(labels[:, 0], scores[:, 0] > 0.5))
    figures = cell(comparison, "breastmnist", recipe).figures
    assert figures[f"{split}_auc"].mean == pytest.approx(sum(aucs) / 2, abs=1e-12)
    assert figures[f"{split}_auc"].spread == pytest.approx(abs(aucs[0] - aucs[1]) / 2**0.5, abs=1e-12)
    assert figures[f"{split}_acc"].mean == pytest.approx(sum(accs) / 2, abs=1e-12)


def test_figures_of_fourteen_labels_equal_medmnists(sample: Sample) -> None:
    comparison, workspace = sample
    seeds = [workspace.run(PROFILE, "chestmnist", "dam", seed).scores()["test"] for seed in (0, 1)]
    assert seeds[0][0].shape[1] == 14
    kind = "multi-label, binary-class"
    figures = cell(comparison, "chestmnist", "dam").figures
    assert figures["test_auc"].mean == pytest.approx(np.mean([getAUC(*one, kind) for one in seeds]), abs=1e-12)
    assert figures["test_acc"].mean == pytest.approx(np.mean([getACC(*one, kind) for one in seeds]), abs=1e-12)


def test_the_difference_is_ours_minus_published(sample: Sample) -> None:
    one = part(sample[0], "breastmnist")
    ours = one.cells[0].figures["test_auc"].mean
    assert one.delta(one.cells[0], one.readme) == pytest.approx(ours - 0.9121)
    assert one.delta(one.cells[0], one.baseline) == pytest.approx(ours - 0.901)
    chest = part(sample[0], "chestmnist")
    assert chest.delta(chest.cells[0], chest.readme) is None


def test_the_majority_rate_is_that_of_the_test_labels(sample: Sample) -> None:
    labels, _ = sample[1].run(PROFILE, "breastmnist", "dam", 0).scores()["test"]
    zeros = (labels == 0).mean()
    assert part(sample[0], "breastmnist").majority == pytest.approx(max(zeros, 1 - zeros))


def test_intervals_verdicts_and_measures_are_those_of_the_scores(sample: Sample) -> None:
    one, task = cell(sample[0], "breastmnist", "readme"), part(sample[0], "breastmnist")
    labels = one.done[0].folder.scores()["test"][0]
    stack = np.stack([run.folder.scores()["test"][1] for run in one.done])
    over = statistics.over_seeds(labels, stack)
    assert one.numbers is not None
    assert one.numbers.over == over
    trained = one.done[0].trained
    assert trained is not None
    for reference in standing.references(task):
        among = comparable(for_task("breastmnist"), task.task) if reference.name.startswith("best") else ()
        expected = judge(reference.row, over, task.task, str(trained.config.network), among=among)
        assert standing.judgement(task, one, reference.row, reference.among) == expected
    run = one.done[0].numbers
    assert run is not None
    assert run.bootstrap == statistics.bootstrap(labels, stack[0])
    assert run.measures["brier"] == pytest.approx(brier_score_loss(labels[:, 0], stack[0][:, 0]))


def test_recipes_are_compared_in_pairs_with_holms_correction(sample: Sample) -> None:
    """Of all pairs on all tasks together; where a side has one seed there is no test."""
    pairs = sample[0].pairs
    assert [row.task for row in pairs["readme", "medmnist"].rows] == ["breastmnist", "chestmnist"]
    rows = [row for pair in pairs.values() for row in pair.rows]
    assert [row.p_holm for row in rows] == pytest.approx(
        statistics.holm([row.difference.p for row in rows]), nan_ok=True
    )
    assert sum(np.isfinite(row.p_holm) for row in rows) == 4
    assert {row.answer for row in rows if np.isnan(row.p_holm)} == {Answer.ONE_SEED}


def test_a_recipe_that_differs_by_chance_alone_is_never_called_better(workspace: Workspace) -> None:
    """The sample's recipes have scores of the same distribution; one seed less decides nothing at all."""
    params = sample_params(("breastmnist",))
    write_sample(params, workspace, ("breastmnist",), seeds=(0, 1, 2))
    comparison = collect(params, PROFILE, workspace)
    answers = {row.answer for pair in comparison.pairs.values() for row in pair.rows}
    assert answers == {Answer.NOT_DISTINGUISHABLE}
    assert not any("better" in sentence for sentence in discussion(comparison))


# ------------------------------------------------------------------------------------------------ what is missing


def test_every_cell_has_figures_or_a_reason(sample: Sample) -> None:
    assert sample[0].missing == [
        ("breastmnist", "dam", "seed 1: failed: loss <not> finite"),
        ("vesselmnist3d", "medmnist", "seed 0: failed: out | of memory"),
        ("vesselmnist3d", "dam", "refused: binary tasks only"),
        ("nodulemnist3d", "every recipe", "not run: data not reachable"),
        ("pneumoniamnist_rebuilt", "every recipe", "not run: data not reachable"),
    ]


def test_every_cell_has_its_state(sample: Sample) -> None:
    states = {
        name: [one.status.state for one in part(sample[0], name).cells] for name in ("breastmnist", "vesselmnist3d")
    }
    assert states == {
        "breastmnist": [State.DONE, State.DONE, State.DONE],
        "vesselmnist3d": [State.DONE, State.FAILED, State.REFUSED],
    }
    assert str(cell(sample[0], "vesselmnist3d", "medmnist").status) == "failed: out | of memory"


def test_a_failed_seed_is_no_part_of_the_mean(sample: Sample) -> None:
    one = cell(sample[0], "breastmnist", "dam")
    assert (one.status.is_done, one.figures["test_auc"].seeds, one.figures["test_auc"].spread) == (True, 1, None)


def test_reasons_are_escaped_and_shown(page: str, markdown: str) -> None:
    assert "failed: loss &lt;not&gt; finite" in page
    assert "failed: loss &lt;not&gt; finite" in markdown
    assert r"failed: out \| of memory" in markdown


def test_without_any_run_every_cell_is_not_run(workspace: Workspace) -> None:
    comparison = make(sample_params(("breastmnist", "chestmnist")), workspace)
    assert {one.status.state for task in comparison.tasks for one in task.cells} == {State.NOT_RUN}
    page = page_of(workspace)
    assert "0 of 6 cells" in page
    assert "No run of this profile is on disk." in page
    assert STAMP not in page
    assert "0.9121" in page


def test_a_run_that_lost_its_scores_is_said(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    (write_run(params, workspace, "breastmnist", "dam").path / "scores.npz").unlink()
    assert ("breastmnist", "dam", "seed 0: not finished: without scores.npz") in collect(
        params, PROFILE, workspace
    ).missing


def test_a_run_whose_scores_were_edited_is_named_and_left_out(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    folder = write_run(params, workspace, "breastmnist", "dam")
    scores = folder.scores()
    folder.write_scores(scores | {"test": (scores["test"][0], scores["test"][0].astype(float))})  # AUROC 1
    comparison = collect(params, PROFILE, workspace)
    assert ("breastmnist", "dam", "seed 0: damaged: scores.npz: not what the run has made") in comparison.missing
    assert not cell(comparison, "breastmnist", "dam").done
    assert "1.000" not in table_text(comparison)


def test_a_run_that_is_under_way_or_was_killed_is_not_finished(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    write_run(params, workspace, "breastmnist", "dam", status="running")
    comparison = make(params, workspace)
    assert cell(comparison, "breastmnist", "dam").status.state is State.NOT_FINISHED
    assert ("breastmnist", "dam", "seed 0: not finished") in comparison.missing
    assert "not finished" in table_text(comparison)
    assert '<td class="missing">not finished</td>' in page_of(workspace)


def test_one_class_only_is_called_undefined(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    folder = write_run(params, workspace, "breastmnist", "dam")
    folder.write_scores({"test": (np.zeros((5, 1)), np.linspace(0, 1, 5)[:, None])})
    folder.seal(folder.record())
    assert "undefined" in table_text(collect(params, PROFILE, workspace))


# ------------------------------------------------------------------------------------------------ damaged runs


@pytest.mark.parametrize("content", ["{", "[]", '{"status": "done"}'])
def test_a_damaged_record_is_shown_with_its_reason_and_stops_nothing(workspace: Workspace, content: str) -> None:
    params = sample_params(("breastmnist",))
    write_sample(params, workspace, ("breastmnist",))
    sound = make(params, workspace)
    broken = workspace.run(PROFILE, "breastmnist", "dam", 0).path / "run.json"
    broken.write_text(content)
    comparison = make(params, workspace)
    dam, figures = cell(comparison, "breastmnist", "dam"), cell(sound, "breastmnist", "dam").done
    assert [run.status.state for run in dam.runs] == [State.DAMAGED, State.DONE]
    assert dam.figures["test_auc"].mean == figures[1].metrics["test_auc"]
    assert cell(comparison, "breastmnist", "readme").figures == cell(sound, "breastmnist", "readme").figures
    ((task, recipe, problem),) = comparison.missing
    assert (task, recipe) == ("breastmnist", "dam")
    assert problem.startswith(f"damaged: {broken}: ")
    for text in (table_text(comparison), markdown_of(workspace), page_of(workspace)):
        assert f"damaged: {broken}" in text
    assert "runs/quick/breastmnist/dam/seed0" in page_of(workspace)


def test_a_cell_of_damaged_runs_alone_is_damaged(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    (write_run(params, workspace, "breastmnist", "dam").path / "run.json").write_text("{")
    comparison = make(params, workspace)
    assert cell(comparison, "breastmnist", "dam").status.state is State.DAMAGED
    assert '<td class="missing">damaged</td>' in page_of(workspace)


def test_damaged_trunks_and_predictions_from_elsewhere_stop_nothing_either(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    write_run(params, workspace, "breastmnist", "readme")
    for folder in (workspace.trunk(PROFILE, Dimension.D2), workspace.given("breastmnist", "mine", 0)):
        folder.path.mkdir(parents=True)
        (folder.path / "run.json").write_text("{")
    comparison = make(params, workspace)
    assert comparison.trunks[Dimension.D2].status.state is State.DAMAGED
    assert cell(comparison, "breastmnist", "mine").status.state is State.DAMAGED
    assert page_of(workspace).count("damaged: ") == 4  # the trunk's, and the method's as reason, cell and origin


# ------------------------------------------------------------------------------------------------ from elsewhere


def given(workspace: Workspace, comparison: Comparison, method: str, seed: int, **stated: Any) -> None:
    """The scores of a recipe's run, as if another program had made them."""
    folder = workspace.given("breastmnist", method, seed)
    scores = cell(comparison, "breastmnist", "readme").done[seed].folder.scores()
    folder.write_scores(scores)
    folder.write_metrics(metrics(scores))
    folder.seal(from_elsewhere(find("breastmnist").md5 or "", recipe=method, seed=seed, **stated))


def test_a_run_of_another_data_file_has_no_figure_beside_the_others(workspace: Workspace) -> None:
    """As where the task's file was changed after a method was scored on it."""
    params = sample_params(("breastmnist",))
    write_sample(params, workspace, ("breastmnist",))
    write_run(params, workspace, "breastmnist", "dam", 1, data_md5={"breastmnist": "0" * 32})
    comparison = make(params, workspace)
    found = cell(comparison, "breastmnist", "dam")
    assert [run.seed for run in found.done] == [0]
    assert "is of another data file than the task's" in " ".join(found.problems)
    assert "is of another data file" in page_of(workspace)


def test_methods_from_elsewhere_are_further_columns(workspace: Workspace) -> None:
    params = sample_params(("breastmnist", "vesselmnist3d"))
    write_sample(params, workspace, ("breastmnist",))
    ours = make(params, workspace)
    for seed in (0, 1):
        given(workspace, ours, "mine", seed, note="by hand")
    given(workspace, ours, "another", 0)
    comparison = make(params, workspace)
    assert list(comparison.recipes)[3:] == list(comparison.external) == ["another", "mine"]
    assert comparison.recipes["mine"] == "predictions from elsewhere; by hand"
    mine = cell(comparison, "breastmnist", "mine")
    assert mine.figures == cell(comparison, "breastmnist", "readme").figures
    assert cell(comparison, "vesselmnist3d", "mine").status.state is State.NOT_GIVEN
    assert "5 of 8 cells" in page_of(workspace)
    assert comparison.missing == [("vesselmnist3d", "every recipe", "not run")]
    assert wording.measured(mine.figures["test_auc"]) in table_text(comparison)


def test_a_method_of_another_image_size_and_external_weights_is_set_beside_nothing_published(
    workspace: Workspace,
) -> None:
    params = sample_params(("breastmnist",))
    write_sample(params, workspace, ("breastmnist",))
    ours = make(params, workspace)
    for seed in (0, 1):
        given(workspace, ours, "large", seed, pixels=224, external_weights="ImageNet")
        given(workspace, ours, "silent", seed)
    comparison = make(params, workspace)
    one, large, silent = (
        part(comparison, "breastmnist"),
        *(cell(comparison, "breastmnist", name) for name in ("large", "silent")),
    )
    assert one.delta(large, one.readme) is None
    assert one.delta(silent, one.readme) == one.delta(cell(comparison, "breastmnist", "readme"), one.readme)
    for reference in standing.references(one):
        judged = standing.judgement(one, large, reference.row, reference.among)
        assert judged is not None
        assert judged.reason == "Not comparable: ours starts from external weights (ImageNet)."
        said = standing.judgement(one, silent, reference.row, reference.among)
        assert said is not None
        assert "; ours leaves open: image size, external weights" in said.reason
    page = page_of(workspace)
    assert page.count("Not comparable: ours starts from external weights (ImageNet).") == 3
    assert "large: image size 224, external weights ImageNet, as given" in page
    assert "silent: image size not stated, external weights not stated, as given" in page
