"""README.md's part of a study: from its figures, between the marks, and nothing else is touched."""

from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from benchmark.config.params import FinetuneSection
from benchmark.core.errors import BadInput
from benchmark.report import kept, readme
from benchmark.report.gather import collect
from benchmark.runs.workspace import Workspace
from tests.report.parts import PROFILE, sample_params, write_sample

TASKS = ("breastmnist", "vesselmnist3d")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(kept, "CACHE", tmp_path / "cache")
    (tmp_path / "README.md").write_text(f"# Title\n\n{readme.BEGIN}\nold\n{readme.END}\n\nthe rest\n")
    return Workspace(tmp_path)


def comparison_of(workspace: Workspace, tasks: tuple[str, ...] = TASKS):
    params = sample_params(tasks).model_copy(update={"finetune": FinetuneSection(recipes=("dam", "focal"))})
    write_sample(params, workspace, tasks)
    return collect(params, PROFILE, workspace)


def test_the_part_is_replaced_and_the_rest_stays(workspace: Workspace) -> None:
    files = readme.write(comparison_of(workspace), workspace.root)
    text = (workspace.root / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# Title\n\n{readme.BEGIN}\n**Training for AUROC")
    assert text.endswith(f"{readme.END}\n\nthe rest\n")
    assert "old" not in text
    assert files == [workspace.root / "README.md", workspace.root / readme.PICTURE]
    assert (workspace.root / readme.PICTURE).read_text(encoding="utf-8").lstrip().startswith("<?xml")
    readme.write(comparison_of(workspace), workspace.root)
    assert (workspace.root / "README.md").read_text(encoding="utf-8") == text


def test_its_table_is_scikit_learns_mean_over_seeds(workspace: Workspace) -> None:
    comparison = comparison_of(workspace)
    rows = [line.strip("| ").split(" | ") for line in readme.block(comparison).splitlines() if line.startswith("|")]
    assert rows[0] == [*TASKS]
    table = {name: cells for name, *cells in rows[2:]}
    assert table["published: README"] == ["0.9121", "0.7835"]
    assert table["published: MedMNIST v2, ResNet-18"] == ["0.901", "0.874"]
    for recipe in ("dam", "focal"):
        for task, shown in zip(TASKS, table[recipe], strict=True):
            runs = [workspace.run(PROFILE, task, recipe, seed).scores()["test"] for seed in (0, 1)]
            mean = sum(roc_auc_score(*run) for run in runs) / 2
            assert shown.startswith(f"{mean:.4f} ± ")


def test_stand_in_data_never_gets_there(workspace: Workspace) -> None:
    text = readme.block(comparison_of(workspace, ("breastmnist", "standin-vesselmnist3d")))
    assert "vesselmnist3d" not in text
    with pytest.raises(BadInput, match="no figures on real data"):
        readme.block(comparison_of(Workspace(workspace.root / "other"), ("standin-vesselmnist3d",)))


@pytest.mark.parametrize("text", ["# Title\n", f"{readme.END}\n{readme.BEGIN}\n", f"{readme.BEGIN}\n" * 2 + readme.END])
def test_without_its_marks_nothing_is_written(workspace: Workspace, text: str) -> None:
    (workspace.root / "README.md").write_text(text)
    with pytest.raises(BadInput, match=r"README\.md: needs the lines"):
        readme.write(comparison_of(workspace), workspace.root)
    assert (workspace.root / "README.md").read_text() == text
    assert not (workspace.root / readme.PICTURE).exists()
