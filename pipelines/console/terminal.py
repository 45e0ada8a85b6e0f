"""A terminal that has not every character of a text is given the nearest that it has, in place of an error."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

NEAREST = {
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{DAGGER}": "+",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}
"""Of those that Unicode itself knows none of."""


def prepare() -> None:
    """Have both streams of this process do so."""
    codecs.register_error("nearest", _nearest_text)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="nearest")


def _nearest_text(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(nearest, error.object[error.start : error.end])), error.end


def nearest(character: str) -> str:
    """In ASCII."""
    folded = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return NEAREST.get(character) or folded or "?"
