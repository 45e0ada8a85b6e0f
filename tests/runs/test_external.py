"""Predictions from elsewhere: MedMNIST's evaluator as the oracle, and one clear sentence for every bad file."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medmnist import Evaluator

from benchmark.core.errors import BadInput, BenchmarkError, DataError
from benchmark.data.load import TaskData
from benchmark.runs import external
from benchmark.runs import scores as scores_of
from benchmark.runs.external import check_name
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import FromElsewhere, GivenFile
from benchmark.runs.workspace import Workspace
from tests.helpers import PARAMS, make_data

BREAST, CHEST = make_data("breastmnist", images=40), make_data("chestmnist", images=60)
SPLITS = ("train", "val", "test")


def labels_of(data: TaskData, split: str = "test") -> np.ndarray:
    return data.splits[split].labels.numpy()


def made_up(data: TaskData, split: str = "test", seed: int = 0) -> np.ndarray:
    """Probabilities of label 1, (n, L), float64, that are somewhat right."""
    labels = labels_of(data, split)
    return np.clip(0.3 * labels + 0.7 * np.random.default_rng([seed, len(split)]).random(labels.shape), 0, 1)


def softmax(column: np.ndarray) -> np.ndarray:
    return np.hstack([1 - column, column])


@pytest.fixture
def evaluated(tmp_path: Path) -> Callable[[TaskData, str, np.ndarray], tuple[Path, Any]]:
    """Writes a split's standard file as medmnist does, and gives its path and figures."""

    def evaluate(data: TaskData, split: str, scores: np.ndarray) -> tuple[Path, Any]:
        name, root = data.task.name, tmp_path / "data"
        root.mkdir(exist_ok=True)
        np.savez(root / f"{name}.npz", **{f"{one}_labels": labels_of(data, one) for one in SPLITS})
        evaluator = Evaluator(name, split, root=str(root))
        found = evaluator.evaluate(scores, save_folder=str(tmp_path), run="1")
        return tmp_path / evaluator.get_standard_evaluation_filename(found, "1"), found

    return evaluate


def write_csv(path: Path, scores: np.ndarray, first: np.ndarray | None = None) -> Path:
    lines = zip(np.arange(len(scores)) if first is None else first, scores, strict=True)
    path.write_text("".join(f"{image},{','.join(map(str, row))}\n" for image, row in lines))
    return path


def score(data: TaskData, root: Path, *files: Path, seed: int = 0) -> RunFolder:
    return external.score(data, "my-method", seed, files, Workspace(root))[0]


# ------------------------------------------------------------------------------------------------ good files


@pytest.mark.parametrize("split", SPLITS)
def test_softmax_columns_have_the_evaluators_figures(
    split: str, tmp_path: Path, evaluated: Callable[..., tuple[Path, Any]]
) -> None:
    path, judged = evaluated(BREAST, split, softmax(made_up(BREAST, split)))
    files = {path} | {evaluated(BREAST, "test", softmax(made_up(BREAST)))[0]}
    metrics = score(BREAST, tmp_path, *files).metrics()
    assert metrics[f"{split}_auc"] == pytest.approx(judged.AUC, abs=1e-12)
    assert metrics[f"{split}_acc"] == pytest.approx(judged.ACC, abs=1e-12)


def test_fourteen_labels_have_the_evaluators_figures(
    tmp_path: Path, evaluated: Callable[..., tuple[Path, Any]]
) -> None:
    path, judged = evaluated(CHEST, "test", made_up(CHEST))
    metrics = score(CHEST, tmp_path, path).metrics()
    assert metrics == {
        "test_auc": pytest.approx(judged.AUC, abs=1e-12),
        "test_acc": pytest.approx(judged.ACC, abs=1e-12),
    }


