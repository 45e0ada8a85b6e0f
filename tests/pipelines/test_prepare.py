"""What is produced when something is missing: DVC's stages where there are such, else the stage's file itself."""

from typing import Any

from benchmark.config.params import Params
from benchmark.config.tasks import find_task
from pipelines.prepare import commands
from tests.helpers import PARAMS


def planned(task: str, trunk: bool, profile: str, fetched: list[str], pool: list[str]) -> list[list[str]]:
    content: dict[str, Any] = {**PARAMS, "profile": "quick", "fetch": {**PARAMS["fetch"], "tasks": fetched}}
    content["pretrain"] = {**PARAMS["pretrain"], "2d": {**PARAMS["pretrain"]["2d"], "tasks": pool}}
    params = Params.model_validate(content)
    return commands(params, find_task(params, task, "here"), trunk, profile)


def test_data_of_a_listed_task_comes_by_its_dvc_stage() -> None:
    assert planned("breastmnist", False, "quick", ["breastmnist"], []) == [["dvc", "repro", "fetch@breastmnist"]]


def test_data_of_a_task_that_is_not_listed_comes_by_the_stages_file() -> None:
    assert planned("chestmnist", False, "quick", ["breastmnist"], []) == [["pipelines.fetch", "chestmnist"]]


def test_the_trunk_of_the_projects_profile_is_a_dvc_stage() -> None:
    assert planned("breastmnist", True, "quick", ["breastmnist", "chestmnist"], ["chestmnist"]) == [
        ["dvc", "repro", "fetch@chestmnist", "fetch@breastmnist", "pretrain@2d"]
    ]


def test_the_trunk_of_another_profile_is_trained_by_the_stages_file() -> None:
    assert planned("breastmnist", True, "smoke", ["breastmnist"], ["breastmnist"]) == [
        ["dvc", "repro", "fetch@breastmnist"],
        ["pipelines.pretrain", "2d", "--profile", "smoke"],
    ]
