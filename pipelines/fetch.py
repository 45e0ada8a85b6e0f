"""Put the verified data file of one task into data/: `python -m pipelines.fetch breastmnist`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import cli

if TYPE_CHECKING:
    from benchmark.config.params import Params


def main(
    task: Annotated[str, typer.Argument(help="a task of params.yaml")] = "",
    named: Annotated[str, typer.Option("--task", help="the same, as DVC gives it")] = "",
) -> None:
    """Fetch and verify the data file of one task."""
    import sys

    from benchmark.config.tasks import find_task
    from benchmark.core.addresses import without_passwords
    from benchmark.core.errors import BadInput
    from benchmark.data.fetch import fetch
    from pipelines.console import mends, project

    params, task = project.params(), task or named
    wanted, path, mirror = find_task(params, task, "argument TASK"), project.WORKSPACE.data(task), project.mirror()
    fetched = fetch(wanted, path, mirror, params.fetch.retries, params.fetch.timeout_s, progress=sys.stderr.isatty())
    print(f"{task}: {fetched.path}, MD5 {fetched.md5}, from {without_passwords(fetched.source)}")
    if project.RUN_BY_DVC and (sentence := nobody_fetches(params)):
        mends.warn(BadInput(sentence))


def nobody_fetches(params: Params) -> str:
    """Which data a trunk is to be trained on that no stage brings, and is not there; empty where there is none.

    DVC will say no more of it than that a file is missing.
    """
    from benchmark.core.terms import Dimension
    from pipelines.console import project

    for dim in Dimension:
        pool = [name for name in params.pretrain.of(dim).tasks if name not in params.fetch.tasks]
        if missing := [name for name in pool if not project.WORKSPACE.data(name).is_file()]:
            names = ", ".join(missing)
            return (
                f"params.yaml: pretrain.{dim}.tasks has {names}, which no stage fetches, and `dvc repro` will end there; "
                "name them in fetch.tasks too, or take them out (`make repro` does what the data allows)"
            )
    return ""


if __name__ == "__main__":
    cli.run(main)