@pytest.mark.parametrize("shape", ["n", "n1", "n2", "half precision"])
def test_an_npz_of_every_shape_gives_the_same_figures(shape: str, tmp_path: Path) -> None:
    column = made_up(BREAST)
    given = {
        "n": column[:, 0],
        "n1": column,
        "n2": softmax(column),
        "half precision": softmax(column).astype(np.float16),
    }
    np.savez(
        tmp_path / "all.npz",
        test_scores=given[shape],
        test_labels=labels_of(BREAST)[:, 0],
        val_scores=made_up(BREAST, "val"),
    )
    folder = score(BREAST, tmp_path, tmp_path / "all.npz")
    expected = column.astype(np.float16) if shape == "half precision" else column
    assert folder.metrics()["test_auc"] == scores_of.auroc(labels_of(BREAST), expected)
    assert list(folder.scores()) == ["val", "test"]


def test_the_same_predictions_are_no_second_seed(tmp_path: Path) -> None:
    both = softmax(made_up(BREAST))
    np.savez(tmp_path / "a.npz", test_scores=both)
    np.savez(tmp_path / "b.npz", test_scores=both[:, 1])
    score(BREAST, tmp_path, tmp_path / "a.npz")
    with pytest.raises(BadInput, match="seed0: has these very predictions"):
        score(BREAST, tmp_path, tmp_path / "b.npz", seed=1)
    assert [path.name for path in (tmp_path / "external" / "breastmnist" / "my-method").iterdir()] == ["seed0"]


def test_the_seeds_of_a_method_state_the_same_facts(tmp_path: Path) -> None:
    """By these its mean is compared with published figures, or with none."""
    files = [[tmp_path / f"{seed}.npz"] for seed in range(3)]
    for seed, (path,) in enumerate(files):
        np.savez(path, test_scores=made_up(BREAST, seed=seed))
    workspace, stated = Workspace(tmp_path), external.Stated(external_weights="none")
    external.score(BREAST, "my-method", 0, files[0], workspace, stated)
    with pytest.raises(BadInput, match="seed0: states another image size or other external weights"):
        external.score(BREAST, "my-method", 1, files[1], workspace, external.Stated(external_weights="ImageNet"))
    external.score(BREAST, "my-method", 2, files[2], workspace, stated)


def test_of_two_commands_at_once_one_is_refused_and_nothing_is_mixed(tmp_path: Path) -> None:
    """Both give another program's predictions for the same seed."""
    paths = [tmp_path / f"{name}.npz" for name in "ab"]
    for seed, path in enumerate(paths):
        np.savez(path, test_scores=made_up(BREAST, seed=seed))
    barrier = threading.Barrier(2)

    def run(path: Path) -> str:
        barrier.wait()
        try:
            external.score(BREAST, "my-method", 0, [path], Workspace(tmp_path))
        except BadInput as error:
            return str(error)
        return "scored"

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(run, paths))
    assert said.count("scored") == 1
    folder = Workspace(tmp_path).given("breastmnist", "my-method", 0)
    record = folder.record()
    assert folder.is_done
    assert isinstance(record, FromElsewhere)
    given = paths[said.index("scored")]
    assert [one.name for one in record.files] == [given.name]
    assert (folder.scores()["test"][1] == np.load(given)["test_scores"].reshape(20, -1)[:, -1:]).all()


def test_an_order_that_single_precision_would_lose_is_kept(tmp_path: Path) -> None:
    labels = labels_of(BREAST)
    close = 1 - 1e-12 * (1 + np.argsort(np.argsort(1 - labels[:, 0], kind="stable")))  # right of all images, by 1e-12
    np.savez(tmp_path / "sure.npz", test_scores=close)
    assert len(np.unique(close.astype(np.float32))) == 1
    folder = score(BREAST, tmp_path, tmp_path / "sure.npz")
    assert folder.metrics()["test_auc"] == 1
    assert scores_of.metrics(folder.scores())["test_auc"] == 1


