"""What is worked out of scores is kept by their digest."""

import pytest
from joblib import Memory

from benchmark.core.files import sha256_of
from benchmark.evaluation import measures
from benchmark.report import numbers
from benchmark.runs.workspace import Workspace
from tests.report.parts import sample_params, write_run


def test_what_was_worked_out_once_is_kept_until_the_scores_change(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(sample_params(("breastmnist",)), workspace, "breastmnist", "dam")
    memory = Memory(workspace.root / "cache", verbose=0)
    monkeypatch.setattr(numbers, "_run", memory.cache(numbers.run_numbers, ignore=["folder"]))
    (first,) = numbers.of_runs([folder])
    assert first.digest == sha256_of(folder.path / "scores.npz")
    with monkeypatch.context() as patch:
        patch.setattr(measures, "mean", lambda rows: pytest.fail("worked out again"))
        assert numbers.of_runs([folder])[0].bootstrap == first.bootstrap
    scores = folder.scores()
    folder.write_scores(scores | {"test": (scores["test"][0], scores["test"][1][::-1])})
    assert numbers.of_runs([folder])[0].bootstrap != first.bootstrap


def test_a_runs_scores_are_digested_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run(sample_params(("breastmnist",)), workspace, "breastmnist", "dam")
    digested = []

    def digest(path: object) -> str:
        digested.append(path)
        return "0" * 64

    monkeypatch.setattr(numbers, "sha256_of", digest)
    monkeypatch.setattr(numbers, "_run", Memory(None).cache(numbers.run_numbers))
    monkeypatch.setattr(numbers, "_cell", Memory(None).cache(numbers.cell_numbers))
    (run,) = numbers.of_runs([folder])
    numbers.prepare_cells([[(folder, run.digest)]])
    numbers.of_cell([(folder, run.digest)])
    assert digested == [folder.path / "scores.npz"]
