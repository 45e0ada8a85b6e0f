"""Which way the arrows point, and that DVC's stages depend on exactly the code that they import."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

MODULES = {
    ".".join(path.with_suffix("").parts).removesuffix(".__init__"): path
    for room in ("benchmark", "pipelines")
    for path in Path(room).rglob("*.py")
}


def imports(path: Path) -> Iterator[str]:
    """Names of the project's modules that a file imports anywhere but for type checking alone."""
    for node in runtime_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (part if part in MODULES else node.module for part in parts if node.module in MODULES)


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from runtime_nodes(node)


def closure(module: str) -> set[str]:
    """The module and every module of the project that it imports, however far away."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(imports(MODULES[name]))
    return found


def code_of(stage: str) -> set[str]:
    """Files that a stage's code consists of, as dvc.yaml should name them; packages of one purpose as folders."""
    files = {str(MODULES[name]) for name in closure(f"pipelines.{stage}")}
    for package in ("benchmark/published", "benchmark/report", "benchmark/tracking"):
        if any(file.startswith(f"{package}/") for file in files):
            files = {file for file in files if not file.startswith(f"{package}/")} | {package}
    return files - {"benchmark/__init__.py", "pipelines/__init__.py"}


@pytest.mark.parametrize("stage", ["fetch", "pretrain", "finetune", "sweep", "report"])
def test_a_dvc_stage_depends_on_exactly_the_code_that_it_imports(stage: str) -> None:
    content = yaml.safe_load(Path("dvc.yaml").read_text())["stages"][stage]
    declared = content.get("do", content)["deps"]
    code = {path for path in declared if path.startswith(("benchmark/", "pipelines/"))}
    assert code == code_of(stage)


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("benchmark.config", ["benchmark.training", "benchmark.data", "benchmark.objectives"]),
        ("benchmark.training", ["benchmark.tracking", "benchmark.report", "benchmark.published", "pipelines"]),
        ("benchmark.tracking", ["benchmark.report", "pipelines"]),
        ("benchmark.sweep", ["benchmark.training", "benchmark.cluster", "benchmark.tracking", "pipelines"]),
        ("benchmark.cluster", ["benchmark.tracking", "benchmark.report", "pipelines"]),
        ("benchmark.report", ["benchmark.tracking", "benchmark.training", "benchmark.objectives", "pipelines"]),
    ],
)
def test_arrows_point_one_way(module: str, forbidden: list[str]) -> None:
    reached = closure(module)
    assert [name for name in reached if name.startswith(tuple(forbidden))] == []


@pytest.mark.parametrize(("package", "module"), [("mlflow", "benchmark.tracking"), ("ray", "benchmark.cluster")])
def test_one_module_alone_imports(package: str, module: str) -> None:
    importers = [
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == package for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package)
    ]
    assert {name for name in importers if not name.startswith(f"{module}.")} <= {module}
    assert importers


def test_the_library_knows_no_stage() -> None:
    assert not any(
        found.startswith("pipelines")
        for name, path in MODULES.items()
        if name.startswith("benchmark")
        for found in imports(path)
    )


def test_files_stay_readable_in_one_sitting() -> None:
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES.values()}
    assert {path: length for path, length in lengths.items() if length > 450} == {}


def test_a_stage_has_one_name_everywhere() -> None:
    stages = {"fetch", "pretrain", "finetune", "sweep", "report"}
    assert stages <= yaml.safe_load(Path("dvc.yaml").read_text())["stages"].keys()
    assert stages <= yaml.safe_load(Path("MLproject").read_text())["entry_points"].keys()
    assert stages <= yaml.safe_load(Path("params.yaml").read_text()).keys()
    assert stages <= {path.stem for path in Path("pipelines").glob("*.py")}