def test_the_run_folder_says_what_it_is_made_of(tmp_path: Path, evaluated: Callable[..., tuple[Path, Any]]) -> None:
    path, _ = evaluated(BREAST, "test", softmax(made_up(BREAST)))
    folder = score(BREAST, tmp_path, path)
    record = folder.record()
    assert folder.path == tmp_path / "external" / "breastmnist" / "my-method" / "seed0"
    assert folder.is_done
    assert isinstance(record, FromElsewhere)
    assert (record.config.stage, record.config.recipe, record.config.tasks) == (
        "external",
        "my-method",
        ("breastmnist",),
    )
    assert record.files == (GivenFile(name=path.name, sha256=sha256(path.read_bytes()).hexdigest()),)
    assert record.data_md5 == {"breastmnist": BREAST.md5}
    assert folder.history().empty


def test_the_same_again_is_left_alone_and_other_predictions_do_not_replace_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", test_scores=made_up(BREAST))
    np.savez(tmp_path / "b.npz", test_scores=made_up(BREAST, seed=1))

    folder, made = external.score(BREAST, "my-method", 0, [tmp_path / "a.npz"], Workspace(tmp_path))
    before = folder.record()
    assert made
    assert external.score(BREAST, "my-method", 0, [tmp_path / "a.npz"], Workspace(tmp_path)) == (folder, False)
    with pytest.raises(BadInput, match="holds other predictions, or these with other facts"):
        external.score(BREAST, "my-method", 0, [tmp_path / "b.npz"], Workspace(tmp_path))
    assert folder.record() == before
    assert external.score(BREAST, "my-method", 1, [tmp_path / "b.npz"], Workspace(tmp_path))[1]


