"""The run folder: what is written comes back, and nothing is ever half-written."""

import errno
import hashlib
import json
import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.core.errors import DamagedRun
from benchmark.runs.folder import RESULTS, RunFolder
from benchmark.runs.status import NOT_FINISHED, NOT_RUN, RUNNING, State, Status
from benchmark.runs.workspace import Workspace
from tests.helpers import from_elsewhere, told, trained


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return Workspace(tmp_path).run("quick", "breastmnist", "dam", 0)


def test_scores_come_back_per_split_in_file_order(folder: RunFolder) -> None:
    labels, scores = np.array([[0], [1], [1]]), np.array([[0.25], [0.5], [0.75]])
    folder.write_scores({"train": (labels, scores), "test": (labels[:2], scores[:2])})
    scored = folder.scores()
    assert list(scored) == ["train", "test"]
    assert scored["train"][0].dtype == np.uint8
    assert scored["train"][1].dtype == np.float32
    assert np.array_equal(scored["test"][1], scores[:2])


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


def test_a_full_disk_is_the_systems_error_also_where_safetensors_has_its_own(folder: RunFolder) -> None:
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, most[1]))
    try:
        with pytest.raises(OSError, match=r"model\.safetensors") as caught:
            folder.write_weights({"a": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert caught.value.errno == errno.EFBIG
    assert list(folder.path.iterdir()) == []


def test_a_record_comes_back_as_it_was_written(folder: RunFolder) -> None:
    for record in (trained(), trained(status=Status(State.FAILED, "loss: not finite"), best_epoch=3), from_elsewhere()):
        folder.write_record(record)
        assert folder.record() == record


def test_what_a_later_version_has_added_to_a_record_is_passed_over(folder: RunFolder) -> None:
    folder.write_record(trained())
    content = json.loads((folder.path / "run.json").read_text())
    content["hardware"]["disk"] = content["weather"] = "fine"
    (folder.path / "run.json").write_text(json.dumps(content))
    assert folder.record() == trained()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", r"run.json: can't be read"),
        (f'{{"status": {5000 * "1"}}}', r"run.json: can't be read \(Exceeds the limit \(4300 digits\)"),
        ("[]", r"run.json: is no record of a run"),
        ('{"config": "x"}', r"run.json: is no record of a run"),
        ('{"status": "done"}', r"run.json: is no record of a run \(identity: Field required\)"),
        ('{"status": "gone"}', r"run.json: is no record of a run \(status: "),
    ],
)
def test_a_damaged_record_is_named_and_is_of_no_run(folder: RunFolder, content: str, sentence: str) -> None:
    folder.write_record(trained())
    assert folder.holds(trained().identity)
    (folder.path / "run.json").write_text(content)
    with told(DamagedRun, sentence + ".*; run its stage again, which makes it anew, or remove the folder"):
        folder.record()
    assert not folder.holds(trained().identity)
    assert not folder.is_done


@pytest.mark.parametrize("content", ["", "[]", "{", "{}", "7"])
def test_a_damaged_note_of_where_mlflow_holds_a_run_counts_as_none(folder: RunFolder, content: str) -> None:
    folder.write_record(trained())
    folder.write_tracking({"identity": trained().identity, "run_id": "1"})
    assert folder.tracking()["run_id"] == "1"
    (folder.path / "tracking.json").write_text(content)
    assert folder.tracking() == {}


def test_predictions_from_elsewhere_are_no_training(folder: RunFolder) -> None:
    folder.write_record(from_elsewhere())
    with pytest.raises(DamagedRun, match="predictions from elsewhere"):
        folder.trained()


def test_a_run_without_its_files_is_not_finished(folder: RunFolder) -> None:
    assert folder.status == NOT_RUN
    folder.write_record(trained(status=RUNNING))
    assert folder.status == NOT_FINISHED
    folder.write_record(trained())
    assert folder.status.state is State.NOT_FINISHED
    for name in RESULTS["finetune"]:
        (folder.path / name).touch()
    folder.seal(trained())
    assert folder.is_done
    (folder.path / "scores.npz").unlink()
    assert folder.status == Status(State.NOT_FINISHED, "without scores.npz")


@pytest.mark.parametrize("name", RESULTS["finetune"])
def test_a_run_is_what_its_record_says(folder: RunFolder, name: str) -> None:
    folder.path.mkdir(parents=True)
    for made in RESULTS["finetune"]:
        (folder.path / made).write_text("as it was made")
    folder.seal(trained())
    assert folder.record().results == {
        made: hashlib.sha256(b"as it was made").hexdigest() for made in RESULTS["finetune"]
    }
    (folder.path / name).write_text("as it was mode")
    assert folder.status == Status(State.DAMAGED, f"{name}: not what the run has made")
    assert folder.status_of_figures.is_done == (name == "model.safetensors")
    (folder.path / name).write_text("as it was made")
    assert folder.is_done


def test_weights_may_be_kept_elsewhere_for_those_who_only_read_figures(folder: RunFolder) -> None:
    folder.path.mkdir(parents=True)
    for made in RESULTS["finetune"]:
        (folder.path / made).touch()
    folder.seal(trained())
    (folder.path / "model.safetensors").unlink()
    assert folder.status_of_figures.is_done
    assert not folder.is_done


def test_scores_are_kept_in_double_precision_where_asked(folder: RunFolder) -> None:
    scores = np.array([[1 - 1e-12], [1 - 2e-12]])
    folder.write_scores({"test": (np.array([[1], [0]]), scores)}, np.float64)
    assert np.array_equal(folder.scores()["test"][1], scores)
