"""A status says the same in a record, in a table and in code."""

import pytest

from benchmark.runs.status import DONE, NOT_FINISHED, NOT_RUN, RUNNING, State, Status

EVERY = [DONE, RUNNING, NOT_RUN, NOT_FINISHED, *(Status(state, "why: because") for state in State)]


@pytest.mark.parametrize("status", EVERY, ids=str)
def test_a_status_comes_back_from_its_text(status: Status) -> None:
    assert Status.parse(str(status)) == status


def test_a_text_that_names_no_state_is_no_status() -> None:
    with pytest.raises(ValueError, match="'unfinished' is not a valid State"):
        Status.parse("unfinished")


def test_what_is_final_and_what_is_open() -> None:
    assert {status.state for status in EVERY if status.is_final} == {State.DONE, State.FAILED}
    assert {status.state for status in EVERY if status.is_open} == {State.NOT_RUN, State.NOT_FINISHED, State.RUNNING}
    assert [status for status in EVERY if status.is_done] == [DONE, Status(State.DONE, "why: because")]