def test_predictions_whose_record_can_not_be_read_are_set_down_anew(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", test_scores=made_up(BREAST))
    folder, _ = external.score(BREAST, "my-method", 0, [tmp_path / "a.npz"], Workspace(tmp_path))
    before = folder.record()
    (folder.path / "run.json").write_text("{")
    assert external.score(BREAST, "my-method", 0, [tmp_path / "a.npz"], Workspace(tmp_path)) == (folder, True)
    assert folder.is_done
    assert folder.record().identity == before.identity


@pytest.mark.parametrize(
    ("stated", "facts"),
    [
        (external.Stated(), (None, None)),
        (external.Stated(pixels=224, external_weights="ImageNet"), (224, "ImageNet")),
        (external.Stated(external_weights="none"), (None, "none")),
    ],
)
def test_what_is_stated_of_the_network_is_recorded(
    stated: external.Stated, facts: tuple[int | None, str | None], tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", test_scores=made_up(BREAST))
    folder, _ = external.score(BREAST, "my-method", 0, [tmp_path / "a.npz"], Workspace(tmp_path), stated)
    record = folder.record()
    assert isinstance(record, FromElsewhere)
    assert (record.config.pixels, record.config.external_weights) == facts


def test_other_facts_do_not_replace_those_that_were_stated_but_another_note_changes_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", test_scores=made_up(BREAST))
    files, workspace = [tmp_path / "a.npz"], Workspace(tmp_path)
    folder, _ = external.score(BREAST, "my-method", 0, files, workspace, external.Stated("as it was"))
    assert external.score(BREAST, "my-method", 0, files, workspace, external.Stated("otherwise")) == (folder, False)
    with pytest.raises(BadInput, match="or these with other facts stated"):
        external.score(BREAST, "my-method", 0, files, workspace, external.Stated(pixels=224))


# ------------------------------------------------------------------------------------------------ bad files


def changed(place: tuple[int, int], value: float) -> np.ndarray:
    scores = softmax(made_up(BREAST))
    scores[place] = value
    return scores


BAD_SCORES: dict[str, tuple[np.ndarray, str]] = {
    "too few": (softmax(made_up(BREAST))[:-1], "scores of 19 images, and split test has 20"),
    "three columns": (np.full((20, 3), 1 / 3), "3 scores an image, expected 1 or 2 (binary)"),
    "no column": (np.empty((20, 0)), "0 scores an image, expected 1 or 2"),
    "NaN": (changed((7, 1), np.nan), "no number (NaN) for image 7; 1 scores are missing in all"),
    "above one": (changed((3, 1), 1.5), "1.5 for image 3; scores are probabilities from 0 to 1"),
    "negative": (changed((4, 0), -2.0), "-2 for image 4"),
    "infinite": (changed((5, 0), np.inf), "inf for image 5"),
    "not a pair": (changed((6, 1), 0.0), "two columns are the probabilities of labels 0 and 1, whose sum is 1"),
}


@pytest.mark.parametrize("what", BAD_SCORES)
@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_bad_scores_are_refused_in_one_sentence(what: str, kind: str, tmp_path: Path) -> None:
    scores, sentence = BAD_SCORES[what]
    path = tmp_path / f"breastmnist_test_@1.{kind}"
    if kind == "csv":
        write_csv(path, scores)
        sentence = sentence if scores.size else "no number (NaN) for image 0"  # an empty cell behind the comma is NaN
    else:
        np.savez(path, test_scores=scores)
    refused(tmp_path, DataError, sentence, path)


def refused(root: Path, kind: type[BenchmarkError], sentence: str, *files: Path, data: TaskData = BREAST) -> None:
    with pytest.raises(kind) as caught:
        score(data, root, *files)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (root / "external").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("index,p0,p1\n0,0.4,0.6\n", "line 1: 'index' is no number; each line is an image's number"),
        ("0,0.4,0.6\n1,0.5,high\n", "line 2: 'high' is no number"),
        ("", "no CSV file"),
        ("0,0.5\n1,0.5,0.5,0.5\n", "no CSV file"),
        ("1,0.4,0.6\n2,0.5,0.5\n", "line 1: the first column has 1, not 0; it must count the images of the data file"),
        (
            "0,0.4,0.6\n2,0.5,0.5\n1,0.5,0.5\n",
            "line 2: the first column has 2, not 1; every image is there, in another",
        ),
        ("0,0.4,0.6\n\n2,0.5,0.5\n", "line 2: the first column has nan, not 1"),
        ("0.4,0.6\n0.5,0.5\n", "line 1: the first column has 0.4, not 0"),
        ("0\n1\n", "0 scores an image"),
    ],
)
def test_a_bad_csv_is_refused_in_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "breastmnist_test_[AUC]0.901_[ACC]0.863@1.csv"
    path.write_text(text)
    refused(tmp_path, DataError, sentence, path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("predictions.csv", "its name does not say which split it is of"),
        ("breastmnist_testing.csv", "its name does not say which split it is of"),
        ("pneumoniamnist_test_@1.csv", "of pneumoniamnist, and it was given for breastmnist"),
        ("breastmnist_64_test_@1.csv", "of breastmnist_64, and it was given for breastmnist"),
    ],
)
def test_a_name_of_another_task_or_of_no_split_is_refused(name: str, sentence: str, tmp_path: Path) -> None:
    refused(tmp_path, DataError, sentence, write_csv(tmp_path / name, softmax(made_up(BREAST))))


def test_an_order_that_the_stated_auroc_gives_away_is_refused(
    tmp_path: Path, evaluated: Callable[..., tuple[Path, Any]]
) -> None:
    path, judged = evaluated(BREAST, "test", softmax(made_up(BREAST)))
    shuffled = np.random.default_rng(0).permutation(softmax(made_up(BREAST)))
    found = scores_of.auroc(labels_of(BREAST), shuffled[:, 1:])
    write_csv(path, shuffled)
    sentence = f"its name says AUROC {judged.AUC:.3f}, and its scores give {found:.3f}"
    refused(tmp_path, DataError, sentence, path)


def test_a_stated_accuracy_is_held_to_the_scores_too(tmp_path: Path) -> None:
    scores = made_up(BREAST)
    right, wrong = scores_of.auroc(labels_of(BREAST), scores), scores_of.accuracy(labels_of(BREAST), scores) - 0.2
    path = write_csv(tmp_path / f"breastmnist_test_[AUC]{right:.3f}_[ACC]{wrong:.3f}@1.csv", scores)
    refused(tmp_path, DataError, f"its name says accuracy {wrong:.3f}", path)


