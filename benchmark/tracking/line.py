"""The one line to MLflow: a thread of its own, and an end to what a run waits for it.

A server can be away, hang, drip or come late, and no setting of its client bounds the whole time. So every call goes
through one thread, and whoever needs its answer waits for a limited time, which all calls share. The first call that
fails or runs out of time closes the line: the run goes on without it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import psutil

from benchmark.core.background import under_way
from benchmark.core.errors import NoStore

Answer = TypeVar("Answer")
Warn = Callable[[NoStore], None]
PATIENCE_S = 30.0
"""What all calls of one command may keep it waiting."""
TOGETHER_S = 50.0
"""What a launcher and the command that it launches may wait, so that with the launcher's end it stays under a minute."""
LEAST_S = 10.0
"""What a command may wait in any case."""
LAUNCHED = "BENCHMARK_LAUNCHED_AT"
"""Environment variable: when the launcher of this process began to ask the store, in seconds since 1970."""
LOOK_EVERY_S = 0.2
SWITCH = "BENCHMARK_TRACKING"
"""Environment variable; `off` leaves MLflow alone."""
THREADS = Path("/proc/self/task")


class _Call(Generic[Answer]):
    def __init__(self, what: str, call: Callable[[], Answer]) -> None:
        self.what, self.call, self.done = what, call, threading.Event()
        self.answer: Answer | None = None
        self.error: Exception | None = None

    def make(self) -> None:
        with under_way():
            try:
                self.answer = self.call()
            except Exception as error:  # whatever MLflow or its server raises: the run folder is what counts
                self.error = error
        self.done.set()


class Line:
    """Calls to MLflow, one after the other, that never raise.

    Args:
        warn: is told once why the line was closed.
        seconds: how long all calls together are waited for; None for what a command may wait, or what its launcher has left of it.
        of_one: how long any one of them is.
    """

    def __init__(self, warn: Warn, seconds: float | None = None, of_one: float = PATIENCE_S) -> None:
        self.warn, self.of_one = warn, of_one
        self.left = _patience() if seconds is None else seconds
        self.is_open = os.environ.get(SWITCH) != "off"
        self.failed = False
        self._warned = False
        self._calls: SimpleQueue[_Call[Any]] | None = None
        self._told: _Call[Any] | None = None
        self._closing = threading.Lock()

    def ask(self, what: str, call: Callable[[], Answer]) -> Answer | None:
        """Make the call and wait for its answer; None where there is none.

        Args:
            what: what it is for, as in 'could not ...'.
        """
        if not self.is_open:
            return None
        asked = self._send(_Call(what, call))
        in_time = self._wait(asked.done)
        if in_time and asked.error is None:
            return asked.answer
        self._close(what, asked.error)
        return None

    def tell(self, what: str, call: Callable[[], object]) -> None:
        """Make the call when there is time: nobody waits for it, and it is left out while the last one is under way."""
        if self.is_open and (self._told is None or self._told.done.is_set()):
            self._told = self._send(_Call(what, call))

    def mend(self) -> bool:
        """Open a closed line again, with the time that is left; whether there is any."""
        if self.failed and self.left > 1:
            self._calls, self._told = None, None  # the old thread may hang in its call for good
            self.is_open, self.failed = True, False
        return self.is_open

    def once_more(self, log: Callable[[], object]) -> None:
        """Log again from the folders what was missed: a store that was away for a while may be back by now."""
        if self.failed and self.mend():
            log()

    def _send(self, call: _Call[Answer]) -> _Call[Answer]:
        if self._calls is None:
            self._calls = SimpleQueue()
            threading.Thread(target=self._work, args=(self._calls,), daemon=True, name="mlflow").start()
        self._calls.put(call)
        return call

    def _work(self, calls: SimpleQueue[_Call[Any]]) -> None:
        while True:
            call = calls.get()
            if not self.is_open or calls is not self._calls:
                call.done.set()
                continue
            call.make()
            if call.error is not None and call is self._told:  # nobody waits, so nobody else will say so
                self._close(call.what, call.error)

    def _wait(self, done: threading.Event) -> bool:
        """Whether it came in time. What this process computes meanwhile, such as a picture, is no waiting."""
        looked, busy, waited = time.monotonic(), _busy(), 0.0
        while not done.wait(LOOK_EVERY_S):
            before, busy_before = looked, busy
            looked, busy = time.monotonic(), _busy()
            waited += max(0.0, (looked - before) - max(0.0, busy - busy_before))
            if waited > min(self.left, self.of_one):
                break
        self.left = max(0.0, self.left - waited)
        return done.is_set()

    def _close(self, what: str, error: Exception | None) -> None:
        with self._closing:
            if not self.is_open:
                return
            self.is_open, self.failed = False, True
            first, self._warned = not self._warned, True
        if not first:
            return
        # late: imports MLflow, which a caller that finds it switched off never needs
        from benchmark.tracking import store

        self.warn(store.no_answer(what, error))


def _busy() -> float:
    """Seconds that the threads of this process have computed or, on Linux, stood ready to and got no core."""
    total = 0.0
    for thread in THREADS.glob("*/schedstat"):
        try:
            ran, stood, _ = thread.read_text(encoding="ascii").split()
        except (OSError, ValueError):  # it has ended, or this kernel keeps no such account
            continue
        total += (int(ran) + int(stood)) / 1e9
    return total or time.process_time()


def _patience() -> float:
    try:
        spent = psutil.Process().create_time() - float(os.environ[LAUNCHED])
    except (KeyError, ValueError):
        return PATIENCE_S
    return min(PATIENCE_S, max(LEAST_S, TOGETHER_S - spent))
