"""A project of its own for every test of data files."""

from pathlib import Path

import pytest

from benchmark.data import fetch


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder as the current one, beside a folder `mirror`."""
    (tmp_path / "project").mkdir()
    (tmp_path / "mirror").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("MEDMNIST_MIRROR", raising=False)
    monkeypatch.setattr(fetch, "_silent", {})
    return tmp_path / "project"


@pytest.fixture
def mirror(project: Path) -> Path:
    return project.parent / "mirror"
