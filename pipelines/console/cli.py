"""What every stage's command line shares: one sentence and an exit code instead of a traceback, and a prompt end.

Python runs a signal's handler between two of its own instructions, and one training step of a 3D network can be a
single one for many seconds. So a second thread, which the signal wakes through a file descriptor, ends the process when
the main thread does not get to it. The same thread looks whether DVC or MLflow, if one of them launched this
process, is still there: nothing goes on training behind a dead launcher. What was trained is in the checkpoint.
A launcher that was killed before this process could look at it is known by what it has left in the environment.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from benchmark.core.background import is_any_under_way
from benchmark.core.errors import BenchmarkError
from pipelines.console import mends, terminal

GRACE_S = 3.0
"""What the main thread gets for an orderly end."""
LOOK_EVERY_S = 1.0
DIARY = "STAGE_DIARY"
"""Environment variable: a file in which the command notes that it began, and its exit code, for who launched it."""
GONE = "the process that started this stage is gone; ending"
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def run(command: Callable[..., Any]) -> None:
    """Run `command` with the arguments of the command line (typer reads them from its signature)."""
    terminal.prepare()
    diary = os.environ.pop(DIARY, "")  # of this command alone, not of those that it runs
    _note(diary, "began")
    try:
        launched_by = launchers()
        if not launched_by and is_orphan(diary):
            print(GONE, file=sys.stderr, flush=True)
            sys.exit(TERMINATED)
        end_promptly(launched_by)
        _run(command)
    except SystemExit as end:
        code = int(end.code or 0) if isinstance(end.code, int | None) else 1
        _note(diary, str(code))
        if is_any_under_way():  # a call to MLflow that was given up
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        raise


def _note(diary: str, word: str) -> None:
    if diary:
        with Path(diary).open("a", encoding="utf-8") as file:
            file.write(f"{word}\n")


def _run(command: Callable[..., Any]) -> None:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    try:
        app()
    except BenchmarkError as error:
        print(f"error: {mends.sentence(error)}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if not (reason := _unwritable(error)):
            raise
        print(f"error: {reason}", file=sys.stderr)
        sys.exit(BenchmarkError.exit_code)


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def _unwritable(error: BaseException | None) -> str:
    """One sentence if a file could not be written (or read) for want of room or permission, else nothing.

    The whole chain is looked through: PyTorch answers a write that fails with an error of its own.
    """
    while error is not None:
        place = f" {error.filename}" if isinstance(error, OSError) and error.filename else ""
        if isinstance(error, OSError) and error.errno in FORBIDDEN:
            return (
                f"can't use{place} in {Path.cwd()}: {os.strerror(error.errno).lower()}; run the command in a folder "
                "that you may write to, or give this user the permission"
            )
        if isinstance(error, OSError) and error.errno in FULL:
            return (
                f"can't write{place} in {Path.cwd()}: {os.strerror(error.errno).lower()}; make room there and give the "
                "same command again, it goes on from what is finished and from the last checkpoint"
            )
        error = error.__cause__ or error.__context__
    return ""


def end_promptly(launched_by: list[Any]) -> None:
    """End within seconds of SIGTERM (exit code 143), of Ctrl-C (130), and of a launcher's death (143)."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # ends like Ctrl-C does: open runs are closed
    awake, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(awake, wake, launched_by), daemon=True).start()


def is_orphan(diary: str) -> bool:
    """Whether this process, which has no launcher, once had one, as its environment says: it was killed in the meantime.

    A person may have set such a variable, or have called DVC from a program of their own. But then that program or a shell
    is its parent, and not the machine's first process, which adopts whose parent has died.
    """
    import psutil

    parent = psutil.Process().parent()
    return bool(diary or "DVC_STAGE" in os.environ) and parent is not None and parent.pid == 1


def launchers() -> list[Any]:
    """The ancestors without which this process has no purpose, up to the outermost command of DVC, MLflow or ours.

    Empty where a person, or something unknown, started it: then it outlives its parent, as `nohup` wants it to.
    """
    import psutil

    ancestors = psutil.Process().parents()
    ours = [place for place, process in enumerate(ancestors) if _is_launcher(process)]
    return ancestors[: ours[-1] + 1] if ours else []


def _is_launcher(process: Any) -> bool:
    import psutil

    try:
        interpreter, *arguments = process.cmdline() or [""]
    except psutil.Error:
        return False
    named = [argument.rpartition("/")[2] for argument in arguments[:3]]
    return "python" in interpreter and any(n in ("dvc", "mlflow") or n.startswith("pipelines.") for n in named)


def _watch(awake: socket.socket, _wake: socket.socket, launched_by: list[Any]) -> None:
    while True:
        ready, _, _ = select.select([awake], [], [], LOOK_EVERY_S if launched_by else None)
        if ready:
            number = awake.recv(1)[0]
            if number in (signal.SIGINT, signal.SIGTERM):
                _end_after_grace(128 + number)
        elif not all(_alive(process) for process in launched_by):
            print(GONE, file=sys.stderr, flush=True)
            launched_by = []
            os.kill(os.getpid(), signal.SIGTERM)


def _alive(process: Any) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _end_after_grace(code: int) -> None:
    time.sleep(GRACE_S)
    print("ended without waiting for the step; what was trained is in the checkpoint", file=sys.stderr, flush=True)
    os._exit(code)
