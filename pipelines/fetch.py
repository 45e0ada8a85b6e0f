"""Put the verified data file of one task into data/: `python -m pipelines.fetch breastmnist`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    task: Annotated[str, typer.Argument(help="a task of params.yaml")] = "",
    named: Annotated[str, typer.Option("--task", help="the same, as DVC gives it")] = "",
) -> None:
    """Fetch and verify the data file of one task."""
    import sys

    from benchmark.config.tasks import find_task
    from benchmark.core.addresses import without_passwords
    from benchmark.data.fetch import fetch
    from pipelines.console import project

    params, task = project.params(), task or named
    wanted, path, mirror = find_task(params, task, "argument TASK"), project.WORKSPACE.data(task), project.mirror()
    fetched = fetch(wanted, path, mirror, params.fetch.retries, params.fetch.timeout_s, progress=sys.stderr.isatty())
    print(f"{task}: {fetched.path}, MD5 {fetched.md5}, from {without_passwords(fetched.source)}")


if __name__ == "__main__":
    cli.run(main)
