"""What every stage's command line shares: one sentence and an exit code instead of a traceback."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

import typer

from benchmark.errors import BenchmarkError


def run(command: Callable[..., Any]) -> None:
    """Run `command` with the arguments of the command line (typer reads them from its signature)."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends like Ctrl-C does: open runs are closed
    try:
        app()
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
