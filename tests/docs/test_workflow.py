"""The workflow for GitHub runs what any clone can run, by actions that nobody can change under us."""

import os
import re

import yaml

from tests.e2e.clone import ROOT

PATH = ROOT / ".github/workflows/ci.yml"
STEPS = yaml.safe_load(PATH.read_text(encoding="utf-8"))["jobs"]["checks"]["steps"]


def test_its_last_step_is_the_projects_own_script() -> None:
    assert STEPS[-1] == {"run": ".ci/run"}
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it() -> None:
    used = re.findall(r"uses: (.*)", PATH.read_text(encoding="utf-8"))
    assert len(used) == sum("uses" in step for step in STEPS) > 0
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_the_environment_is_kept_by_the_lock_and_the_python_that_it_was_made_with() -> None:
    (cache,) = [step["with"] for step in STEPS if step.get("id") == "environment"]
    assert cache["path"] == ".venv"
    assert "hashFiles('requirements.lock')" in cache["key"]
    assert "steps.python.outputs.python-version" in cache["key"]
