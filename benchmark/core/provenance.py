"""Where a figure comes from: code, versions, hardware, and the digest by which an equal run is told."""

from __future__ import annotations

import ast
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from benchmark.core.files import digest_of, sha256_of

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("torch", "torchvision", "libauc", "kornia", "medmnist", "numpy", "scikit-learn", "mlflow", "dvc")
ARITHMETIC = ("torch", "torchvision", "libauc", "kornia")
"""Packages whose version a result depends on."""


def commit() -> dict[str, Any]:
    """The commit that is checked out, and whether the code differs from it."""
    paths = ["benchmark", "pipelines", "requirements.lock"]
    return {
        "commit": _git("rev-parse", "HEAD") or "unknown: not a git checkout",
        "dirty": bool(_git("status", "--porcelain", "--", *paths)),
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES}


def arithmetic() -> dict[str, str]:
    """Versions of the packages that a result depends on."""
    return {name: metadata.version(name) for name in ARITHMETIC}


def hardware() -> dict[str, Any]:
    import torch  # late: takes seconds, and most of what imports this module never trains

    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def dvc_lock_hash() -> str:
    """SHA-256 of dvc.lock, the record of all stages so far; empty where there is none."""
    path = ROOT / "dvc.lock"
    return sha256_of(path) if path.is_file() else ""


# ------------------------------------------------------------------------------------------------ code


def digest_of_code(files: Iterable[Path]) -> str:
    """SHA-256 of these files of the project, names and contents."""
    return digest_of({str(path.relative_to(ROOT)): sha256_of(path) for path in sorted(files)})


@cache
def imported(path: Path) -> frozenset[Path]:
    """A file of the project and every file of it that this one imports, however far away, now or later.

    Read from the text, so that what a function imports when it is called counts too; what is imported for type checking
    alone does not. Of what is found by being there, only what a file names is seen.
    """
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        if (one := waiting.pop()) not in seen:
            seen.add(one)
            waiting.extend(_imports(one))
    return frozenset(seen)


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    found: dict[Path, None] = {}
    for node in _at_runtime(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
        for name in names:
            if name.partition(".")[0] in ("benchmark", "pipelines") and (file := _file_of(name)):
                found[file] = None
    return tuple(found)


def _at_runtime(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _at_runtime(node)


def _file_of(module: str) -> Path | None:
    """The file of a module or package of the project; None for any other name."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


# ------------------------------------------------------------------------------------------------ machine


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:  # no git on this machine
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
