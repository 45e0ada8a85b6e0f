"""The published figures: read as typed, complete, and each with a source."""

from collections import Counter

import pytest
from medmnist import INFO

from benchmark.published import table as published
from benchmark.published.table import FIGURES, PublishedResult
from tests.helpers import SEVEN

COUNTS = {
    "medmnist_v2": 53,
    "medmnist_v2_2021": 8,
    "course_desc": 1,
    "course_1st": 7,
    "course_1st_nb": 9,
    "course_vib": 62,
    "course_krhari": 37,
    "course_mehul": 5,
    "course_chihoon": 12,
    "medmnistplus_2025": 6,
    "repro_habib": 2,
    "raptor_2025": 9,
    "ensemble_study": 5,
    "tta_study": 2,
    "casp": 3,
    "arkmedmnist": 5,
    "dam_readme": 7,
}


def only(task: str, source: str, start: str) -> PublishedResult:
    """The one row of a source whose method starts so."""
    (row,) = [row for row in published.for_task(task) if row.source_key == source and row.method.startswith(start)]
    return row


@pytest.mark.parametrize(
    ("task", "figures"),
    [  # train_acc, val_auc, val_acc, test_auc, test_acc
        ("breastmnist", (0.9872, 0.9524, 0.8846, 0.9121, 0.8526)),
        ("pneumoniamnist", (0.9909, 0.9943, 0.9733, 0.9776, 0.9199)),
        ("chestmnist", (None, None, None, None, None)),
        ("nodulemnist3d", (0.908054, 0.8724, 0.828942, 0.8469, 0.817532)),
        ("vesselmnist3d", (1.0, 0.8717, 0.880208, 0.7835, 0.861257)),
        ("synapsemnist3d", (0.847154, 0.6003, 0.706215, 0.5418, 0.71875)),
    ],
)
def test_the_readmes_five_figures(task: str, figures: tuple[float | None, ...]) -> None:
    row = published.readme_row(task)
    assert row is not None
    assert tuple(getattr(row, name) for name in FIGURES) == figures
    assert row.has_figures == (task != "chestmnist")


@pytest.mark.parametrize(
    ("task", "method", "auc", "acc"),
    [
        ("breastmnist", "ResNet-18 (28)", 0.901, 0.863),
        ("chestmnist", "ResNet-18 (28)", 0.768, 0.947),
        ("nodulemnist3d", "ResNet-18 + 3D", 0.863, 0.844),
        ("synapsemnist3d", "ResNet-18 + 3D", 0.820, 0.745),
    ],
)
def test_the_medmnist_baseline(task: str, method: str, auc: float, acc: float) -> None:
    row = published.baseline_row(task)
    assert row is not None
    assert (row.method, row.test_auc, row.test_acc) == (method, auc, acc)


@pytest.mark.parametrize("task", SEVEN)
def test_every_task_has_its_rows(task: str) -> None:
    assert task in INFO
    assert published.readme_row(task) is not None
    assert len(published.medmnist_rows(task)) == (8 if task.endswith("3d") else 7)


def test_rows_name_known_tasks_and_sources_and_hold_shares() -> None:
    for row in published.load():
        assert row.task in SEVEN
        assert row.source_key in published.sources()
        figures = [figure for name in FIGURES if (figure := getattr(row, name)) is not None]
        assert all(0 <= figure <= 1 for figure in figures)
        assert row.has_figures == ((row.task, row.source_key) != ("chestmnist", published.README))


def test_every_source_has_all_of_its_rows_and_none_is_there_twice() -> None:
    rows = published.load()
    assert Counter(row.source_key for row in rows) == COUNTS
    assert published.sources().keys() == COUNTS.keys()
    assert len({(row.task, row.method, row.source_key) for row in rows}) == len(rows) == 233
    assert all(source.url.startswith("https://") and source.where for source in published.sources().values())


