"""Put the verified data file of one task into data/: `python -m pipelines.fetch breastmnist`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import cli


def main(task: Annotated[str, typer.Argument(help="a task of params.yaml")]) -> None:
    """Fetch and verify the data file of one task."""
    import sys

    from benchmark import data
    from benchmark.config import load_params
    from benchmark.tasks import find_task

    params = load_params()
    wanted, mirror = find_task(params, task), data.mirror_from_environment()
    found = data.fetch(wanted, mirror, params.fetch.retries, params.fetch.timeout_s, progress=sys.stderr.isatty())
    print(f"{task}: {found.path}, MD5 {found.md5}, from {found.source}")


if __name__ == "__main__":
    cli.run(main)
