"""Cross-fitted recipes and ensembles in the report: out of fold where it says so, marked everywhere."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.config.params import EnsembleSection, Params
from benchmark.config.recipes import Ensemble
from benchmark.config.run import resolve_finetune
from benchmark.report import standing, wording
from benchmark.report.gather import collect
from benchmark.report.model import Comparison
from benchmark.report.notes import notes
from benchmark.report.table import table_text
from benchmark.runs import ensemble
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import EnsembleConfig
from benchmark.runs.status import State, Status
from benchmark.runs.workspace import Workspace
from tests.helpers import find
from tests.report.parts import PROFILE, cell, make, markdown_of, page_of, part, sample_params, write_run

TASK, PARTS, SEEDS = "breastmnist", 4, (0, 1, 2)
Study = tuple[Comparison, Workspace, dict[str, list[RunFolder]]]


def with_ensembles(*tasks: str) -> Params:
    """`dam` is cross-fitted; one ensemble with it and one without."""
    params = sample_params(tasks)
    members = {"champion": ("medmnist", "dam"), "plain": ("readme", "medmnist")}
    ensembles = {name: Ensemble(about=f"the mean of {' and '.join(of)}", members=of) for name, of in members.items()}
    recipes = params.recipes | {"dam": params.recipes["dam"].model_copy(update={"cross_fit": PARTS})}
    section = EnsembleSection(names=tuple(ensembles))
    return params.model_copy(update={"recipes": recipes, "ensembles": ensembles, "ensemble": section})


def write_cross_fitted(params: Params, workspace: Workspace, seed: int) -> RunFolder:
    """As `write_run`; three seeds of four parts, so that a quarter of val is held out by none."""
    config = resolve_finetune(params, find(TASK), "dam", PROFILE, seed)
    folder = write_run(params, workspace, TASK, "dam", seed, config=config)
    held_out = {
        split: np.arange(len(labels)) % PARTS == seed
        for split, (labels, _) in folder.scores().items()
        if split != "test"
    }
    folder.write_scores(folder.scores(), held_out=held_out)
    folder.seal(folder.trained())
    return folder


def make_ensemble(params: Params, workspace: Workspace, name: str) -> RunFolder:
    members = params.ensembles[name].members
    config = EnsembleConfig(stage="ensemble", tasks=(TASK,), recipe=name, profile=PROFILE, members=members)
    return ensemble.make(config, {one: _runs(workspace, one) for one in members}, workspace)[0]


def _runs(workspace: Workspace, recipe: str) -> list[RunFolder]:
    runs = [workspace.run(PROFILE, TASK, recipe, seed) for seed in SEEDS]
    for run in runs:
        run.write_weights({})
        run.seal(run.trained())
    return runs


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Of vesselmnist3d nothing was run, and the ensembles say so."""
    workspace, params = Workspace(tmp_path_factory.mktemp("report")), with_ensembles(TASK, "vesselmnist3d")
    folders = {
        recipe: [write_run(params, workspace, TASK, recipe, seed) for seed in SEEDS]
        for recipe in ("readme", "medmnist")
    }
    folders["dam"] = [write_cross_fitted(params, workspace, seed) for seed in SEEDS]
    folders |= {name: [make_ensemble(params, workspace, name)] for name in params.ensemble.names}
    workspace.write_no_ensemble(
        PROFILE, "vesselmnist3d", "champion", Status(State.NOT_RUN, "member medmnist, seed 0: not run")
    )
    return make(params, workspace), workspace, folders


def out_of_fold(folders: list[RunFolder]) -> tuple[np.ndarray, np.ndarray]:
    """By a loop over the images."""
    labels, scores = [], []
    runs = [folder.official_scores() for folder in folders]
    for image, label in enumerate(runs[0][0]["val"][0]):
        own = [float(run["val"][1][image, 0]) for run, held_out in runs if held_out["val"][image]]
        if own:
            labels.append(label[0])
            scores.append(np.mean(own))
    return np.array(labels), np.array(scores)


def test_the_val_figures_of_a_cross_fitted_cell_are_out_of_fold(study: Study) -> None:
    comparison, _, folders = study
    labels, scores = out_of_fold(folders["dam"])
    figures = cell(comparison, TASK, "dam").figures
    assert figures["val_auc"].mean == pytest.approx(roc_auc_score(labels, scores))
    assert figures["val_auc"].spread is None
    assert figures["val_acc"].mean == pytest.approx(np.mean((scores > 0.5) == labels))
    plain = cell(comparison, TASK, "medmnist").figures["val_auc"]
    assert plain.mean == pytest.approx(np.mean([one.metrics()["val_auc"] for one in folders["medmnist"]]))
    assert plain.spread is not None


