"""Where a figure comes from, as far as this machine can be asked."""

import subprocess
from pathlib import Path

import pytest
import torch

from benchmark.core import provenance
from benchmark.core.files import digest_of


def test_the_commit_is_gits_own() -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert provenance.commit()["commit"] == head


def test_what_a_file_imports_is_followed_into_functions_but_not_for_type_checking_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    files = {
        "a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from benchmark import d\nimport benchmark.b\n",
        "b": "def late():\n    from benchmark.c import name\n",
        "c": "import os\nname = 1\n",
        "d": "",
    }
    (tmp_path / "benchmark").mkdir()
    for name, text in files.items():
        (tmp_path / "benchmark" / f"{name}.py").write_text(text)
    reached = provenance.imported(tmp_path / "benchmark" / "a.py")
    assert sorted(path.stem for path in reached) == ["a", "b", "c"]


def test_versions_and_hardware_are_those_in_use() -> None:
    assert provenance.versions()["torch"] == torch.__version__.split("+")[0]
    assert provenance.hardware()["threads"] == torch.get_num_threads()
    assert provenance.hardware()["memory_gb"] > 0


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})


def test_the_lock_names_no_package_index() -> None:
    lock = Path("requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--index-url" not in lock
    assert "--hash=sha256:" in lock
