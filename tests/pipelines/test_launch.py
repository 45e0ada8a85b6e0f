"""A stage is a project run of MLflow's where its store answers, and runs all the same where it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from benchmark.config.params import load_params
from benchmark.core.errors import BadInput
from pipelines.console import project
from pipelines.console.cells import stage_of
from pipelines.launch import MADE, OF_ANOTHER_RUN, read, second_phase
from tests.helpers import PARAMS, ROOT, running

STAGE = """
import os, sys
from pipelines.console import cli
def main(word: str, code: int) -> None:
    print("word", word, "off" if os.environ.get("BENCHMARK_TRACKING") == "off" else "on", "MLFLOW_RUN_ID" in os.environ)
    sys.exit(code)
cli.run(main)
"""
PROJECT = """
name: small
python_env: python_env.yaml
entry_points:
  stage:
    parameters:
      word: {type: string}
      code: {type: string, default: "0"}
    command: "python stage.py {word} {code}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one stage, which prints a word and ends with a code, and a store for it."""
    path = tmp_path_factory.mktemp("project")
    (path / "stage.py").write_text(STAGE)
    (path / "MLproject").write_text(PROJECT)
    (path / "python_env.yaml").write_text("dependencies: []\n")
    MlflowClient(f"sqlite:///{path / 'mlflow.db'}").search_experiments()
    return path


def launch(folder: Path, *parameters: str, **env: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    own |= {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}", "PYTHONPATH": str(ROOT)} | env
    command = [sys.executable, "-m", "pipelines.launch", "stage", *parameters]
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=120, check=False)


def warnings(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("warning: ")]


def test_where_the_store_answers_it_is_a_project_run_and_its_exit_code_stays(folder: Path) -> None:
    done = launch(folder, "word=two words", "code=2")
    assert "word two words on True" in done.stdout
    assert done.returncode == 2, done.stderr
    store = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = store.get_experiment_by_name("stage")
    assert experiment.artifact_location == str(folder / "mlruns" / "stage")
    (run,) = store.search_runs([experiment.experiment_id])
    assert run.data.params["word"] == "'two words'"  # as MLflow hands it to the shell


@pytest.mark.parametrize(
    ("uri", "mend"),
    [
        ("http://me:geheim@127.0.0.1:9", "`python -m pipelines.track`"),
        ("folder", "set MLFLOW_TRACKING_URI to a database"),
    ],
)
def test_where_it_does_not_the_stage_runs_without_it_after_one_warning_that_names_the_mend(
    folder: Path, uri: str, mend: str
) -> None:
    done = launch(folder, "word=two words", MLFLOW_TRACKING_URI=uri)
    assert "word two words off False" in done.stdout
    assert done.returncode == 0
    (warning,) = warnings(done)
    assert mend in warning
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stderr + done.stdout


def test_of_runs_that_are_made_a_stage_is_no_project_run_and_is_tracked_all_the_same(folder: Path) -> None:
    store = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    before = len(store.search_runs([one.experiment_id for one in store.search_experiments()]))
    done = launch(folder, "word=here", "code=2", **{MADE: "yes"})
    assert "word here on False" in done.stdout
    assert done.returncode == 2, done.stderr
    assert len(store.search_runs([one.experiment_id for one in store.search_experiments()])) == before


@pytest.mark.parametrize(
    ("parameters", "given"),
    [
        (["task=x", "recipe=a=b"], {"task": "x", "recipe": "a=b"}),
        (["--task", "x; y", "--recipe", "--z"], {"task": "x; y", "recipe": "--z"}),
    ],
)
def test_parameters_are_read_as_typed_and_as_dvc_gives_them(parameters: list[str], given: dict[str, str]) -> None:
    assert read(parameters) == given


def test_another_entry_point_or_folder_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    for place, name, sentence in (
        (folder, "stag", "error: argument ENTRY_POINT: unknown entry point 'stag'; known: stage"),
        (tmp_path, "stage", "error: MLproject: no such file; run the command from the project's folder"),
    ):
        command = [sys.executable, "-m", "pipelines.launch", name]
        own = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=place, env=own, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr.strip()) == (2, sentence)


@pytest.mark.parametrize("parameters", [["task"], ["--task"], ["task=x", "y"]])
def test_other_parameters_are_refused(parameters: list[str]) -> None:
    with pytest.raises(BadInput, match="argument PARAMETERS: each is NAME=VALUE, or --NAME VALUE behind --, got"):
        read(parameters)


def test_a_second_phase_is_known_by_its_stages_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = PARAMS | running("plain", second=[{"recipe": "plain-aucm", "after": "plain"}])
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.setattr(project, "PARAMS", tmp_path / "params.yaml")
    given = {"task": "breast-second1", "recipe": "plain-aucm"}
    assert (
        stage_of(load_params(project.PARAMS), "breast-second1", "plain-aucm")
        == "finetune-second@breast-second1-second0"
    )
    assert stage_of(load_params(project.PARAMS), "breast", "plain") == "finetune@breast-plain"
    assert second_phase("finetune-second@breast-second1-second0") == given
    assert second_phase("sub/dvc.yaml:finetune-second@breast-second1-second0") == given
    for other in ("", "finetune@breastmnist-dam", "finetune-second@breastmnist-second1"):
        with pytest.raises(BadInput, match="argument PARAMETERS: missing"):
            second_phase(other)


def test_variables_of_another_run_are_passed_over(folder: Path) -> None:
    done = launch(folder, "word=here", **dict.fromkeys(OF_ANOTHER_RUN, "1234"))
    assert "word here on True" in done.stdout
    assert done.returncode == 0, done.stderr
    assert warnings(done) == [
        f"warning: {name} is passed over, a stage names its own; unset it" for name in OF_ANOTHER_RUN
    ]


def test_a_deleted_experiment_says_how_to_bring_it_back(folder: Path) -> None:
    store = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    found = store.get_experiment_by_name("stage")
    number = found.experiment_id if found else store.create_experiment("stage")
    store.delete_experiment(number)
    done = launch(folder, "word=here")
    store.restore_experiment(number)
    assert "word here off False" in done.stdout
    assert done.returncode == 0
    (warning,) = warnings(done)
    assert f"`mlflow experiments restore --experiment-id {number}`" in warning
