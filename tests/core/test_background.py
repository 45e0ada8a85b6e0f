"""What is under way in another thread is known, and known to be over."""

import threading

import pytest

from benchmark.core.background import is_any_under_way, under_way


def test_what_is_held_in_another_thread_is_under_way_until_it_ends() -> None:
    begun, gate = threading.Event(), threading.Event()

    def work() -> None:
        with under_way():
            begun.set()
            gate.wait(10)

    assert not is_any_under_way()
    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)
    assert is_any_under_way()
    gate.set()
    thread.join(10)
    assert not is_any_under_way()


def test_what_ends_by_an_error_is_over_too() -> None:
    with pytest.raises(ValueError, match="no"), under_way():
        raise ValueError("no")
    assert not is_any_under_way()