@pytest.mark.parametrize("decimals", [1, 2, 3, 6])
def test_a_stated_figure_counts_with_the_decimals_that_it_has(decimals: int, tmp_path: Path) -> None:
    scores = made_up(BREAST)
    right = scores_of.auroc(labels_of(BREAST), scores)
    path = write_csv(tmp_path / f"breastmnist_test_[AUC]{right:.{decimals}f}_[ACC]@1.csv", scores)
    assert external.score(BREAST, "rounded", 0, [path], Workspace(tmp_path / "scored"))[1]
    wrong = f"{right - 1.2 * 10.0**-decimals:.{decimals}f}"
    path = write_csv(tmp_path / f"breastmnist_test_[AUC]{wrong}@1.csv", scores)
    refused(tmp_path, DataError, f"its name says AUROC {wrong}, and its scores give", path)


def shown(figure: float, form: str) -> str:
    return form.format(f"{figure:.3f}", comma=f"{figure:.3f}".replace(".", ","), power=f"{figure:.2e}")


@pytest.mark.parametrize(
    "form",
    [
        "[AUC]{}_2",
        "[AUC]{}_seed1",
        "[AUC]{}-seed1",
        "[AUC]{} (2)",
        "[AUC]{comma}",
        "[AUC]{power}",
        "[AUC] {}",
        "[auc]_{}",
        "[AUC]{}_[ACC]",
        "[AUC]{}_[ACC]none_2",
    ],
)
def test_a_figure_in_the_name_is_held_to_the_scores_however_it_is_written(form: str, tmp_path: Path) -> None:
    scores = made_up(BREAST)
    right = scores_of.auroc(labels_of(BREAST), scores)
    path = write_csv(tmp_path / f"breastmnist_test_{shown(right, form)}.csv", scores)
    assert external.score(BREAST, "written", 0, [path], Workspace(tmp_path / "scored"))[1]
    path = write_csv(tmp_path / f"breastmnist_test_{shown(right - 0.1, form)}.csv", scores)
    refused(tmp_path, DataError, "its name says AUROC", path)


@pytest.mark.parametrize(
    "text",
    ["0.9.1", "0.9-0.95", "0.90l", "0.9e", "1e999", "95%", "~0.9", "-0.9", "\N{ARABIC-INDIC DIGIT ONE}"],
)
def test_a_figure_in_the_name_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / f"breastmnist_test_[ACC]{text}@1.csv", made_up(BREAST))
    refused(tmp_path, DataError, f"its name has '{text}' behind [ACC], which can't be read", path)


def test_a_figure_that_is_given_twice_is_held_to_the_scores_twice(tmp_path: Path) -> None:
    scores = made_up(BREAST)
    right = scores_of.auroc(labels_of(BREAST), scores)
    path = write_csv(tmp_path / f"breastmnist_test_[AUC]0.1_[AUC]{right:.3f}.csv", scores)
    refused(tmp_path, DataError, "its name says AUROC 0.1, and its scores give", path)


def test_a_figure_in_the_name_of_an_npz_is_of_its_only_split(tmp_path: Path) -> None:
    np.savez(tmp_path / "[AUC]0.1.npz", test_scores=made_up(BREAST))
    refused(tmp_path, DataError, "its name says AUROC 0.1, and its scores give", tmp_path / "[AUC]0.1.npz")
    np.savez(tmp_path / "[AUC]0.1.npz", test_scores=made_up(BREAST), val_scores=made_up(BREAST, "val"))
    refused(tmp_path, DataError, "does not say of which of val, test; take them out", tmp_path / "[AUC]0.1.npz")


def test_a_name_that_calls_the_auroc_undefined_is_held_to_the_scores_too(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "breastmnist_test_[AUC]nan_[ACC]x@1.csv", made_up(BREAST))
    refused(tmp_path, DataError, "its name says AUROC nan, and its scores give", path)