def test_the_best_by_validation_goes_by_that_figure(study: Study) -> None:
    comparison = study[0]
    best = standing.champion(part(comparison, TASK))
    figures = {one.recipe: one.figures["val_auc"].mean for one in part(comparison, TASK).cells}
    assert best is not None
    assert best.recipe == max(figures, key=lambda name: figures[name])


def test_a_figure_of_a_part_of_val_is_chosen_only_where_there_is_no_other(tmp_path: Path) -> None:
    """As of one cross-fitted seed, whose few images may be in a perfect order by luck."""
    workspace, params = Workspace(tmp_path), with_ensembles(TASK)
    write_cross_fitted(params, workspace, 0)
    alone = standing.champion(part(collect(params, PROFILE, workspace), TASK))
    assert alone is not None
    assert alone.recipe == "dam"
    whole = write_run(params, workspace, TASK, "medmnist")
    scores = whole.scores()
    whole.write_scores(scores | {"val": (scores["val"][0], 1 - scores["val"][1])})
    whole.seal(whole.record())
    task = part(collect(params, PROFILE, workspace), TASK)
    figures = {one.recipe: one.figures["val_auc"].mean for one in task.cells if one.figures}
    assert figures["medmnist"] < figures["dam"]
    among = standing.champion(task)
    assert among is not None
    assert among.recipe == "medmnist"


def test_ensembles_are_columns_behind_the_recipes_with_an_interval_of_images_alone(study: Study) -> None:
    comparison, workspace, _ = study
    assert list(comparison.recipes) == ["readme", "medmnist", "dam", "champion", "plain"]
    champion, dam = cell(comparison, TASK, "champion"), cell(comparison, TASK, "dam")
    assert champion.numbers is not None
    assert dam.numbers is not None
    assert champion.interval == champion.numbers.over.images == champion.numbers.ensemble
    assert dam.interval == dam.numbers.over.both != dam.numbers.over.images
    for text in (page_of(workspace), markdown_of(workspace)):
        assert "or of an ensemble, which is one model, of images alone" in text
        assert wording.limits(champion.interval) in text
        assert "champion†, one model" in text
        assert "mean of 6 networks" in text
        assert "seed None" not in text
    assert "mlflow run . -e ensemble -P task=breastmnist -P name=champion" in page_of(workspace)


def test_it_is_marked_what_was_trained_on_val_and_nothing_else(study: Study) -> None:
    comparison, workspace, _ = study
    assert comparison.trained_on_val == {"dam", "champion"}
    text = table_text(comparison)
    assert "dam†" in text
    assert "champion†" in text
    assert "plain†" not in text
    for shown in (page_of(workspace), markdown_of(workspace), text):
        assert wording.LEGEND in shown
        assert not re.search("(readme|medmnist|plain)†", shown)
    said = {note.text for note in notes(comparison, part(comparison, TASK)) if note.topic == "Trained on val"}
    assert any(line.startswith("dam: trained on train and val together") for line in said)
    assert any("which are 59 of its 78 images" in line for line in said)  # 20, 20 and 19 of four parts
    assert len(said) == 2


def test_between_an_ensemble_and_a_recipe_nothing_is_decided(study: Study) -> None:
    comparison = study[0]
    pair = comparison.pairs["medmnist", "champion"]
    assert [wording.answer(pair, row) for row in pair.rows] == ["not decided: one seed"]


def test_an_ensemble_has_no_rank_among_the_recipes(study: Study) -> None:
    comparison, _, _ = study
    assert comparison.ranking.ranks
    assert set(comparison.ensembles).isdisjoint(comparison.ranking.ranks)


def test_without_its_members_a_task_says_why_it_has_none(study: Study) -> None:
    comparison = study[0]
    assert cell(comparison, "vesselmnist3d", "champion").status == Status(
        State.NOT_RUN, "member medmnist, seed 0: not run"
    )
    assert ("vesselmnist3d", "champion", "not run: member medmnist, seed 0: not run") in comparison.missing


def test_a_report_without_any_of_these_has_no_mark(tmp_path: Path) -> None:
    workspace, params = Workspace(tmp_path), sample_params((TASK,))
    write_run(params, workspace, TASK, "dam")
    comparison = make(params, workspace)
    for text in (page_of(workspace), markdown_of(workspace), table_text(comparison)):
        assert wording.TRAINED_ON_VAL not in text
