"""Text of params.yaml is never a shell's: under plain `dvc repro`, where DVC fills its commands before any of our code runs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.clone import BIN, ROOT, make_clone, run

HOSTILE = ["x; touch HACKED", "$(touch HACKED)", "`touch HACKED`", "it's; touch HACKED #"]


def test_commands_have_the_names_of_their_matrix_as_a_whole_alone() -> None:
    """As `${item}`, whose values DVC quotes, but no keys of settings; what stands inside a command by itself it does not."""
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].items():
        assert "do" not in stage, name
        assert set(re.findall(r"\${(.*?)}", stage["cmd"])) <= {"item"}, name
        assert "item" not in stage["cmd"] or "second" not in stage.get("matrix", {}), name


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("project"))


def shipped() -> dict[str, Any]:
    """The shipped configuration, to be changed."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    return content


def test_hostile_names_are_arguments_and_nothing_else(clone: Path) -> None:
    params = shipped()
    for name in HOSTILE:
        params["tasks"][name] = {"standin": "breastmnist", "fraction": 0.1}
    params["fetch"]["tasks"] = HOSTILE
    params["pretrain"]["2d"]["tasks"] = params["pretrain"]["3d"]["tasks"] = HOSTILE
    (clone / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    done = run([f"{BIN}/dvc", "repro", "--keep-going"], clone, check=False)
    assert done.returncode != 0
    said = (done.stdout + done.stderr).count("error: params.yaml: ")  # where names of that form are refused
    assert said >= len(HOSTILE)
    assert not list(clone.rglob("HACKED"))


def test_a_hostile_key_is_none_either(clone: Path) -> None:
    params = shipped()
    params["fetch"]["tasks"] = ["breastmnist"]
    params["finetune"]["second"] = [{"recipe": "plain-aucm", "after": "plain", "; touch HACKED;": 1}]
    (clone / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    done = run([f"{BIN}/dvc", "repro", "-f", "-s", "finetune-second"], clone, check=False)
    assert done.returncode != 0
    assert "unknown key" in done.stdout + done.stderr
    assert not list(clone.rglob("HACKED"))