def test_blank_lines_at_the_end_are_no_images(tmp_path: Path) -> None:
    scores = softmax(made_up(BREAST))
    path = write_csv(tmp_path / "breastmnist_test_@1.csv", scores)
    path.write_text(path.read_text() + "\n\n")
    folder, made = external.score(BREAST, "blank", 0, [path], Workspace(tmp_path / "scored"))
    assert made
    assert len(folder.scores()["test"][1]) == len(scores)
    path.write_text(path.read_text().replace("\n1,", "\n\n1,", 1))
    refused(tmp_path, DataError, "line 2: the first column has nan, not 1", path)


def test_labels_in_another_order_are_refused(tmp_path: Path) -> None:
    labels = labels_of(BREAST)
    first = int(np.flatnonzero(labels != labels[::-1])[0])
    np.savez(tmp_path / "a.npz", test_scores=made_up(BREAST), test_labels=labels[::-1])
    count = int((labels != labels[::-1]).sum())
    sentence = f"test_labels: {count} of 20 differ from the data file's, the first at image {first}"
    refused(tmp_path, DataError, sentence, tmp_path / "a.npz")


def test_labels_of_another_shape_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", test_scores=made_up(BREAST), test_labels=np.eye(2)[labels_of(BREAST)[:, 0]])
    refused(
        tmp_path, DataError, "test_labels: shape (20, 2), and the data file's labels have (20, 1)", tmp_path / "a.npz"
    )


def test_too_few_labels_are_too_few_scores_of_a_multi_label_task(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", test_scores=made_up(CHEST)[:, :13])
    refused(tmp_path, DataError, "13 scores an image, expected 14 (multi-label)", tmp_path / "a.npz", data=CHEST)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"scores": np.zeros(20)}, "unknown array scores; known: train_scores, train_labels"),
        ({"test_scores": np.array([None] * 20)}, "test_scores: found pickled Python objects, which are never loaded"),
        ({"test_scores": np.array(["high"] * 20)}, "test_scores: holds <U4, not numbers"),
        ({"test_scores": np.zeros((20, 2, 2))}, "2x2 scores an image"),
        ({"test_scores": np.float64(0.5)}, "no scores an image"),
        ({"test_scores": np.zeros((2**25 + 1, 1))}, "more scores than any task has"),
    ],
)
def test_a_bad_npz_is_refused_in_one_sentence(arrays: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    refused(tmp_path, DataError, sentence, tmp_path / "a.npz")


def test_an_npz_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", test_scores=made_up(BREAST))
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:200])
    refused(tmp_path, DataError, "found no whole zip archive", tmp_path / "a.npz")


def test_a_split_in_two_files_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", test_scores=made_up(BREAST))
    path = write_csv(tmp_path / "breastmnist_test.csv", made_up(BREAST))
    refused(tmp_path, DataError, f"split test is in {tmp_path / 'a.npz'}: test_scores too", tmp_path / "a.npz", path)


def test_without_the_test_split_there_is_nothing_to_show(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", val_scores=made_up(BREAST, "val"))
    refused(
        tmp_path,
        BadInput,
        "no scores of the test split, which every table shows; splits given: val",
        tmp_path / "a.npz",
    )


@pytest.mark.parametrize(
    ("name", "sentence"), [("gone.csv", "gone.csv: no such file"), ("a.txt", "neither .csv (MedMNIST's")]
)
def test_no_file_or_another_kind_is_refused(name: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    refused(tmp_path, BadInput, sentence, tmp_path / name)


@pytest.mark.parametrize("name", ["my-method", "resnet50_v2", "0"])
def test_a_name_of_a_method(name: str) -> None:
    check_name(name, PARAMS["recipes"], "option --name")


@pytest.mark.parametrize("name", ["", "../up", "My Method", "-x", "a/b", "a" * 41, ".", "café"])
def test_a_name_that_makes_no_folder_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="is no name for a folder"):
        check_name(name, PARAMS["recipes"], "option --name")


def test_a_recipes_name_is_refused() -> None:
    with pytest.raises(BadInput, match="'dam' is the name of a recipe"):
        check_name("dam", PARAMS["recipes"], "option --name")
