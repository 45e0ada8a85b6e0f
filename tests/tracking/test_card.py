"""The model card: its figures are scikit-learn's, and every other sentence follows from the record and medmnist.INFO."""

import tomllib
from functools import partial
from pathlib import Path

import medmnist
import mlflow
import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from benchmark.config.tasks import KINDS, STAMP
from benchmark.core.errors import BadInput
from benchmark.evaluation import statistics
from benchmark.runs import ensemble
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import EnsembleConfig
from benchmark.runs.workspace import Workspace
from benchmark.tracking import card, descriptions, store
from benchmark.tracking.card import Card
from benchmark.tracking.line import Line
from benchmark.tracking.populations import POPULATIONS
from benchmark.tracking.tracker import Tracker
from benchmark.training import execute
from pipelines.console.mends import warn
from tests.helpers import (
    CPU,
    OBJECTIVES,
    ROOT,
    SEVEN,
    find,
    from_elsewhere,
    make_config,
    make_data,
    make_narrow_config,
    trained,
)
from tests.tracking.parts import COUNTS, finished


def make(folder: RunFolder, name: str, *seeds: RunFolder, root: Path = Path()) -> Card:
    return Card(folder, find(name), seeds, Workspace(root))


def best_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """By trying every score; the highest of equally good ones."""
    tried = [(metrics.balanced_accuracy_score(labels, scores >= cut), cut) for cut in np.unique(scores)]
    return max(tried)[1]


def wilson(share: float, count: int) -> tuple[float, float]:
    """Wilson, Journal of the American Statistical Association 22 (1927)."""
    z = 1.959963984540054
    middle, half = share + z**2 / (2 * count), z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return (middle - half) / (1 + z**2 / count), (middle + half) / (1 + z**2 / count)


@pytest.mark.parametrize("name", ["breastmnist", "chestmnist"])
def test_the_figures_of_each_label_are_scikit_learns(tmp_path: Path, name: str) -> None:
    folder = finished(Workspace(tmp_path), name)
    scores, text = folder.scores(), make(folder, name).whole()
    task = find(name)
    figures = make(folder, name).figures[-task.label_count :]
    for column, one in enumerate(figures):
        (val_labels, val_scores), (labels, probabilities) = (
            (values[0][:, column], values[1][:, column]) for values in (scores["val"], scores["test"])
        )
        cut = best_threshold(val_labels, val_scores)
        called = probabilities >= cut
        assert one.threshold == pytest.approx(cut)
        assert one.auroc.value == pytest.approx(metrics.roc_auc_score(labels, probabilities))
        interval = statistics.delong(labels[:, None], probabilities[:, None])
        assert (one.auroc.low, one.auroc.high) == (interval.low, interval.high)
        assert one.accuracy.value == pytest.approx(metrics.accuracy_score(labels, called))
        assert one.sensitivity.value == pytest.approx(metrics.recall_score(labels, called))
        assert one.specificity.value == pytest.approx(metrics.recall_score(labels, called, pos_label=0))
        for share, count in ((one.accuracy, len(labels)), (one.sensitivity, labels.sum())):
            assert (share.low, share.high) == pytest.approx(wilson(share.value, count))
        assert one.brier == pytest.approx(metrics.brier_score_loss(labels, probabilities))
        true, said = calibration_curve(labels, probabilities, n_bins=10)
        sizes = np.histogram(probabilities, np.linspace(0, 1, 11))[0]
        assert one.ece == pytest.approx(np.sum(np.abs(true - said) * sizes[sizes > 0]) / len(labels))
        row = f"| {one.name} | {one.auroc.value:.4f} [{one.auroc.low:.3f}, {one.auroc.high:.3f}] | {cut:.4f} | "
        assert row + f"{one.accuracy.value:.4f} [" in text
    assert [one.name for one in figures] == list(task.label_names[-task.label_count :])


def test_of_several_labels_the_means_stand_in_front_and_alone_in_the_short_card(tmp_path: Path) -> None:
    one = make(finished(Workspace(tmp_path), "chestmnist"), "chestmnist")
    mean, *each = one.figures
    labels, scores = one.folder.scores()["test"]
    assert mean.auroc == statistics.delong(labels, scores)
    assert mean.sensitivity.value == pytest.approx(np.mean([label.sensitivity.value for label in each]))
    assert "| all labels |" in one.short()
    assert "| hernia |" in one.whole()
    assert "| hernia |" not in one.short()


def test_a_label_of_one_class_has_undefined_figures(tmp_path: Path) -> None:
    folder = finished(Workspace(tmp_path), "breastmnist")
    scores = folder.scores()
    folder.write_scores(scores | {"test": (np.ones_like(scores["test"][0]), scores["test"][1])})
    (one,) = make(folder, "breastmnist").figures
    assert np.isnan([one.auroc.value, one.sensitivity.value, one.specificity.value]).all()
    assert "| normal, benign | undefined |" in make(folder, "breastmnist").whole()


