"""However a store behaves, calls to it end in time, never raise, and are told of once."""

import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from benchmark.core.errors import NoStore
from benchmark.tracking import store
from benchmark.tracking.line import LAUNCHED, LEAST_S, Line
from pipelines.console.mends import sentence
from pipelines.launch import END_S, START_S
from tests.tracking.weather import server


def test_calls_are_made_one_after_the_other_in_one_thread() -> None:
    told: list[NoStore] = []
    line = Line(told.append)
    threads = {line.ask("ask", threading.get_ident) for _ in range(3)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}
    assert not told


def test_a_call_that_fails_closes_the_line_and_the_next_one_is_not_made() -> None:
    told: list[NoStore] = []
    line, made = Line(told.append), []

    def fail() -> None:
        raise ValueError("no such thing")

    assert line.ask("do this", fail) is None
    assert line.ask("do that", lambda: made.append(1)) is None
    (error,) = told
    assert "could not do this (no such thing)" in str(error)
    assert not made
    assert line.mend()
    assert line.ask("do that", lambda: 2) == 2


def test_what_nobody_waits_for_is_left_out_while_the_last_one_is_under_way() -> None:
    line, gate, made = Line(lambda _: None), threading.Event(), []
    line.tell("first", lambda: (gate.wait(10), made.append(1)))
    started = time.monotonic()
    line.tell("second", lambda: made.append(2))
    assert time.monotonic() - started < 1
    gate.set()
    assert line.ask("third", lambda: 3) == 3
    assert made == [1]


def test_all_calls_together_are_waited_for_no_longer_than_said() -> None:
    told: list[NoStore] = []
    line = Line(told.append, seconds=1.5)
    started = time.monotonic()
    for _ in range(10):
        line.ask("wait", lambda: time.sleep(0.5))
    assert time.monotonic() - started < 3
    assert "no answer in time" in str(told[0])


def test_what_a_crowded_machine_keeps_from_computing_is_no_waiting_for_the_store() -> None:
    told: list[NoStore] = []
    burn = [sys.executable, "-c", "while True: pass"]
    crowd = [subprocess.Popen(burn) for _ in range(4 * (os.cpu_count() or 1))]

    def compute() -> int:
        while time.thread_time() < 0.8:
            pass
        return 1

    try:
        started = time.monotonic()
        assert Line(told.append, seconds=1).ask("compute", compute) == 1
        assert time.monotonic() - started > 2  # else there was no crowd
    finally:
        for one in crowd:
            one.kill()
            one.wait()
    assert not told


@pytest.mark.parametrize(
    ("spent", "left"), [(None, 30), (2, 30), (35, 15), (100, 10)], ids=["by hand", "soon", "late", "after the time"]
)
def test_a_launcher_and_what_it_launches_wait_no_longer_together_than_they_may(
    monkeypatch: pytest.MonkeyPatch, spent: float | None, left: float
) -> None:
    if spent is not None:
        monkeypatch.setenv(LAUNCHED, str(psutil.Process().create_time() - spent))
    assert Line(lambda _: None).left == pytest.approx(left)
    assert Line(lambda _: None, seconds=3).left == 3
    assert START_S + LEAST_S + END_S < 60


def test_switched_off_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHMARK_TRACKING", "off")
    assert Line(lambda _: None).ask("ask", lambda: 1) is None


@pytest.mark.parametrize(
    ("weather", "mend"),
    [
        ("hangs", "see that it runs"),
        ("drips", "see that it runs"),
        ("gone", "see that it runs"),
        ("403", "--allowed-hosts"),
    ],
)
def test_in_any_weather_the_store_is_given_up_in_time_by_one_sentence_without_the_password(
    monkeypatch: pytest.MonkeyPatch, weather: str, mend: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")  # set by `store.use`; taken back by this
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    told: list[NoStore] = []
    with server(weather) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        started = time.monotonic()
        assert not store.prepare(Line(told.append, seconds=3))
        assert time.monotonic() - started < 6
    (text,) = map(sentence, told)
    assert mend in text
    assert "python -m pipelines.track" in text
    assert "geheim" not in text


@pytest.mark.parametrize(
    ("uri", "mend"),
    [("folder", "sqlite:///mlflow.db, or unset it"), ("foo://me:geheim@x", "to a server or a database, or unset it")],
)
def test_an_address_that_is_no_store_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch, uri: str, mend: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    told: list[NoStore] = []
    assert not store.prepare(Line(told.append))
    (text,) = map(sentence, told)
    assert mend in text
    assert "geheim" not in text
