"""Tables of what was measured: shown at the end, and kept in `.benchmarks/` as Markdown."""

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.core import provenance

TABLES = pytest.StashKey[dict[str, list[dict[str, Any]]]]()
PAGE = Path(".benchmarks") / "bench.md"
GROWTH = "Growth with the number of images"


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
    hardware, code = provenance.hardware(), provenance.commit()
    where = f"{hardware['gpu'] or hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gb']} GiB"
    lines = [f"{where}; torch {provenance.versions()['torch']}, Python {platform.python_version()}; "]
    lines[0] += f"commit {code['commit'][:10]}{', changed since' if code['dirty'] else ''}"
    for name, rows in tables.items():
        lines += ["", f"### {name}", "", _markdown(pd.DataFrame(rows).fillna(""))]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if GROWTH in tables:
        _plot(pd.DataFrame(tables[GROWTH]))
    terminalreporter.write("\n" + "\n".join(lines) + f"\n\nkept in {PAGE}\n")


def _markdown(frame: pd.DataFrame) -> str:
    rows = [frame.columns, ["---"] * len(frame.columns), *frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(str(value) for value in row) + " |" for row in rows)


def _plot(growth: pd.DataFrame) -> None:
    """Seconds per epoch against images, with the line through the first point, and the process's peak memory."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    images, seconds = growth["images"], growth["s per epoch"].astype(float)
    left.loglog(images, seconds, "o-", label="measured")
    left.loglog(images, images * seconds[0] / images[0], "--", color="grey", label="proportional")
    left.set(xlabel="images", ylabel="s per epoch")
    left.legend()
    right.semilogx(images, growth["peak MiB of the process so far"].astype(float), "o-", label="process")
    right.semilogx(images, growth["data, MiB"].astype(float), "s-", label="data")
    right.set(xlabel="images", ylabel="MiB", ylim=0)
    right.legend()
    figure.savefig(PAGE.with_name("growth.png"), dpi=110)
