"""What a person types, in one place: pages, descriptions and errors show these."""

from __future__ import annotations


class Commands:
    """The commands that pages and descriptions end with."""

    def cell(self, profile: str, task: str, recipe: str) -> str:
        """All seeds of one task and recipe again."""
        return f"mlflow run . -e finetune -P task={task} -P recipe={recipe} -P profile={profile}"

    def ensemble(self, profile: str, task: str, name: str) -> str:
        """The mean over its members' runs again."""
        return f"mlflow run . -e ensemble -P task={task} -P name={name} -P profile={profile}"

    def any_cell(self, profile: str) -> str:
        return self.cell(profile, "TASK", "RECIPE")

    def sweep(
        self, task: str, grid: str, profile: str, seeds: int, random: int = 0, draw_seed: int = 0, halve_by: int = 0
    ) -> str:
        """The search of a grid again."""
        drawn = f" --random {random} --draw-seed {draw_seed}" if random else ""
        halved = f" --halving --halve-by {halve_by}" if halve_by else ""
        return f"python -m pipelines.sweep {task} --grid {grid} --profile {profile} --seeds {seeds}{drawn}{halved}"

    def serve(self, task: str) -> str:
        """Answer requests with a task's champion."""
        return f"mlflow models serve -m models:/{task}@champion --env-manager local"
