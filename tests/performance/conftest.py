"""Tables of what was measured: shown at the end, and kept in `.benchmarks/` as Markdown."""

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark import provenance

TABLES = pytest.StashKey[dict[str, list[dict[str, Any]]]]()
PAGE = Path(".benchmarks") / "bench.md"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLES] = {}


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Callable[[str, dict[str, Any]], None]:
    """Adds a row to a table of that name."""
    return lambda name, row: request.config.stash[TABLES].setdefault(name, []).append(row)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    tables = config.stash[TABLES]
    if not tables or not config.getoption("benchmark_enable"):
        return
    hardware, code = provenance.hardware(), provenance.code()
    where = f"{hardware['gpu'] or hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gb']} GiB"
    lines = [f"{where}; torch {provenance.versions()['torch']}, Python {platform.python_version()}; "]
    lines[0] += f"commit {code['commit'][:10]}{', changed since' if code['dirty'] else ''}"
    for name, rows in tables.items():
        lines += ["", f"### {name}", "", _markdown(pd.DataFrame(rows).fillna(""))]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    terminalreporter.write("\n" + "\n".join(lines) + f"\n\nkept in {PAGE}\n")


def _markdown(frame: pd.DataFrame) -> str:
    rows = [frame.columns, ["---"] * len(frame.columns), *frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(str(value) for value in row) + " |" for row in rows)
