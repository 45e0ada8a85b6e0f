"""Put one task's verified data file in place: `python -m pipelines.fetch breastmnist`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import cli


def main(task: Annotated[str, typer.Argument(help="a task of params.yaml")]) -> None:
    """Fetch and verify the data of one task."""
    from benchmark.config import load_params
    from benchmark.data import fetch, md5_of, mirror_from_environment
    from benchmark.tasks import find_task

    params = load_params()
    found = find_task(params, task)
    source = fetch(found, mirror_from_environment(), params.fetch.retries, params.fetch.timeout_s)
    print(f"{task}: {found.path}, MD5 {md5_of(found.path)}, from {source}")


if __name__ == "__main__":
    cli.run(main)
