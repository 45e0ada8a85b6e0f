"""Results kept on disk as JSON, by the digest of what they were worked out of: what lies there is data, never code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

import numpy as np
from pydantic import TypeAdapter

from benchmark.core.files import digest_of, write_text

CACHE = Path(".cache/report")

Result = TypeVar("Result")


def place(kind: type, origin: Mapping[str, Any]) -> Path:
    """The file of a result of this class (a dataclass) that was worked out of `origin`."""
    return CACHE / kind.__name__ / f"{digest_of(origin)}.json"


def write(path: Path, result: Result) -> Result:
    """Keep, and hand back, a dataclass of numbers, names, arrays of floats, lists and mappings of these, and further such dataclasses."""
    write_text(path, json.dumps(asdict(cast(Any, result)), default=lambda value: value.tolist()))
    return result


def read(kind: type[Result], path: Path) -> Result | None:
    """What was kept, to the last bit; None where there is nothing, or nothing of that class."""
    try:
        made: Result = _made(kind, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made


def _made(kind: Any, content: Any) -> Any:
    if kind is np.ndarray:
        return np.array(content, dtype=np.float64)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{one.name: _made(hints[one.name], content[one.name]) for one in fields(kind)})
    return _adapter(kind).validate_python(content)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
