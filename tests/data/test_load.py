"""A fetched file comes back as tensors, and no other file does."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.config.entries import OfficialTask, StandinTask
from benchmark.config.tasks import SPLITS, build_task
from benchmark.core.errors import DataError
from pipelines.console.mends import sentence
from tests.data.files import (
    FINDINGS,
    NO,
    fetch,
    load,
    make_arrays,
    official_task,
    own_task,
    path_of,
    small_official,
    write,
)
from tests.helpers import REAL, needs, told


@pytest.mark.parametrize(("dimension", "labels", "columns"), [(2, NO, 1), (3, NO, 1), (2, FINDINGS, 3)])
def test_loaded_tensors_equal_the_file(project: Path, dimension: int, labels: tuple[str, ...], columns: int) -> None:
    arrays = make_arrays(shape=(8,) * dimension, columns=columns)
    arrays = {key: array.astype(np.int64) if "labels" in key else array for key, array in arrays.items()}
    task = own_task(write(project / "mine.npz", arrays), dimension, labels)
    fetch(task)
    loaded = load(task)
    assert (loaded.task, loaded.md5, list(loaded.splits)) == (task, task.md5, list(SPLITS))
    for name, split in loaded.splits.items():
        assert (split.images.dtype, split.labels.dtype, len(split)) == (torch.uint8, torch.uint8, 6)
        np.testing.assert_array_equal(split.images.numpy(), arrays[f"{name}_images"][:, None])
        np.testing.assert_array_equal(split.labels.numpy(), arrays[f"{name}_labels"])


def test_a_missing_file_says_how_to_get_it() -> None:
    with pytest.raises(DataError) as error:
        load(official_task())
    assert sentence(error.value) == (
        "data/breastmnist.npz: not there; run `dvc repro fetch@breastmnist` or `python -m pipelines.fetch breastmnist`"
    )


def test_a_file_changed_since_it_was_fetched_is_not_loaded(mirror: Path) -> None:
    task = small_official(mirror)
    fetch(task, mirror)
    md5 = write(path_of(task), make_arrays(count=8))
    with told(DataError, f"data/breastmnist.npz: has MD5 {md5}, expected {task.md5}; run `dvc repro"):
        load(task)


def test_stand_in_data_of_wrong_structure_is_not_loaded() -> None:
    task = build_task("standin-breastmnist", StandinTask(standin="breastmnist", fraction=0.1))
    path_of(task).parent.mkdir()
    write(path_of(task), make_arrays())
    with pytest.raises(DataError, match=r"train_images: found shape \(6, 8, 8\), expected \(n, 28, 28\)"):
        load(task)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "dataset", "size"),
    [
        pytest.param("breastmnist", "BreastMNIST", 28, marks=needs("breastmnist.npz")),
        pytest.param("vesselmnist3d", "VesselMNIST3D", 28, marks=needs("vesselmnist3d.npz")),
        pytest.param("adrenalmnist3d", "AdrenalMNIST3D", 28, marks=[needs("adrenalmnist3d.npz"), pytest.mark.slow]),
        pytest.param("adrenalmnist3d", "AdrenalMNIST3D", 64, marks=[needs("adrenalmnist3d_64.npz"), pytest.mark.slow]),
    ],
)
def test_an_official_file_loads_as_medmnist_reads_it(name: str, dataset: str, size: int) -> None:
    import medmnist

    task = build_task(
        name if size == 28 else f"{name}_{size}", OfficialTask.model_validate({"official": name, "size": size})
    )
    assert fetch(task, REAL).source == str(REAL / task.file_name)
    for split, found in load(task).splits.items():
        expected = getattr(medmnist, dataset)(split=split, root=str(REAL), size=size)
        np.testing.assert_array_equal(found.images.squeeze(1).numpy(), expected.imgs)
        np.testing.assert_array_equal(found.labels.numpy(), expected.labels)