@pytest.mark.parametrize(
    ("task", "source", "method", "auc", "acc", "seeds"),
    [
        ("breastmnist", "course_desc", "LibAUC", 0.888, None, 1),
        ("vesselmnist3d", "course_1st", "1st place", 0.965, None, 1),
        ("vesselmnist3d", "course_1st_nb", "1st place's notebook: after", 0.9774, None, 1),
        ("pneumoniamnist", "course_vib", "trained on train and val", 0.987, None, 1),
        ("adrenalmnist3d", "course_vib", "cross-entropy", 0.88, None, 1),
        ("nodulemnist3d", "course_vib", "ensemble of 3, oversampling", 0.899, None, 1),
        ("synapsemnist3d", "course_krhari", "method 2", 0.796, 0.738, 1),
        ("chestmnist", "course_krhari", "method 5", 0.482, 0.246, 1),
        ("adrenalmnist3d", "course_mehul", "AUCM", 0.80, None, 1),
        ("synapsemnist3d", "course_chihoon", "AUCM v2", 0.778, None, 1),
        ("breastmnist", "medmnistplus_2025", "fine-tuned as a whole (", 0.9397, 0.906, 3),
        ("pneumoniamnist", "repro_habib", "MedMNIST's own script", 0.9464, None, 5),
        ("nodulemnist3d", "raptor_2025", "trained on the task", 0.886, 0.860, 1),
        ("synapsemnist3d", "raptor_2025", "Raptor:", 0.943, 0.911, 1),
        ("adrenalmnist3d", "raptor_2025", "Raptor-B", 0.930, 0.858, 1),
        ("breastmnist", "ensemble_study", "soft vote", 0.9432, 0.9295, 1),
        ("breastmnist", "ensemble_study", "ViT-Base", 0.9307, 0.9167, 1),
        ("breastmnist", "tta_study", "no augmentation", 0.9217, 0.8868, 3),
        ("pneumoniamnist", "tta_study", "augmentation at test", 0.9797, 0.849, 3),
        ("chestmnist", "casp", "CASP: network", 0.7826, None, 5),
        ("vesselmnist3d", "arkmedmnist", "r3d_18", 0.951, None, 1),
        ("pneumoniamnist", "arkmedmnist", "Swin-T", 0.984, None, 1),
    ],
)
def test_a_row_of_every_further_source(
    task: str, source: str, method: str, auc: float, acc: float | None, seeds: int
) -> None:
    row = only(task, source, method)
    assert (row.test_auc, row.test_acc, row.seeds) == (auc, acc, seeds)


def test_what_was_printed_twice_with_different_figures_is_there_twice() -> None:
    printed = {
        (row.test_auc, row.test_acc)
        for row in published.for_task("breastmnist")
        if row.source_key == "course_krhari" and row.method.startswith("method 2")
    }
    assert printed == {(0.891, 0.878), (0.892, 0.852)}


def test_val_figures_of_the_first_places_notebooks() -> None:
    rows = [row for row in published.load() if row.source_key == "course_1st_nb" and row.val_auc is not None]
    assert sorted(row.val_auc for row in rows) == [0.7384, 0.7962, 0.8674, 0.9148, 0.9162, 0.9866, 0.9869]


# ------------------------------------------------------------------------------------------------ to decide by


def test_pixels_are_the_image_sizes_number() -> None:
    for row in published.load():
        if row.pixels is None:
            assert row.image_size.startswith("not stated")
            assert "default" not in row.image_size
        else:
            stated = row.image_size.split("default is ")[-1].split(" (")[0]
            assert stated.split("x")[-1] == str(row.pixels)
    assert Counter(row.pixels for row in published.load()) == {
        28: 119,
        32: 32,
        64: 11,
        80: 12,
        112: 1,
        128: 7,
        224: 13,
        None: 38,
    }


