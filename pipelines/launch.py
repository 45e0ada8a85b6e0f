"""What a stage of DVC runs: `mlflow run` of an entry point, or its command alone where the store would hold it up or all is made.

`python -m pipelines.launch finetune task=breastmnist recipe=dam profile=quick` is `mlflow run . -e finetune` with these
parameters, in the experiment that the entry point logs to. DVC gives them behind `--`, as the options that it makes of a
matrix, or none to a second phase, which is known by its stage's name; the profile is that of params.yaml then. `mlflow run`
itself needs the store, before and after the training. So it has a process of its own, which asks the store once before; and
whether the training began, and how it ended, the stage's own process says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import cli

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OF_ANOTHER_RUN = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")
MADE = "BENCHMARK_RUNS_ARE_MADE"
"""Environment variable: all runs were made before, side by side, and what a stage has to do is to record its own."""
START_S = 40.0
"""For `mlflow run` to ask the store and begin the stage; two starts of Python and some ten requests."""
END_S = 8.0
"""For `mlflow run` to end after the stage."""


def main(
    entry_point: Annotated[str, typer.Argument(help="an entry point of MLproject")],
    parameters: Annotated[
        list[str] | None, typer.Argument(help="its parameters, as NAME=VALUE; or behind --, as --NAME VALUE")
    ] = None,
) -> None:
    """Run an entry point through MLflow or, where its store does not answer, without it."""
    import os
    import sys
    from pathlib import Path

    from benchmark.core.errors import NoConfiguration, allowed
    from benchmark.core.settings import read_yaml

    if not Path("MLproject").is_file():
        raise NoConfiguration("MLproject: no such file")
    entry_points = read_yaml(Path("MLproject"))["entry_points"]
    if entry_point not in entry_points:
        raise allowed("entry point", entry_point, "argument ENTRY_POINT", entry_points)
    known = entry_points[entry_point].get("parameters", {})
    given = read(parameters) if parameters else second_phase(os.environ.get("DVC_STAGE", ""))
    if "profile" in known and "profile" not in given:
        from pipelines.console import project

        given["profile"] = project.params().profile
    for name in OF_ANOTHER_RUN:
        if os.environ.pop(name, None) is not None:
            print(f"warning: {name} is passed over, a stage names its own; unset it", file=sys.stderr, flush=True)

    from benchmark.tracking.line import SWITCH

    os.environ["PATH"] = (
        f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # MLproject says `python`
    )
    if MADE not in os.environ:  # a project run of what is made would point to the run that stands for it, and go
        code = by_mlflow(entry_point, given)
        if code is not None:
            sys.exit(code)
        os.environ[SWITCH] = "off"
    sys.exit(alone(entry_point, given))


def read(parameters: Sequence[str]) -> dict[str, str]:
    """Values by name."""
    from benchmark.core.errors import BadInput

    given, rest = dict[str, str](), iter(parameters)
    for one in rest:
        if one.startswith("--") and (value := next(rest, None)) is not None:
            given[one.removeprefix("--")] = value
        elif "=" in one and not one.startswith("--"):
            name, _, value = one.partition("=")
            given[name] = value
        else:
            raise BadInput(f"argument PARAMETERS: each is NAME=VALUE, or --NAME VALUE behind --, got {one!r}")
    return given


def second_phase(stage: str) -> dict[str, str]:
    """Task and recipe of a stage of DVC, from its name, such as finetune-second@breastmnist-second0."""
    from benchmark.core.errors import BadInput
    from pipelines.console import project

    task, _, number = stage.rpartition("@")[2].rpartition("-second")
    second = project.params().finetune.second
    if not (number.isdecimal() and int(number) < len(second)):
        raise BadInput("argument PARAMETERS: missing; each is NAME=VALUE")
    return {"task": task, "recipe": second[int(number)].recipe}


def by_mlflow(entry_point: str, given: dict[str, str]) -> int | None:
    """Run it as a project.

    Returns:
        The exit code of the stage; None where none was begun, of which a warning has told.
    """
    import os
    import subprocess
    import sys
    import tempfile
    import time
    from pathlib import Path

    from benchmark.tracking.line import LAUNCHED
    from pipelines.console.through_mlflow import NO_ANSWER

    command = [sys.executable, "-m", "pipelines.console.through_mlflow", given.get("task", entry_point), entry_point]
    command += ["=".join(pair) for pair in given.items()]
    with tempfile.TemporaryDirectory() as folder:
        diary = Path(folder) / "stage"
        own = {cli.DIARY: str(diary), LAUNCHED: str(time.time())}
        with subprocess.Popen(command, env=os.environ | own) as process:
            try:
                began, ended = time.monotonic(), 0.0
                while process.poll() is None:
                    time.sleep(0.1)
                    now, lines = time.monotonic(), noted(diary)
                    ended = ended or (now if len(lines) > 1 else 0.0)
                    if (not lines and now - began > START_S) or (ended and now - ended > END_S):
                        break
            finally:
                end(process.pid)
        lines = noted(diary)
    if lines:
        return int(lines[1]) if len(lines) > 1 else 1
    if process.returncode != NO_ANSWER:
        print("warning: `mlflow run` did not begin the stage; going on without it", file=sys.stderr, flush=True)
    return None


def noted(diary: Path) -> list[str]:
    """What the stage has said of itself: that it began, and its exit code."""
    return diary.read_text(encoding="utf-8").split() if diary.is_file() else []


def end(process_id: int) -> None:
    """End a process and all that it started, if they are still there."""
    import psutil

    try:
        process = psutil.Process(process_id)
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for one in family:
        try:
            one.terminate()
        except psutil.NoSuchProcess:
            continue


def alone(entry_point: str, given: dict[str, str]) -> int:
    """Run the command of an entry point as MLproject has it; its exit code."""
    import shlex
    import subprocess
    from pathlib import Path

    from benchmark.core.settings import read_yaml

    entry = read_yaml(Path("MLproject"))["entry_points"][entry_point]
    values = {name: of.get("default", "") for name, of in entry.get("parameters", {}).items()} | given
    command = entry["command"].format(**{name: shlex.quote(str(value)) for name, value in values.items()})
    return subprocess.run(command, shell=True, check=False).returncode


if __name__ == "__main__":
    cli.run(main)