def test_it_names_data_use_training_and_licences(tmp_path: Path) -> None:
    record = {"versions": {"torch": "2.15.0"}, "code": {"commit": "c0ffee", "dirty": True, "digest": "1" * 64}}
    folder = finished(Workspace(tmp_path), "breastmnist", objective=OBJECTIVES["aucm"], record=record)
    text = make(folder, "breastmnist", root=tmp_path).whole()
    info = medmnist.INFO["breastmnist"]
    ones = int(folder.scores()["train"][0].sum())
    for said in (
        "**Not for clinical use.**",
        f"MD5 `{'d' * 32}`",
        f"> {info['description']}",
        f"Data: {info['license']} (`medmnist.INFO`)",
        f"Code: {card.CODE_LICENCE}",
        f"| class | train, {COUNTS['train']} images | val, {COUNTS['val']} images | test, {COUNTS['test']} images |",
        f"| normal, benign | {ones} ({100 * ones / COUNTS['train']:.1f} %) |",
        "| network | resnet18-strided |",
        "| loss | aucm |",
        "| precision | fp32 |",
        "It started from random weights.",
        "Code at commit `c0ffee`, with uncommitted changes.",
        "Run on a processor, 2 threads.",
        "torch 2.15.0",
        "specificity that of 'malignant' (label 0)",
    ):
        assert said in text
    assert STAMP not in text


def test_the_licence_of_the_code_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == card.CODE_LICENCE


def test_every_official_task_of_the_suite_has_its_population() -> None:
    fitting = {name for name, info in medmnist.INFO.items() if info["task"] in KINDS and info["n_channels"] == 1}
    assert fitting == POPULATIONS.keys() == set(SEVEN)


@pytest.mark.parametrize("name", SEVEN)
def test_the_short_card_begins_with_the_figures_and_fits_into_a_description(tmp_path: Path, name: str) -> None:
    folder = finished(Workspace(tmp_path), name)
    one = make(folder, name)
    assert one.short().startswith(f"{descriptions.version(folder.record(), folder.metrics())}\n\n")
    assert len(one.short()) <= card.FITS
    assert one.short().endswith("none is stated.")
    assert "**Not for clinical use.**" in one.short()


def test_what_is_too_long_for_a_description_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "FITS", 1000)
    text = make(finished(Workspace(tmp_path), "breastmnist"), "breastmnist").short()
    assert len(text) == 1000
    assert text.endswith(" …")
    assert card.FILE in text


def test_stand_in_data_is_stamped_and_nobodys(tmp_path: Path) -> None:
    one = make(finished(Workspace(tmp_path), "standin-chestmnist"), "standin-chestmnist")
    for text in (one.whole(), one.short()):
        assert STAMP in text
        assert "its images are generated" in text
        assert "NIH" not in text
    assert one.whole().splitlines()[2] == f"**{STAMP}**"


def test_of_a_file_of_ones_own_nothing_is_claimed(tmp_path: Path) -> None:
    """Not even where it is set beside an official task."""
    text = make(finished(Workspace(tmp_path), "pneumoniamnist_rebuilt"), "pneumoniamnist_rebuilt").whole()
    assert "Whose images they are is not stated" in text
    assert "Data: not stated" in text
    assert "Set beside pneumoniamnist: " in text
    assert "Guangzhou" not in text
    assert "CC BY" not in text


@pytest.mark.parametrize(
    ("objective", "said"), [("aucm", "its scores are rankings"), ("cross-entropy", "It was trained for probabilities")]
)
def test_scores_that_were_trained_for_auroc_are_called_rankings(tmp_path: Path, objective: str, said: str) -> None:
    folder = finished(Workspace(tmp_path), "breastmnist", objective=OBJECTIVES[objective])
    assert said in make(folder, "breastmnist").short()


def test_it_says_among_which_seeds_it_was_chosen(tmp_path: Path) -> None:
    seeds = [finished(Workspace(tmp_path), "breastmnist", seed=seed) for seed in range(3)]
    best = max(seeds, key=lambda one: one.metrics()["val_auc"])
    other = next(one for one in seeds if one != best)
    assert "of seeds 0, 1, 2, the one with the best val AUROC." in make(best, "breastmnist", *seeds).short()
    assert "of seeds 0, 1, 2." in make(other, "breastmnist", *seeds).short()
    assert "of seeds" not in make(best, "breastmnist").short()


