"""Templates and the filters that they share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmark.report import wording

MARKUP = re.compile(r"[\\|`*~]|(?<=\])[(\[]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Of Markdown, within a line: a bracket alone makes no link, nor does an underscore within a word make emphasis."""


def templates() -> Environment:
    """What every page of the report is rendered by."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= _filters()
    environment.globals["answer"] = wording.answer
    environment.globals["run_name"] = wording.run
    environment.globals["legend"] = wording.LEGEND
    return environment


def _filters() -> Mapping[str, Any]:
    return {
        "measured": wording.measured,
        "spanned": wording.spanned,
        "range": wording.limits,
        "published": wording.published,
        "difference": wording.difference,
        "number": wording.number,
        "seeds": wording.seeds,
        "scope": wording.scope,
        "named": wording.named,
        "interval": wording.interval,
        "bounds": wording.bounds,
        "p_value": wording.p_value,
        "effect": wording.effect,
        "needed": wording.needed,
        "md": _markdown,
    }


def _markdown(text: object) -> str:
    """Free text within a Markdown table or paragraph: no cell, tag, link, code or emphasis of its own."""
    plain = " ".join(str(text).split())
    for character, escaped in {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.items():
        plain = plain.replace(character, escaped)
    return MARKUP.sub(r"\\\g<0>", plain)
