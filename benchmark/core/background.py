"""What goes on in threads that a process does not wait for at its end.

Python aborts a process that ends while such a thread is in PyTorch: the thread comes back to an interpreter that is gone.
So whoever ends a process asks here first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_under_way: set[object] = set()


@contextmanager
def under_way() -> Iterator[None]:
    """Something is, as long as this is held."""
    mark = object()
    _under_way.add(mark)
    try:
        yield
    finally:
        _under_way.discard(mark)


def is_any_under_way() -> bool:
    """Whether something is, in any thread."""
    return bool(_under_way)
