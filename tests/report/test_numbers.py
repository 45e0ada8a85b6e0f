"""What is worked out of scores is kept by their digest, as plain data."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from benchmark.core.files import sha256_of
from benchmark.evaluation import measures
from benchmark.report import kept, numbers
from benchmark.runs.folder import RunFolder
from benchmark.runs.workspace import Workspace
from tests.report.parts import sample_params, write_run


@pytest.fixture
def folders(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    """Two seeds, and a cache of their own."""
    monkeypatch.setattr(kept, "CACHE", workspace.root / "cache")
    params = sample_params(("breastmnist",))
    return [write_run(params, workspace, "breastmnist", "dam", seed) for seed in (0, 1)]


def test_what_was_worked_out_once_is_kept_until_the_scores_change(
    folders: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folders[0]
    (first,) = numbers.of_runs([folder])
    assert first.digest == sha256_of(folder.path / "scores.npz")
    with monkeypatch.context() as patch:
        patch.setattr(measures, "mean", lambda rows: pytest.fail("worked out again"))
        assert numbers.of_runs([folder])[0].bootstrap == first.bootstrap
    scores = folder.scores()
    folder.write_scores(scores | {"test": (scores["test"][0], scores["test"][1][::-1])})
    assert numbers.of_runs([folder])[0].bootstrap != first.bootstrap


def test_what_is_kept_is_what_was_worked_out_to_the_last_bit(folders: list[RunFolder]) -> None:
    runs = [(folder, sha256_of(folder.path / "scores.npz")) for folder in folders]
    assert numbers.of_cell(runs) is not numbers.of_cell(runs)
    np.testing.assert_equal(asdict(numbers.of_cell(runs)), asdict(numbers.cell_numbers(runs)))
    numbers.of_runs(folders)
    again = numbers.of_runs(folders)
    np.testing.assert_equal([asdict(run) for run in again], [asdict(numbers.run_numbers([run])) for run in runs])
    assert again[0].roc.dtype == np.float64
    assert isinstance(numbers.of_cell(runs).over.seeds, int)


def test_no_file_of_the_cache_is_code(folders: list[RunFolder]) -> None:
    numbers.of_runs(folders)
    files = [path for path in kept.CACHE.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert all(isinstance(json.loads(path.read_text()), dict) for path in files)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"digest": ["no text"]}', "\x80\x04."])
def test_a_damaged_file_is_worked_out_again(folders: list[RunFolder], content: str) -> None:
    (first,) = numbers.of_runs(folders[:1])
    (path,) = [path for path in kept.CACHE.rglob("*") if path.is_file()]
    path.write_text(content)
    assert numbers.of_runs(folders[:1])[0].measures == first.measures
    assert kept.read(numbers.RunNumbers, path) is not None


def test_many_new_runs_are_worked_out_by_several_processes_and_kept(
    folders: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "WORTH_PROCESSES", 2)
    monkeypatch.setattr(kept, "read", lambda kind, path: json.loads(Path(path).read_text()))
    assert [run["digest"] for run in numbers.of_runs(folders)] == [  # type: ignore[index]
        sha256_of(folder.path / "scores.npz") for folder in folders
    ]


def test_a_runs_scores_are_digested_once(folders: list[RunFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    digested = []

    def digest(path: object) -> str:
        digested.append(path)
        return "0" * 64

    monkeypatch.setattr(numbers, "sha256_of", digest)
    (run,) = numbers.of_runs(folders[:1])
    numbers.prepare_cells([[(folders[0], run.digest)]])
    numbers.of_cell([(folders[0], run.digest)])
    assert digested == [folders[0].path / "scores.npz"]