def test_external_weights_are_what_pretraining_says() -> None:
    for row in published.load():
        outside = row.pretraining.startswith(("ImageNet", "Kinetics", "DINO"))
        assert (row.external_weights == "yes") == outside
        if row.external_weights == "no":
            assert row.pretraining in ("none", "the MedMNIST sets of this dimension, nothing else")
        elif not outside:
            assert "not stated" in row.pretraining
    found = {row.source_key for row in published.load() if row.external_weights == "yes"}
    assert found == {
        "course_1st",
        "course_1st_nb",
        "medmnistplus_2025",
        "raptor_2025",
        "ensemble_study",
        "tta_study",
        "arkmedmnist",
    }


def test_selection_on_test_is_claimed_of_two_sources_alone() -> None:
    """A plot or a file name with the test AUROC is no proof of selection by it; words to that end are."""
    found = {(row.task, row.source_key, row.test_auc) for row in published.load() if row.selected_on_test == "yes"}
    prolonged = {"adrenalmnist3d": 0.881, "vesselmnist3d": 0.951, "nodulemnist3d": 0.904, "synapsemnist3d": 0.846}
    chosen = {("breastmnist", "course_chihoon", 0.899)}
    assert found == chosen | {(task, "arkmedmnist", auc) for task, auc in prolonged.items()}
    plotted = {row.selected_on_test for row in published.load() if "plots test AUROC" in row.selection}
    assert plotted == {"not stated"}
    assert {row.selected_on_test for row in published.load()} == {"yes", "no", "not stated"}


def test_training_on_val_is_what_the_source_says() -> None:
    """'yes' where it is said, 'no' where the epoch was chosen by val, else not stated."""
    found = {row for row in published.load() if row.trained_on_val == "yes"}
    assert {row.source_key for row in found} == {"course_vib"}
    assert len(found) == 8
    assert all("train and val" in row.method for row in found)
    for row in published.load():
        if row.trained_on_val == "no":
            assert row.selection.startswith(("epoch", "best val", "checkpoint by val", "augmentation and epoch"))
    halved = {row.trained_on_val for row in published.load() if "validation split halved" in row.method}
    assert halved == {"not stated"}


def test_what_a_program_searched_for_is_told_apart() -> None:
    found = Counter(row.method for row in published.load() if row.automl == "yes")
    assert found == {
        "auto-sklearn": 8,
        "AutoKeras": 8,
        "Google AutoML Vision": 3,
        "CASP: network found by architecture search": 1,
    }


@pytest.mark.parametrize(
    ("task", "source", "start", "apart"),
    [
        ("pneumoniamnist", "medmnist_v2", "Google", ("AutoML", "weights not stated")),
        ("nodulemnist3d", "medmnist_v2", "auto-sklearn", ("AutoML",)),
        ("breastmnist", "course_vib", "trained on train", ("trained on val too",)),
        ("breastmnist", "medmnist_v2", "ResNet-18 (28)", ()),
        ("breastmnist", "dam_readme", "", ("weights not stated",)),
    ],
)
def test_a_row_is_told_apart_in_words(task: str, source: str, start: str, apart: tuple[str, ...]) -> None:
    assert only(task, source, start).apart == apart


def test_seeds_that_were_not_read_at_the_source_are_a_note_alone() -> None:
    row = published.baseline_row("breastmnist")
    assert row is not None
    assert (row.n_seeds, row.seeds) == ("not stated", 1)
    assert row.note.startswith("may be the mean of three runs (0.898, 0.917, 0.889)")


def test_the_superseded_rows_are_marked_and_never_among_those_to_compare() -> None:
    superseded = [row for row in published.load() if not row.is_comparable]
    assert {(row.task, row.source_key) for row in superseded} == {("nodulemnist3d", published.SUPERSEDED)}
    assert not set(superseded) & set(published.medmnist_rows("nodulemnist3d"))


def test_an_unknown_task_has_no_rows() -> None:
    assert published.for_task("own") == []
    assert published.readme_row("own") is None
    assert published.baseline_row("own") is None