def test_a_trunk_is_named_with_its_data_unless_it_was_made_anew_since(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    folder = finished(workspace, "breastmnist", start="trunk")
    trunk = workspace.trunk("quick", find("breastmnist").dim)
    gone = "It started from a trunk, whose record is no longer at hand."
    assert gone in make(folder, "breastmnist", root=tmp_path).whole()
    config = make_config("breastmnist", "pneumoniamnist", stage="pretrain")
    for started, there in (("2025-12-31T00:00:00+00:00", True), ("2026-01-02T00:00:00+00:00", False)):
        trunk.write_record(trained(config=config, data_md5={"pneumoniamnist": "e" * 32}, started=started))
        text = make(folder, "breastmnist", root=tmp_path).whole()
        assert (f"a trunk that was trained on pneumoniamnist (MD5 `{'e' * 32}`) from random weights." in text) == there
        assert (gone in text) != there


def test_another_recipes_run_that_it_started_from_is_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    finished(workspace, "breastmnist", "first")
    text = make(finished(workspace, "breastmnist", start={"recipe": "first"}), "breastmnist", root=tmp_path).whole()
    assert f"(recipe first) that was trained on breastmnist (MD5 `{'d' * 32}`) from random weights." in text


def test_of_cross_fitted_seeds_the_val_figure_is_out_of_fold(tmp_path: Path) -> None:
    workspace, seeds = Workspace(tmp_path), []
    for seed in (0, 1):
        held_out = {split: np.arange(COUNTS[split]) % 2 == seed for split in ("train", "val")}
        seeds.append(finished(workspace, "breastmnist", seed=seed, held_out=held_out, cross_fit=2))
    labels = seeds[0].official_scores()[0]["val"][0]
    both = np.stack([seeds[row % 2].official_scores()[0]["val"][1][row] for row in range(len(labels))])
    one = make(seeds[0], "breastmnist", *seeds)
    assert f"out of fold over all seeds: {metrics.roc_auc_score(labels, both):.4f}." in one.whole()
    assert "images of official val were trained on too" in one.whole()
    assert "out of fold" in one.headline


def test_an_ensemble_names_its_members_and_how_each_recipe_was_trained(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    runs = {
        "dam": [finished(workspace, "breastmnist", "dam", seed, objective=OBJECTIVES["aucm"]) for seed in (0, 1)],
        "plain": [finished(workspace, "breastmnist", "plain", seed) for seed in (0, 1)],
    }
    config = EnsembleConfig(
        stage="ensemble", tasks=("breastmnist",), recipe="both", profile="quick", members=("dam", "plain")
    )
    folder, _ = ensemble.make(config, runs, workspace)
    text = make(folder, "breastmnist", root=tmp_path).whole()
    assert "mean score of 4 networks" in text
    assert "dam seed 0, dam seed 1, plain seed 0, plain seed 1" in text
    assert text.index("Member recipe dam:") < text.index("| loss | aucm |") < text.index("Member recipe plain:")
    assert "Some of its members were trained for AUROC" in text
    mean = np.mean([run.scores()["test"][1] for of in runs.values() for run in of], axis=0)
    labels = folder.scores()["test"][0]
    assert f"| normal, benign | {metrics.roc_auc_score(labels, mean):.4f} [" in text
    finished(workspace, "breastmnist", "dam", 0, record={"identity": "another"})
    assert "1 of its members' records are no longer at hand" in make(folder, "breastmnist", root=tmp_path).whole()


def test_predictions_from_elsewhere_have_none(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_record(from_elsewhere())
    with pytest.raises(BadInput, match="predictions from elsewhere"):
        make(folder, "breastmnist").whole()


def test_a_registered_version_has_it_beside_the_model_in_its_run_and_in_short_as_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once; a version from before there were cards gets its own, and a person's description stays."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    store.use()  # MLflow keeps the store of whoever was first in this process
    data = {"breastmnist": make_data("breastmnist")}
    part, config = data["breastmnist"], make_narrow_config("breastmnist", epochs=1)
    folder = Workspace().run("quick", "breastmnist", "test", 0)
    execute.execute(config, data, folder, CPU)
    images = part.splits["train"].images[:2].squeeze(1).numpy()
    tracker, client = Tracker("breastmnist", "test", False, Line(warn)), mlflow.MlflowClient()

    def register() -> mlflow.entities.model_registry.ModelVersion:
        with tracker.open({"level": "recipe", "task": "breastmnist", "identity": "one"}):
            tracker.log_parent([folder], part.task)
            tracker.register(
                folder, part.task, partial(execute.predictor, folder, part.task), images, "serve it", seeds=[folder]
            )
        (version,) = client.search_model_versions("name = 'breastmnist'")
        return version

    version, expected = register(), Card(folder, part.task, [folder])
    assert version.description == expected.short()
    assert version.run_id == tracker.parent_id
    for where in (f"runs:/{version.run_id}/{card.FILE}", f"models:/breastmnist/1/{card.FILE}"):
        assert Path(mlflow.artifacts.download_artifacts(where)).read_text(encoding="utf-8") == expected.whole()
    answers = mlflow.pyfunc.load_model("models:/breastmnist/1").predict(images)
    assert answers.shape == (2, 1)

    client.update_model_version("breastmnist", "1", "a person's")
    assert register().description == "a person's"
    client.update_model_version("breastmnist", "1", expected.headline)
    client.delete_model_version_tag("breastmnist", "1", "card")
    assert register().description == expected.short()
