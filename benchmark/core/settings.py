"""Settings: how a configuration file is read and a part of it validated, and what is wrong with it in one sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node

from benchmark.core.errors import BadInput


class Section(BaseModel):
    """A part of a configuration or record: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


LONGEST = 100
"""Characters of a value in a sentence."""


class _Constructor(SafeConstructor):
    """Says where it stands what Python makes no value of, such as a number of thousands of digits or the 30th of February."""

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise ConstructorError(None, None, str(error).partition(";")[0], node.start_mark) from error


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a file, by the rules of YAML 1.2 that DVC reads it by: a key given twice is an error.

    Raises:
        BadInput: one sentence with the file and, where there is one, the line.
    """
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _Constructor
        content = yaml.load(path)
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise BadInput(f"{path}: not valid YAML: {line}{_one_line(error.problem)}") from error
    except YAMLError as error:
        raise BadInput(f"{path}: not valid YAML: {_one_line(error)}") from error
    if not isinstance(content, dict):
        raise BadInput(f"{path}: should hold keys with values, and {'is empty' if content is None else 'does not'}")
    return content


def _one_line(problem: object) -> str:
    """YAML's description of a problem, without the values of a key that was given twice: those may be whole sections."""
    return " ".join(str(problem).partition(" with value ")[0].split())


def sentence(
    error: ValidationError, root: type[BaseModel], forms: Mapping[Any, type[BaseModel]], losses: Collection[str]
) -> str:
    """The first problem, as `key: problem, got value`; a key or name that is unknown comes with those that are known.

    Args:
        root: the class whose validation failed.
        forms: the members of its unions by their tags, which pydantic puts into the path of a problem.
        losses: names that an objective's `loss` may have.
    """
    first = error.errors(include_url=False)[0]
    # The file has no key for the form that pydantic chose of a union.
    path = [part for part, is_form in _told_apart(root, first["loc"], forms) if not is_form]
    key = ".".join({"d2": "2d", "d3": "3d"}.get(str(part), str(part)) for part in path)
    given = first.get("input")
    shown = f", got {_short(given)}" if isinstance(given, (str, int, float, bool)) else ""
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown key; known: {', '.join(_known_keys(root, first['loc'][:-1], forms))}"
    if first["type"].startswith("union_tag"):
        name = given.get("loss") if isinstance(given, dict) else None
        problem = f"unknown name '{name}'" if name else "missing"
        return f"{'.'.join([key, 'loss']).lstrip('.')}: {problem}; known: {', '.join(sorted(losses))}"
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{key}: {message}{shown}" if key else f"{message}{shown}"


def _short(given: object) -> str:
    """A value as it would be written, as far as that fits a sentence."""
    try:
        text = repr(given)
    except ValueError:  # of a hexadecimal number, which is read at any length
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _known_keys(root: type[BaseModel], path: tuple[int | str, ...], forms: Mapping[Any, type[BaseModel]]) -> list[str]:
    """The keys that the section at `path` may have; empty where the path does not lead to one."""
    section = root
    for part, is_form in _told_apart(root, path, forms):
        section = forms[part] if is_form else _section_under(section, str(part)) or section
    return sorted(field.alias or name for name, field in section.model_fields.items())


def _told_apart(
    root: type[BaseModel], path: tuple[int | str, ...], forms: Mapping[Any, type[BaseModel]]
) -> list[tuple[int | str, bool]]:
    """Each part of a path, and whether it is a form of a union: a name that a person has given may be the same word."""
    named = _fields_of_names((root, *forms.values()))
    return [(part, part in forms and before not in named) for before, part in zip(("", *path), path, strict=False)]


def _fields_of_names(sections: Iterable[type[BaseModel]]) -> set[str]:
    """The keys, in these sections and those that they hold, under which a person names the entries."""
    names: set[str] = set()
    waiting, seen = list[Any](sections), set[Any]()
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if kind not in seen:
                seen.add(kind)
                fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
                names |= {key for key, annotation in fields.items() if get_origin(annotation) is dict}
                waiting.extend(fields.values())
        else:
            waiting.extend(get_args(kind))
    return names


def _section_under(section: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The class of the section that `key` holds, whatever container or option its type is wrapped in."""
    fields = {field.alias or name: field.annotation for name, field in section.model_fields.items()}
    waiting: list[Any] = [fields.get(key)]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        waiting.extend(get_args(kind))
    return None
