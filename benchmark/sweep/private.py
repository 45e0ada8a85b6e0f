"""A Ray of this machine that belongs to one sweep: a token of its own, sockets with short paths, nothing left behind.

Ray's processes listen on every interface and run whatever code they are sent by who knows the token. So each sweep has its
own, kept in the environment of its processes alone: no other user can read it there, and no file has it.
"""

from __future__ import annotations

import os
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import joblib
import psutil

from benchmark.core.errors import BadInput

TOKEN, MODE = "RAY_AUTH_TOKEN", "RAY_AUTH_MODE"
LONGEST = 45
"""Bytes of a temporary folder's path. Ray's sockets lie some 60 deeper, and Linux takes 107 in all."""
SHORT = Path("/tmp")
LOOK_S = 1.0
"""Between two looks at what a sweep has started."""


@contextmanager
def private() -> Iterator[dict[str, Any]]:
    """For as long as the context is open; what `ray.init` has to be told.

    Raises:
        BadInput: no folder with a path that is short enough for sockets can be written to.
    """
    with ExitStack() as stack:
        # Without a mode Ray asks for a token, and sets the mode; one that it finds set it may have read too early.
        stack.enter_context(_environment({TOKEN: secrets.token_hex(32), MODE: None, f"{TOKEN}_PATH": None}))
        stack.enter_context(_reaper())
        # Ray would take every core of the machine, though a scheduler or container may leave this process fewer.
        yield {"num_cpus": joblib.cpu_count()} | stack.enter_context(_folder())


@contextmanager
def _environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """These variables of the environment, None for none, then as they were."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _folder() -> Iterator[dict[str, str]]:
    """Where Ray puts its sockets and logs, where its own choice has too long a path."""
    given = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    if len(os.fsencode(given)) <= LONGEST:
        yield {}
        return
    try:
        short = tempfile.mkdtemp(prefix="ray-", dir=SHORT)
    except OSError as error:
        raise BadInput(
            f"TMPDIR: {given} has more than the {LONGEST} characters that Ray's sockets leave, and {SHORT} can't be "
            f"written to; set RAY_TMPDIR to a folder with a shorter path"
        ) from error
    try:
        yield {"_temp_dir": short}
    finally:
        shutil.rmtree(short, ignore_errors=True)


@contextmanager
def _reaper() -> Iterator[None]:
    """A process beside this one, which sees it end however that happens, and then ends what has its token."""
    command = [sys.executable, "-m", __name__]
    place = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = os.environ | {"PYTHONPATH": place}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=env, start_new_session=True):
        yield


def reap() -> None:
    """Wait for the other end of the standard input to close, then end every process with this one's token, and its children.

    They are looked up while they live: Ray's agents write their names over what tells of their environment, and have
    another parent once theirs is dead.
    """
    sweep, found = psutil.Process(os.getppid()), set[psutil.Process]()
    while not select.select([sys.stdin], [], [], LOOK_S)[0]:
        with suppress(psutil.Error):
            found |= _families(sweep.children())
    for process in found | _families(psutil.process_iter()):
        with suppress(psutil.Error):
            process.kill()


def _families(processes: Iterable[psutil.Process]) -> set[psutil.Process]:
    """Those of them that have this process's token, and their children; without this process."""
    found = set[psutil.Process]()
    for process in processes:
        with suppress(psutil.Error):  # another user's, or gone by now
            if process.pid != os.getpid() and process.environ().get(TOKEN) == os.environ[TOKEN]:
                found |= {process, *process.children(recursive=True)}
    return found


if __name__ == "__main__":
    reap()
