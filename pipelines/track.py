"""Make MLflow's view of all that is here, or complete it: `python -m pipelines.track --to http://server:5000`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; every one where empty")] = "",
    to: Annotated[str, typer.Option(help="the store; MLFLOW_TRACKING_URI, or the project's own, where empty")] = "",
) -> None:
    """Log every run, trunk, search, study and scoring from its folder; what is there already is not logged twice."""
    import math
    import os

    from benchmark.config.run import choose_profile
    from benchmark.core.errors import NoStore
    from pipelines.console import project
    from pipelines.console.commands import Commands

    params, commands = project.params(), Commands()
    chosen = choose_profile(params, profile, "option --profile") if profile else ""

    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    # Late: a mistyped name is told before PyTorch and MLflow are imported, in seconds less.
    from benchmark.tracking import store
    from benchmark.tracking.cell import Texts
    from benchmark.tracking.everything import Everything
    from benchmark.tracking.line import Line

    def texts(profile: str, task: str, recipe: str) -> Texts:
        return Texts(commands.cell(profile, task, recipe), commands.serve(task))

    def fail(error: NoStore) -> None:
        raise error

    store.use(to)
    store.prepare(Line(fail))  # says in half a minute that none is there; later calls may take longer
    line = Line(fail, seconds=math.inf, of_one=PATIENCE_S)
    for said in Everything(params, project.WORKSPACE, chosen, texts, line).log():
        print(said, flush=True)
    print(f"{store.shown(store.address())}: holds all that is here")


PATIENCE_S = 300.0
"""For one call, such as that which uploads a model."""


if __name__ == "__main__":
    cli.run(main)
