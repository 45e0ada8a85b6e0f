"""A data file of wrong structure is refused, with what was found and what was expected."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.core.errors import DataError
from benchmark.core.files import md5_of
from benchmark.data import structure
from tests.data.files import FINDINGS, NO, Arrays, fetch, left_behind, make_arrays, own_task, small_official, write
from tests.helpers import told


def without(key: str) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {name: array for name, array in arrays.items() if name != key}


def changed(**new: np.ndarray) -> Callable[[Arrays], Arrays]:
    return lambda arrays: arrays | new


LABELS = make_arrays()["train_labels"]
ONE_FINDING_ALL_1 = np.hstack([LABELS, np.ones_like(LABELS), LABELS])
STRUCTURES = {
    "missing key": (without("val_labels"), "found no array val_labels, expected the arrays train_images, train_l"),
    "float images": (
        changed(train_images=np.zeros((6, 8, 8))),
        "train_images: found float64, expected uint8",
    ),
    "colour": (
        changed(train_images=np.zeros((6, 8, 8, 3), np.uint8)),
        r"train_images: found shape \(6, 8, 8, 3\), expected \(n, 8, 8\), one channel",
    ),
    "colour, first": (
        changed(train_images=np.zeros((6, 3, 8, 8), np.uint8)),
        r"train_images: found shape \(6, 3, 8, 8\), expected \(n, 8, 8\), one channel",
    ),
    "flat": (
        changed(train_images=np.zeros((6, 64), np.uint8)),
        r"train_images: found shape \(6, 64\), expected \(n, size, size\), one channel",
    ),
    "not square": (
        changed(train_images=np.zeros((6, 9, 8), np.uint8)),
        r"train_images: found shape \(6, 9, 8\), expected \(n, 9, 9\), one channel",
    ),
    "another size in one split": (
        changed(test_images=np.zeros((6, 9, 9), np.uint8)),
        r"test_images: found shape \(6, 9, 9\), expected \(n, 8, 8\), one channel",
    ),
    "float labels": (changed(train_labels=LABELS.astype(float)), "train_labels: found float64, expected integers"),
    "no pixels": (
        changed(**{f"{split}_images": np.zeros((6, 0, 0), np.uint8) for split in ("train", "val", "test")}),
        r"train_images: found shape \(6, 0, 0\), expected images with pixels",
    ),
    "flat labels": (changed(train_labels=LABELS[:, 0]), r"train_labels: found shape \(6,\), expected \(n, 1\)"),
    "too many columns": (
        changed(train_labels=np.hstack([LABELS, LABELS])),
        r"train_labels: found shape \(6, 2\), expected \(n, 1\)",
    ),
    "labels out of range": (changed(test_labels=LABELS + 1), "test_labels: found the values 2, expected 0 and 1 only"),
    "negative labels": (
        changed(test_labels=LABELS.astype(np.int8) - 1),
        "test_labels: found the values -1, expected 0 and 1 only",
    ),
    "too few labels": (changed(val_labels=LABELS[:4]), "val: found 6 images and 4 labels, expected as many"),
    "empty split": (
        changed(val_images=np.zeros((0, 8, 8), np.uint8), val_labels=np.zeros((0, 1), np.uint8)),
        "val: found an empty split, expected at least one image of each class",
    ),
    "one class only": (
        changed(val_labels=np.ones((6, 1), np.uint8)),
        r"val_labels: found one class only \(all 1\), expected both classes",
    ),
    "objects": (
        changed(train_images=np.array([[object()]] * 6, dtype=object)),
        "train_images: found pickled Python objects, which are never loaded, expected an array of numbers",
    ),
    "a single number": (
        changed(val_images=np.array(7, np.uint8)),
        "val_images: found a single number, expected an array",
    ),
}


@pytest.mark.parametrize("case", STRUCTURES)
def test_a_wrong_structure_is_named(project: Path, case: str) -> None:
    change, message = STRUCTURES[case]
    task = own_task(write(project / "mine.npz", change(make_arrays())))
    with told(DataError, f"^mine.npz: {message}.*; save the file again in MedMNIST's format and decl"):
        fetch(task)
    assert left_behind(project) == ["mine.npz"]


def test_another_split_size_than_the_official_one_is_named(tmp_path: Path) -> None:
    task = replace(small_official(tmp_path), split_sizes={"train": 6, "val": 5, "test": 6})
    with told(DataError, r"breastmnist\.npz: val: found 6 images, expected 5;"):
        structure.verify(tmp_path / "breastmnist.npz", task)


def test_the_official_image_size_is_asked_for(tmp_path: Path) -> None:
    task = replace(small_official(tmp_path), size=64)
    with pytest.raises(DataError, match=r"found shape \(6, 28, 28\), expected \(n, 64, 64\), one channel"):
        structure.verify(tmp_path / "breastmnist.npz", task)


def test_a_multi_label_file_names_the_label_with_one_class_only(project: Path) -> None:
    arrays = make_arrays(columns=3) | {"val_labels": ONE_FINDING_ALL_1}
    task = own_task(write(project / "mine.npz", arrays), labels=FINDINGS)
    with pytest.raises(DataError, match=r"val_labels: found one class only of label 'nodule' \(all 1\), expected both"):
        fetch(task)


@pytest.mark.parametrize(("dimension", "labels", "columns"), [(2, FINDINGS, 3), (3, NO, 1)])
def test_own_files_of_either_dimension_and_kind_are_accepted(
    project: Path, dimension: int, labels: tuple[str, ...], columns: int
) -> None:
    arrays = make_arrays(shape=(8,) * dimension, columns=columns)
    fetch(own_task(write(project / "mine.npz", arrays), dimension, labels))


@pytest.mark.parametrize("content", ["half", "text"])
def test_a_truncated_file_or_no_zip_is_named(project: Path, content: str) -> None:
    path = project / "mine.npz"
    write(path, make_arrays())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content == "half" else b"<html>Sorry</html>")
    size = path.stat().st_size
    with pytest.raises(
        DataError, match=f"mine.npz: found {size} bytes that are no whole zip archive, expected an .npz"
    ):
        fetch(own_task(md5_of(path)))
    assert left_behind(project) == ["mine.npz"]


def test_a_damaged_array_is_named(project: Path) -> None:
    path = project / "mine.npz"
    arrays = make_arrays()
    write(path, arrays)
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(arrays["train_labels"].tobytes())] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"mine.npz: train_labels: found no whole array \(.*CRC.*\), expected an array"):
        fetch(own_task(md5_of(path)))


def test_a_member_that_is_no_array_is_named(project: Path) -> None:
    write(project / "mine.npz", without("val_images")(make_arrays()))
    with zipfile.ZipFile(project / "mine.npz", "a") as archive:
        archive.writestr("val_images.npy", b"no array")
    with pytest.raises(DataError, match=r"val_images: found no whole array \(.*\), expected an array of numbers"):
        fetch(own_task(md5_of(project / "mine.npz")))
