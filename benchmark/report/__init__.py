"""The report: measured results beside published ones, as a page, as Markdown and as text for the terminal.

Reads run folders and nothing else; they are the truth.
"""

from __future__ import annotations

from pathlib import Path

from benchmark.config import Params
from benchmark.report.gather import collect
from benchmark.report.model import Comparison
from benchmark.report.table import table_text
from benchmark.runs import RUNS, TRUNKS
from benchmark.sweep import SWEEPS
from benchmark.tasks import STAMP

__all__ = ["STAMP", "Comparison", "build", "collect", "table_text"]


def build(
    params: Params,
    profile: str,
    out: Path,
    runs_root: Path = RUNS,
    trunks_root: Path = TRUNKS,
    sweeps_root: Path = SWEEPS,
) -> Comparison:
    """Write `report.md` and `report.html` of a profile into `out`, and `sweep-<task>.html` for every swept task.

    Returns:
        What they show, for `table_text`.
    """
    from benchmark.report import (
        page,
        sweep_page,
    )  # late: importing matplotlib takes a second, and a table needs none of it

    comparison = collect(params, profile, runs_root, trunks_root)
    swept = sweep_page.write(params, out, sweeps_root)
    page.write(comparison, out, swept)
    return comparison
