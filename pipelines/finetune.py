"""Train one task with one recipe, every seed of the profile: `python -m pipelines.finetune breastmnist dam`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    task: Annotated[str, typer.Argument(help="a task of params.yaml")],
    recipe: Annotated[str, typer.Argument(help="a recipe of params.yaml")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Train, score and track one task with one recipe."""
    from benchmark import objectives
    from benchmark.config.run import choose_profile, resolve_finetune
    from benchmark.config.tasks import find_task
    from benchmark.core.errors import Refused, allowed
    from pipelines.console import prerequisites, project

    params, workspace = project.params(), project.WORKSPACE
    wanted = find_task(params, task, "argument TASK")
    if recipe not in params.recipes:
        raise allowed("recipe", recipe, "argument RECIPE", params.recipes)
    chosen = choose_profile(params, profile, "option --profile")
    configs = [resolve_finetune(params, wanted, recipe, chosen, seed) for seed in params.profiles[chosen].seeds]
    try:
        objectives.for_task(configs[0].objective, wanted, f"params.yaml: recipes.{recipe}")
    except Refused as refusal:
        if not project.RUN_BY_DVC:
            raise
        # In the grid of all tasks and recipes, a pair that does not go together is a finding, not a failure.
        from benchmark.tracking.cell import refuse_cell
        from benchmark.tracking.line import Line
        from pipelines.console import mends, outputs

        refuse_cell(wanted, configs[0], workspace, str(refusal), Line(mends.warn))
        outputs.write(task, recipe, [])
        print(f"refused, and recorded as such: {refusal}")
        return
    prerequisites.ensure(wanted, configs, workspace)

    # Late: what is wrong with names, data or trunk is told before PyTorch and MLflow are imported, in seconds less.
    from pipelines.console import cells

    cells.make(params, wanted, configs)


if __name__ == "__main__":
    cli.run(main)
