"""The run folder: what is written comes back, and nothing is ever half-written."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.errors import DataError
from benchmark.runs import (
    RunFolder,
    alone,
    atomic,
    external_folder,
    list_external,
    list_refusals,
    list_runs,
    run_folder,
    write_refusal,
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return run_folder("quick", "breastmnist", "dam", 0, root=tmp_path)


def test_scores_come_back_per_split_in_file_order(folder: RunFolder) -> None:
    labels, scores = np.array([[0], [1], [1]]), np.array([[0.25], [0.5], [0.75]])
    folder.write_scores({"train": (labels, scores), "test": (labels[:2], scores[:2])})
    found = folder.scores()
    assert list(found) == ["train", "test"]
    assert found["train"][0].dtype == np.uint8
    assert found["train"][1].dtype == np.float32
    assert np.array_equal(found["test"][1], scores[:2])


def test_equal_content_gives_equal_bytes(folder: RunFolder) -> None:
    def written() -> list[bytes]:
        folder.write_scores({"test": (np.array([[1]]), np.array([[0.5]]))})
        folder.write_metrics({"b": 0.1, "a": 0.2})
        return [(folder.path / name).read_bytes() for name in ("scores.npz", "metrics.json")]

    assert written() == written()


def test_weights_and_history_come_back(folder: RunFolder) -> None:
    folder.write_weights({"trunk.w": torch.arange(4.0).reshape(2, 2).T})
    folder.write_history([{"epoch": 1, "val_auc": 0.1 + 0.2}, {"epoch": 2, "val_auc": 0.75}])
    assert torch.equal(folder.weights()["trunk.w"], torch.arange(4.0).reshape(2, 2).T)
    assert folder.history()["val_auc"].tolist() == [0.1 + 0.2, 0.75]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write_half() -> None:
        with atomic(path) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_one_process_at_a_time_changes_a_folder_and_the_other_says_that_it_waits(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cell, order = tmp_path / "task" / "recipe-0.1", []

    def second() -> None:
        with alone(cell):
            order.append("second")

    with ThreadPoolExecutor(1) as other:
        with alone(cell):
            waiting = other.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1)
            order.append("first")
        waiting.result()
    assert order == ["first", "second"]
    assert capfd.readouterr().err == f"{cell}: another process is at work on it; waiting for its end\n"


def test_runs_are_listed_failed_ones_included_and_refusals_apart(folder: RunFolder, tmp_path: Path) -> None:
    folder.write_record({"status": "failed: loss not finite"})
    write_refusal(tmp_path / "quick" / "chestmnist" / "x", "chestmnist", "x", "binary only")
    assert [run.path for run in list_runs("quick", tmp_path)] == [folder.path]
    assert not folder.is_done
    (refusal,) = list_refusals("quick", tmp_path)
    assert refusal["status"] == "refused: binary only"


def test_a_damaged_record_is_named(folder: RunFolder) -> None:
    folder.write_record({})
    (folder.path / "run.json").write_text("{")
    with pytest.raises(DataError, match=r"run.json: can't be read"):
        folder.record()


def test_predictions_from_elsewhere_are_listed_apart_from_runs_and_have_no_epochs(tmp_path: Path) -> None:
    folder = external_folder("breastmnist", "my-method", 2, tmp_path / "external")
    assert list(list_external(tmp_path / "external")) == []
    folder.write_record({"status": "done"})
    assert list(list_external(tmp_path / "external")) == [folder]
    assert list(list_runs("external", tmp_path / "runs")) == []
    assert folder.path.parts[-3:] == ("breastmnist", "my-method", "seed2")
    assert folder.history().empty


def test_scores_are_kept_in_double_precision_where_asked(folder: RunFolder) -> None:
    scores = np.array([[1 - 1e-12], [1 - 2e-12]])
    folder.write_scores({"test": (np.array([[1], [0]]), scores)}, np.float64)
    assert np.array_equal(folder.scores()["test"][1], scores)
