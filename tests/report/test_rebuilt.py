"""What README.md and docs/findings.md show of a study: from its figures, between the marks, and nothing else is touched."""

from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from benchmark.config.params import FinetuneSection
from benchmark.core.errors import BadInput
from benchmark.report import kept, page, rebuilt
from benchmark.report.gather import collect
from benchmark.report.model import Comparison
from benchmark.runs.workspace import Workspace
from tests.report.parts import PROFILE, sample_params, write_run, write_sample

TASKS = ("breastmnist", "vesselmnist3d")
FILES = [rebuilt.README, rebuilt.FINDINGS]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(kept, "CACHE", tmp_path / "cache")
    (tmp_path / "docs").mkdir()
    for name in FILES:
        (tmp_path / name).write_text(f"# Title\n\n{rebuilt.BEGIN}\nwhat was before\n{rebuilt.END}\n\nthe rest\n")
    return Workspace(tmp_path)


def table_of(text: str) -> list[str]:
    """The lines of the README's last table: test AUROC by recipe and task."""
    return [line for line in text.partition("Test AUROC of profile")[2].splitlines() if line.startswith("|")]


def comparison_of(workspace: Workspace, tasks: tuple[str, ...] = TASKS) -> Comparison:
    params = sample_params(tasks).model_copy(update={"finetune": FinetuneSection(recipes=("dam", "focal"))})
    write_sample(params, workspace, tasks)
    return collect(params, PROFILE, workspace)


def test_the_parts_are_replaced_and_the_rest_stays(workspace: Workspace) -> None:
    comparison, root = comparison_of(workspace), workspace.root
    files = rebuilt.write(comparison, root)
    assert files == [root / name for name in (*FILES, rebuilt.PICTURE)]
    texts = {name: (root / name).read_text(encoding="utf-8") for name in FILES}
    parts = {rebuilt.README: "**Training for AUROC", rebuilt.FINDINGS: "## Does training for AUROC help?"}
    for name, text in texts.items():
        assert text.startswith(f"# Title\n\n{rebuilt.BEGIN}\n{parts[name]}")
        assert text.endswith(f"{rebuilt.END}\n\nthe rest\n")
        assert "what was before" not in text
    assert (root / rebuilt.PICTURE).read_text(encoding="utf-8").lstrip().startswith("<?xml")
    rebuilt.write(comparison, root)
    assert {name: (root / name).read_text(encoding="utf-8") for name in FILES} == texts


def test_the_findings_are_what_the_report_says_first(workspace: Workspace) -> None:
    comparison = comparison_of(workspace)
    text = rebuilt.findings(comparison)
    assert text == page.answer(comparison)
    for place in ("all tasks", *TASKS):
        assert f"| dam \N{MINUS SIGN} focal | AUROC | {place} | " in text
    assert "| breastmnist, README | 0.9121" in text


def test_the_table_is_scikit_learns_mean_over_seeds(workspace: Workspace) -> None:
    text = rebuilt.readme(comparison_of(workspace), None)
    rows = [line.strip("| ").split(" | ") for line in table_of(text)]
    assert rows[0] == [*TASKS]
    table = {name: cells for name, *cells in rows[2:]}
    assert table["published: README"] == ["0.9121", "0.7835"]
    assert table["published: MedMNIST v2, ResNet-18"] == ["0.901", "0.874"]
    for recipe in ("dam", "focal"):
        for task, shown in zip(TASKS, table[recipe], strict=True):
            runs = [workspace.run(PROFILE, task, recipe, seed).scores()["test"] for seed in (0, 1)]
            mean = sum(roc_auc_score(*run) for run in runs) / 2
            assert shown.startswith(f"{mean:.4f} ± ")


def test_a_recipe_without_a_figure_is_no_row_but_named(workspace: Workspace) -> None:
    params = sample_params(TASKS).model_copy(update={"finetune": FinetuneSection(recipes=("dam", "focal", "readme"))})
    for task in TASKS:
        write_run(params, workspace, task, "dam")
    write_run(params, workspace, "breastmnist", "focal")
    text = rebuilt.readme(collect(params, PROFILE, workspace), None)
    rows = [line.split(" | ")[0].strip("| ") for line in table_of(text)]
    assert rows[5:] == ["dam", "focal"]  # below the head and three published rows
    assert next(line for line in table_of(text) if line.startswith("| focal")).endswith("| not run |")
    assert text.endswith("\n\nNot run: `readme`.\n")


def test_stand_in_data_never_gets_there(workspace: Workspace) -> None:
    assert "vesselmnist3d" not in rebuilt.readme(
        comparison_of(workspace, ("breastmnist", "standin-vesselmnist3d")), None
    )
    nothing = comparison_of(Workspace(workspace.root / "other"), ("standin-vesselmnist3d",))
    with pytest.raises(BadInput, match="no figures on real data"):
        rebuilt.readme(nothing, None)
    with pytest.raises(BadInput, match="no figures on real data"):
        rebuilt.findings(nothing)


@pytest.mark.parametrize("name", FILES, ids=str)
@pytest.mark.parametrize(
    "text", ["# Title\n", f"{rebuilt.END}\n{rebuilt.BEGIN}\n", f"{rebuilt.BEGIN}\n" * 2 + rebuilt.END]
)
def test_without_its_marks_nothing_is_written(workspace: Workspace, name: Path, text: str) -> None:
    (workspace.root / name).write_text(text)
    before = {one: (workspace.root / one).read_text() for one in FILES}
    with pytest.raises(BadInput, match=rf"{name.name}: needs the lines"):
        rebuilt.write(comparison_of(workspace), workspace.root)
    assert {one: (workspace.root / one).read_text() for one in FILES} == before
    assert not (workspace.root / rebuilt.PICTURE).exists()
