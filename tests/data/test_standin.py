"""Stand-in data: the shapes of the seven official tasks, the same bytes every time, and something to learn."""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from medmnist import INFO
from sklearn.metrics import roc_auc_score
from torch import nn

from benchmark.config.entries import StandinTask
from benchmark.config.tasks import KINDS, SPLITS, Task, build_task
from benchmark.data import standin
from benchmark.data.fetch import fetch


def make_task(official: str, fraction: float = 0.02) -> Task:
    return build_task(f"standin-{official}", StandinTask(standin=official, fraction=fraction))


def test_there_are_label_shares_for_exactly_the_official_tasks_with_binary_labels() -> None:
    assert standin.SHARES.keys() == {name for name, info in INFO.items() if info["task"] in KINDS}


@pytest.mark.parametrize("official", standin.SHARES)
def test_arrays_have_the_shape_of_the_official_file(official: str) -> None:
    task = make_task(official)
    arrays = standin.generate(task)
    assert arrays.keys() == {f"{split}_{part}" for split in SPLITS for part in ("images", "labels")}
    assert task.split_sizes is not None
    for split, count in task.split_sizes.items():
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        assert images.shape == (count, *[28] * (3 if official.endswith("3d") else 2))
        assert labels.shape == (count, 14 if official == "chestmnist" else 1)
        assert (images.dtype, labels.dtype) == (np.uint8, np.uint8)


@pytest.mark.parametrize("official", standin.SHARES)
def test_every_label_of_the_smallest_splits_has_both_classes_twice(official: str) -> None:
    arrays = standin.generate(make_task(official, fraction=1e-6))
    for split in SPLITS:
        labels = arrays[f"{split}_labels"]
        assert len(labels) == 16
        assert set(np.unique(labels)) == {0, 1}
        assert labels.sum(axis=0).min() >= 2
        assert (1 - labels).sum(axis=0).min() >= 2


@pytest.mark.parametrize("official", standin.SHARES)
def test_the_class_balance_is_near_the_official_one(official: str) -> None:
    labels = standin.generate(make_task(official, fraction=0.2))["train_labels"]
    tolerance = 2 / len(labels)  # two images are there in any case
    np.testing.assert_allclose(labels.mean(axis=0), standin.SHARES[official], atol=tolerance)


def test_full_size_splits_are_those_of_the_official_file() -> None:
    arrays = standin.generate(make_task("breastmnist", fraction=1.0))
    assert [len(arrays[f"{split}_labels"]) for split in SPLITS] == [546, 78, 156]


def test_the_same_task_gives_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, digests, path = make_task("chestmnist", fraction=0.001), [], Path("data/file.npz")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        np.random.seed(len(name))  # noqa: NPY002 - the global generator must have no say
        digests.append(fetch(task, path, None, retries=0, timeout_s=1).md5)
    assert digests[0] == digests[1] == hashlib.md5(path.read_bytes()).hexdigest()
    with zipfile.ZipFile(path) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_making_images_in_pieces_forgets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin, "PIXELS_AT_ONCE", 100 * 28 * 28)  # 273 images: two whole pieces and a part of one
    images = standin.generate(make_task("breastmnist", fraction=0.5))["train_images"]
    assert images.std(axis=(1, 2)).min() > 20
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_two_tasks_share_no_image() -> None:
    first, second = (standin.generate(make_task(name)) for name in ("breastmnist", "pneumoniamnist"))
    assert not (first["train_images"][:16] == second["train_images"][:16]).all(axis=(1, 2)).any()


def test_patterns_survive_flips_and_hide_no_other() -> None:
    patterns = standin._patterns(28, 2, 14).astype(float)
    np.testing.assert_array_equal(patterns, patterns[:, ::-1])
    np.testing.assert_array_equal(patterns, patterns[:, :, ::-1])
    flat = patterns.reshape(14, -1)
    products = flat @ flat.T
    assert np.abs(products - np.diag(np.diag(products))).max() < 0.01 * np.diag(products).min()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads, by far where other work shares the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("official", "fraction", "epochs"),
    [("breastmnist", 0.5, 5), ("adrenalmnist3d", 0.2, 3), ("chestmnist", 0.03, 4)],
)
@pytest.mark.usefixtures("one_thread")
def test_a_tiny_network_learns_it_in_a_few_epochs(official: str, fraction: float, epochs: int) -> None:
    task = make_task(official, fraction)
    arrays = standin.generate(task)
    scores = train_and_score(task, arrays, epochs)
    # Far above chance, and short of perfect: the classes overlap.
    assert 0.7 < roc_auc_score(arrays["test_labels"], scores, average="macro") < 0.995


def train_and_score(task: Task, arrays: dict[str, np.ndarray], epochs: int) -> np.ndarray:
    """Two strided convolutions and a linear layer, trained for seconds; logits of the test split."""
    convolution = nn.Conv2d if task.dim.axes == 2 else nn.Conv3d
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            convolution(1, 8, 5, stride=2, padding=2),
            nn.ReLU(),
            convolution(8, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(8 * 7**task.dim.axes, task.label_count),
        )
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    images, labels = as_input(arrays["train_images"]), torch.from_numpy(arrays["train_labels"]).float()
    for _ in range(epochs):
        for batch in torch.randperm(len(labels), generator=generator).split(32):
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(network(images[batch]), labels[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        scores: np.ndarray = network(as_input(arrays["test_images"])).numpy()
    return scores


def as_input(images: np.ndarray) -> torch.Tensor:
    return (torch.from_numpy(images).unsqueeze(1).float() - 128) / 64
