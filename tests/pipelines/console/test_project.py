"""The project that a command is run in."""

from pathlib import Path

import pytest

from benchmark.core.errors import BadInput
from pipelines.console import project


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("MEDMNIST_MIRROR", raising=False)
    return tmp_path / "project"


def test_the_mirror_is_the_variable_else_the_shared_folder_else_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.mirror() is None
    (folder.parent / "shared/medmnist").mkdir(parents=True)
    assert project.mirror() == "../shared/medmnist"
    for value in ("https://example.org/medmnist", "/some/folder"):
        monkeypatch.setenv("MEDMNIST_MIRROR", value)
        assert project.mirror() == value
    monkeypatch.setenv("MEDMNIST_MIRROR", "")
    assert project.mirror() == "../shared/medmnist"


def test_a_home_of_nobody_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_MIRROR", "~nobody-of-this-name/medmnist")
    with pytest.raises(BadInput, match="MEDMNIST_MIRROR: ~nobody-of-this-name/medmnist: there is no such user"):
        project.mirror()
