"""Which way the arrows point, and that DVC's stages depend on exactly the rooms that they import."""

import ast
from pathlib import Path

import pytest
import yaml

from benchmark.core import provenance
from benchmark.core.provenance import ROOT

FILES = [path for room in ("benchmark", "pipelines") for path in sorted((ROOT / room).rglob("*.py"))]
FOUND_BY_BEING_THERE = ("objectives", "networks", "augmentations")
STAGES = ["fetch", "pretrain", "finetune", "ensemble", "sweep", "report"]
FLOORS: dict[str, set[str]] = {
    "core": set(),
    "objectives": {"core"},
    "networks": {"core"},
    "augmentations": {"core"},
    "config": {"core", "objectives", "networks", "augmentations"},
    "data": {"core", "config"},
    "runs": {"core", "config"},
    "evaluation": {"core", "config", "runs"},
    "published": {"core", "config", "evaluation"},
    "training": {"core", "config", "objectives", "networks", "augmentations", "data", "runs"},
    "sweep": {"core", "config", "objectives", "data", "runs", "training"},
    "report": {"core", "config", "runs", "evaluation", "published", "sweep"},
    "tracking": {"core", "config", "data", "runs", "evaluation", "published", "training"},
}
"""Every room of benchmark/, and the rooms that it may import."""


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "benchmark").parts[0]


def reached(*files: Path) -> set[Path]:
    """The files and all that they import, with all the files of a folder whose files are found by being there."""
    seen = {found for file in files for found in provenance.imported(file)}
    for name in FOUND_BY_BEING_THERE:
        folder = ROOT / "benchmark" / name
        if folder / "__init__.py" in seen:
            seen |= {found for file in folder.rglob("*.py") for found in provenance.imported(file)}
    return seen


def code_of(stage: str) -> set[str]:
    """What a stage's code consists of, as dvc.yaml should name it: folders, and the file of the stage."""
    code = {path.relative_to(ROOT) for path in reached(ROOT / "pipelines" / f"{stage}.py")}
    return {"/".join(path.parts[:2]) for path in code if path.name != "__init__.py" or len(path.parts) > 2}


@pytest.mark.parametrize("stage", [*STAGES, "finetune-second"])
def test_a_dvc_stage_depends_on_exactly_the_rooms_that_it_imports(stage: str) -> None:
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]
    declared = content.get("do", content)["deps"]
    code = [path for path in declared if path.startswith(("benchmark/", "pipelines/"))]
    assert set(code) == code_of(stage.removesuffix("-second"))
    assert code == sorted(code)


@pytest.mark.parametrize("room", FLOORS)
def test_arrows_point_one_way(room: str) -> None:
    """A room imports what stands below it; so no two import each other."""
    imported = {
        room_of(other)
        for path in (ROOT / "benchmark" / room).rglob("*.py")
        for other in provenance._imports(path)
        if other.is_relative_to(ROOT / "benchmark") and other.parent != ROOT / "benchmark"
    }
    assert imported - {room} <= FLOORS[room]


def test_the_floors_have_no_way_back_up_and_every_room_is_on_one() -> None:
    below: set[str] = set()
    for room, allowed in FLOORS.items():
        assert allowed <= below
        below.add(room)
    assert {path.name for path in (ROOT / "benchmark").iterdir() if (path / "__init__.py").is_file()} == below


def test_the_report_reaches_no_training_and_no_tracking() -> None:
    rooms = {room_of(path) for path in reached(ROOT / "benchmark/report/build.py") if path.parent != ROOT / "benchmark"}
    assert not rooms & {"training", "tracking"}


@pytest.mark.parametrize(
    ("package", "place"), [("mlflow", "benchmark/tracking"), ("ray", "benchmark/sweep/cluster.py")]
)
def test_one_place_alone_imports(package: str, place: str) -> None:
    importers = [
        path
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == package for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package)
    ]
    assert importers
    assert {str(path) for path in importers if not path.is_relative_to(ROOT / place)} == set()


def test_the_library_knows_no_stage_and_no_stage_imports_another() -> None:
    for path in FILES:
        stages = {other.stem for other in provenance._imports(path) if other.parent == ROOT / "pipelines"} & set(STAGES)
        assert stages == set(), path
        if path.is_relative_to(ROOT / "benchmark"):
            assert not any(other.is_relative_to(ROOT / "pipelines") for other in provenance._imports(path)), path


def test_the_library_names_no_command_and_no_file_of_the_command_line() -> None:
    words = (
        "python -m",
        "dvc repro",
        "mlflow run",
        "make repro",
        "mlflow models",
        "params.yaml",
        "option --",
        "pip install",
    )
    for path in (ROOT / "benchmark").rglob("*"):
        if path.suffix in (".py", ".j2"):
            text = path.read_text(encoding="utf-8")
            assert [word for word in words if word in text] == [], path


def test_imports_stand_at_the_top_or_say_what_they_save() -> None:
    """In the library; a command's file imports late, so that a typing error costs no import of PyTorch.

    A late import says so beside it, or once for the file or folder in its docstring.
    """
    silent = []
    for path in (ROOT / "benchmark").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        folder = ROOT / "benchmark" / room_of(path) if path.parent != ROOT / "benchmark" else path.parent
        said_once = [ast.get_docstring(ast.parse(file.read_text())) or "" for file in (path, folder / "__init__.py")]
        if any("imported where" in said or "imported in its function" in said for said in said_once):
            continue
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                late = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
                lines = text.splitlines()[function.lineno - 1 : function.end_lineno]
                if late and not any("# late: " in line for line in lines):
                    silent.append(f"{path}:{late[0].lineno}")
    assert silent == []


def test_files_stay_readable_in_one_sitting() -> None:
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path: length for path, length in lengths.items() if length > 350} == {}


def test_a_stage_has_one_name_everywhere() -> None:
    stages = set(STAGES)
    assert stages <= yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].keys()
    assert stages <= yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"].keys()
    assert stages <= yaml.safe_load((ROOT / "params.yaml").read_text()).keys()
    assert stages <= {path.stem for path in (ROOT / "pipelines").glob("*.py")}
