"""Run folders → the report's pages. Reads run folders and what searches found, nothing else; they are the truth."""

from __future__ import annotations

from benchmark.config.params import Params
from benchmark.report import page, sweep_page
from benchmark.report.commands import Commands
from benchmark.report.gather import collect
from benchmark.report.model import Comparison
from benchmark.runs.workspace import Workspace


def build(params: Params, profile: str, workspace: Workspace, commands: Commands) -> Comparison:
    """Write `report.md` and `report.html` of a profile, and `sweep-<task>.html` for every swept task.

    Returns:
        What they show, for `table.table_text`.
    """
    comparison = collect(params, profile, workspace)
    swept = sweep_page.write(params, workspace, commands)
    page.write(comparison, workspace, swept, commands)
    return comparison
