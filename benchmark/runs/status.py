"""How far a run, a trial or a cell of the comparison has come, and why it has no figures where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator


class State(StrEnum):
    """In a record, in a table and on a page by the same word."""

    DONE = "done"
    RUNNING = "running"
    FAILED = "failed"
    """Ended by the training itself, such as a loss that is not finite; the same run fails again."""
    ERROR = "error"
    """Ended by something else, which another try may not meet."""
    STOPPED = "stopped"
    """Given up because it fell behind others."""
    REFUSED = "refused"
    """The objective does not accept the task."""
    DAMAGED = "damaged"
    """Its folder can't be read, or is of other data than the task has now."""
    NOT_FINISHED = "not finished"
    NOT_RUN = "not run"
    NOT_GIVEN = "not given"
    """Predictions from elsewhere, of which there are none for this task."""


@dataclass(frozen=True)
class Status:
    state: State
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.reason}" if self.reason else str(self.state)

    @staticmethod
    def parse(text: object) -> Status:
        """The status that was written as this text.

        Raises:
            ValueError: it begins with no state.
        """
        if isinstance(text, Status):
            return text
        state, _, reason = str(text).partition(": ")
        return Status(State(state), reason)

    @property
    def is_done(self) -> bool:
        return self.state is State.DONE

    @property
    def is_final(self) -> bool:
        """Whether the same run again would end in the same way."""
        return self.state in (State.DONE, State.FAILED)

    @property
    def is_open(self) -> bool:
        """Whether nobody knows yet how it ends."""
        return self.state in (State.NOT_RUN, State.NOT_FINISHED, State.RUNNING)


DONE, RUNNING = Status(State.DONE), Status(State.RUNNING)
NOT_RUN, NOT_FINISHED = Status(State.NOT_RUN), Status(State.NOT_FINISHED)
AsText = Annotated[Status, PlainValidator(Status.parse), PlainSerializer(str)]
"""A field of a record."""
