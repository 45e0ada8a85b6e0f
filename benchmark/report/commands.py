"""What a page says of commands: it asks whoever made it, since the library has none."""

from __future__ import annotations

from typing import Protocol


class Commands(Protocol):
    """How to run again what a page shows."""

    def cell(self, profile: str, task: str, recipe: str) -> str:
        """All seeds of one task and recipe."""
        ...

    def ensemble(self, profile: str, task: str, name: str) -> str:
        """The mean over the runs of an ensemble's members."""
        ...

    def any_cell(self, profile: str) -> str:
        """As `cell`, with blanks for the task and the recipe."""
        ...

    def sweep(
        self, task: str, grid: str, profile: str, seeds: int, random: int = 0, draw_seed: int = 0, halve_by: int = 0
    ) -> str:
        """A grid on one task, searched as `benchmark.sweep.grid.Search` says."""
        ...
