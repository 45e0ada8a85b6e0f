"""Name a file that a trunk is trained on, with its MD5: `python -m pipelines.pool 2d --task breastmnist`.

DVC can't take a list of files as dependencies of one stage; the trunk depends on a folder of such names.
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    dim: Annotated[str, typer.Argument(help="of the trunk: 2d or 3d")],
    task: Annotated[str, typer.Option(help="a task of params.yaml whose data is fetched")],
) -> None:
    """Write data/pool/DIM/TASK.md5, as md5sum writes it."""
    from benchmark.core.errors import BadInput
    from benchmark.core.files import md5_of, write_text
    from pipelines.console import project

    path = project.WORKSPACE.data(task)
    if not path.is_file():
        raise BadInput(f"{path}: not there; run `dvc repro fetch@{task}`")
    write_text(path.parent / "pool" / dim / f"{task}.md5", f"{md5_of(path)}  {path}\n")


if __name__ == "__main__":
    cli.run(main)
