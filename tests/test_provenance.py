"""Where a figure comes from, as far as this machine can be asked."""

import subprocess
from pathlib import Path

import torch

from benchmark import provenance


def test_the_commit_is_gits_own() -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert provenance.code()["commit"] == head


def test_the_digest_changes_with_training_code_and_names_files_that_exist() -> None:
    assert all((provenance.ROOT / "benchmark" / name).is_file() for name in provenance.TRAINING_CODE)
    assert len(provenance.code()["digest"]) == 64


def test_versions_and_hardware_are_those_in_use() -> None:
    assert provenance.versions()["torch"] == torch.__version__.split("+")[0]
    assert provenance.hardware()["threads"] == torch.get_num_threads()
    assert provenance.hardware()["memory_gb"] > 0


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert provenance.digest_of({"a": 1, "b": 2}) == provenance.digest_of({"b": 2, "a": 1})
    assert provenance.digest_of({"a": 1}) != provenance.digest_of({"a": 2})


def test_the_lock_names_no_package_index() -> None:
    lock = Path("requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--index-url" not in lock
    assert "--hash=sha256:" in lock
