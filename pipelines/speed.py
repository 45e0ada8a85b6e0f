"""What this machine trains fastest with: `python -m pipelines.speed breastmnist medmnist`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    task: Annotated[str, typer.Argument(help="a task of params.yaml")],
    recipe: Annotated[str, typer.Argument(help="a recipe of params.yaml")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Measure a recipe's training step in each precision and memory format, and say which one to put into a profile."""
    from benchmark.config.run import choose_profile, resolve_finetune
    from benchmark.config.tasks import find_task
    from benchmark.core.errors import allowed
    from pipelines.console import project

    params, workspace = project.params(), project.WORKSPACE
    wanted, chosen = find_task(params, task, "argument TASK"), choose_profile(params, profile, "option --profile")
    if recipe not in params.recipes:
        raise allowed("recipe", recipe, "argument RECIPE", params.recipes)
    config = resolve_finetune(params, wanted, recipe, chosen, params.profiles[chosen].seeds[0])

    # Late: what is wrong with names is told before PyTorch is imported, in seconds less.
    import torch

    from benchmark.core import provenance
    from benchmark.data.load import load
    from benchmark.training.model import pick_device
    from benchmark.training.speed import fastest, measure

    device = pick_device()
    rates = measure(config, load(wanted, workspace.data(task), device), device)
    plain = next(iter(rates.values()))
    hardware = provenance.hardware()
    print(f"{task} {recipe}, {config.network}, batches of {config.batch_size}, on {hardware['gpu'] or hardware['cpu']}")
    print(f"(PyTorch {torch.__version__}, {hardware['threads']} threads; median of turns)")
    for choice, rate in rates.items():
        print(f"  {choice!s:50} {rate:7.0f} images/s, {rate / plain:.2f} times")
    print(
        f"fastest here: {{{fastest(rates)}}}; it goes into a profile of params.yaml, and into the record of every run"
    )


if __name__ == "__main__":
    cli.run(main)
