"""Which change of code makes a run anew: what its bytes depend on, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmark.core import provenance
from benchmark.training import execute
from tests.helpers import OBJECTIVES, ROOT, make_config, make_data

RUNS = {
    "cross-entropy": make_config("breastmnist", augmentation="flip-affine"),
    "bce": make_config(
        "breastmnist", objective=OBJECTIVES["bce-with-logits"], augmentation={"kind": "affine", "shift": 0.1}
    ),
    "aucm": make_config("breastmnist", objective=OBJECTIVES["aucm"]),
    "compositional": make_config("breastmnist", objective=OBJECTIVES["compositional-auc"]),
    "volumes": make_config("adrenalmnist3d"),
    "slices": make_config(
        "adrenalmnist3d",
        objective=OBJECTIVES["aucm"],
        network={
            "family": "resnet-slices",
            "slices": 28,
            "width": 4,
            "blocks": [1],
            "stem_kernel": 3,
            "stem_stride": 2,
            "pool": False,
        },
    ),
}
ALL, AUC = set(RUNS), {"aucm", "compositional", "slices"}
SCRIPT = """
import json, sys
from pathlib import Path
from benchmark.config.entries import OfficialTask
from benchmark.config.run import RunConfig
from benchmark.config.tasks import build_task
from benchmark.core import provenance
from benchmark.data.load import TaskData
from benchmark.training.execute import identity

given = json.load(sys.stdin)
runs = {name: RunConfig.model_validate(config) for name, config in given["runs"].items()}
data = {task: TaskData(build_task(task, OfficialTask()), "0" * 32, {}) for run in runs.values() for task in run.tasks}

def identities():
    provenance.imported.cache_clear()
    provenance._imports.cache_clear()
    return {name: identity(run, {run.tasks[0]: data[run.tasks[0]]}, None) for name, run in runs.items()}

answer = {"": identities()}
for file in given["files"]:
    path = Path("benchmark") / file
    kept = path.read_bytes()
    path.write_bytes(kept + b"\\n# changed\\n")
    answer[file] = identities()
    path.write_bytes(kept)
print(json.dumps(answer))
"""
CHANGES = {
    "training/folds.py": ALL,
    "objectives/aucm.py": {"aucm", "slices"},
    "objectives/cross_entropy.py": {"cross-entropy", "volumes"},
    "objectives/shared/stock.py": ALL - AUC,
    "objectives/shared/libauc.py": AUC,
    "objectives/shared/base.py": ALL,
    "networks/resnet_3d.py": {"volumes"},
    "networks/family_resnet_slices.py": {"slices"},
    "networks/family_resnet_3d.py": set(),
    "networks/shared/residual.py": {"slices"},
    "augmentations/flip_affine.py": {"cross-entropy"},
    "augmentations/affine.py": {"bce"},
    "augmentations/shared/transforms.py": {"bce"},
    "augmentations/volume.py": set(),
    "runs/scores.py": ALL,
    "training/loop.py": ALL,
    "data/load.py": ALL,
    "data/fetch.py": set(),
    "data/structure.py": set(),
    "core/errors.py": set(),
    "runs/record.py": set(),
    "tracking/tracker.py": set(),
    "report/wording.py": set(),
}
"""Each file, and the runs that a change of it makes anew."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library, to change."""
    root = tmp_path_factory.mktemp("identity")
    shutil.copytree(ROOT / "benchmark", root / "benchmark", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def identities(root: Path, files: Iterable[str]) -> dict[str, dict[str, str]]:
    """Of every run, by the library in this folder: as it is (under the empty name), and with each file changed."""
    given = {"runs": {name: config.model_dump(mode="json") for name, config in RUNS.items()}, "files": list(files)}
    env = os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env=env,
    )
    answer: dict[str, dict[str, str]] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def answer(copy: Path) -> dict[str, dict[str, str]]:
    return identities(copy, CHANGES)


@pytest.mark.parametrize("file", CHANGES)
def test_a_change_of_code_makes_anew_what_depends_on_it(answer: dict[str, dict[str, str]], file: str) -> None:
    assert {name for name in RUNS if answer[file][name] != answer[""][name]} == CHANGES[file]


def test_a_new_objective_makes_nothing_anew(copy: Path, answer: dict[str, dict[str, str]]) -> None:
    text = (copy / "benchmark/objectives/bce_with_logits.py").read_text().replace("bce-with-logits", "mine")
    (copy / "benchmark/objectives/mine.py").write_text(text)
    assert identities(copy, [])[""] == answer[""]


def test_what_is_left_apart_is_there_and_imported() -> None:
    """Else a name in the list would hide a file that somebody puts there later."""
    reached = {str(path.relative_to(ROOT)) for path in provenance.imported(Path(execute.__file__))}
    assert {name for name in execute.APART if not any(path.startswith(name) for path in reached)} == set()


def test_values_that_change_no_byte_are_no_part_of_it() -> None:
    data = {"breastmnist": make_data("breastmnist")}
    config = make_config("breastmnist")
    key = execute.identity(config, data, None)
    assert execute.identity(make_config("breastmnist", profile="full", recipe_epochs=9), data, None) == key
    for changes in ({"epochs": 3}, {"seed": 1}, {"objective": OBJECTIVES["nll"]}):
        assert execute.identity(make_config("breastmnist", **changes), data, None) != key


def test_a_fingerprint_holds_the_code_of_every_part_and_the_versions() -> None:
    assert set(execute.fingerprint()) == {"code", "torch", "torchvision", "libauc", "kornia"}
