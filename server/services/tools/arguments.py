"""A tool's arguments: read from the model's JSON, tidied, held against the tool's JSON Schema, refused in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry

from server.services.tools.answers import BadArguments

MOST_CHARS: Final = 20_000
LONGEST_TEXT: Final = 4000
_SHOWN: Final = 60
_FORMATS: Final = FormatChecker(formats=())
_REMEDIES: Final = {
    "date": "is not a date; use YYYY-MM-DD",
    "time": "is not a time; use HH:MM, such as 14:30",
    "date-time": "is not a date with a time; use YYYY-MM-DDTHH:MM",
    "email": "is not an email address; ask for it again",
}
_TYPES: Final = {
    "string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "an object", "null": "null",
}  # fmt: skip
_REPEATED_GROUP: Final = re.compile(r"\)\s*[+*{]")
_UNBOUNDED: Final = re.compile(r"[+*]|\{\d*,\}")
_LONGEST_MATCHED: Final = 200
"""The most characters of a text that has a pattern, and of the pattern."""


def _format(name: str, pattern: str, read: Callable[[str], object]) -> None:
    def check(value: object) -> bool:
        if not isinstance(value, str):
            return True
        read(value)
        return re.fullmatch(pattern, value) is not None

    _FORMATS.checkers[name] = (check, ValueError)


_format("date", r"\d{4}-\d\d-\d\d", date.fromisoformat)
_format("time", r"\d\d:\d\d(:\d\d)?", time.fromisoformat)
_format("date-time", r"\d{4}-\d\d-\d\dT\d\d:\d\d.*", datetime.fromisoformat)
_format("email", r"[^@\s]+@[^@\s]+\.[^@\s]+", str)


def read_arguments(tool: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    """The arguments of a tool call, tidied and valid. Raises `BadArguments`.

    Tidied: what is null or blank counts as not given, texts lose line ends and are cut at their `maxLength`, and a text
    that is one of the choices but for its case is that choice.
    """
    if len(text) > MOST_CHARS:
        raise BadArguments(f"The arguments of {tool} are too long: give at most {MOST_CHARS} characters.")
    try:
        given = json.loads(text or "{}")
    except (ValueError, RecursionError) as problem:
        raise BadArguments(f"The arguments of {tool} are not JSON: {problem}.") from problem
    if not isinstance(given, dict):
        raise BadArguments(f"The arguments of {tool} must be an object.")
    tidy = _tidied(schema, given)
    problems = sorted(_validator(schema).iter_errors(tidy), key=lambda one: (len(one.absolute_path), one.message))
    if problems:
        raise BadArguments(" ".join(dict.fromkeys(_words(problem, schema) for problem in problems[:3])))
    return tidy


def check_schema(schema: Any) -> None:
    """Raise `ValueError`, naming field and remedy, unless this is a schema that arguments can be held against.

    It must stand by itself (nothing is fetched to read it) and may hold no pattern that could take for ever.
    """
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise ValueError('parameters must be a JSON Schema with "type": "object"')
    if not isinstance(schema.get("properties", {}), dict):
        raise ValueError("parameters.properties must be an object: one property per argument")
    if len(json.dumps(schema)) > MOST_CHARS:
        raise ValueError(f"parameters are longer than {MOST_CHARS} characters: describe fewer arguments")
    for key, value in _members(schema):
        if key in ("$ref", "$dynamicRef") or (key == "$schema" and "2020-12" not in str(value)):
            raise ValueError(f"parameters use {key}, which is not supported: write the schema out (draft 2020-12)")
        if key == "patternProperties" or (
            key == "pattern" and not isinstance(value, dict) and _may_take_for_ever(value)
        ):
            raise ValueError(f"parameters use a {key} that could take very long to match: use a simpler one")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as problem:
        where = ".".join(str(part) for part in problem.absolute_path)
        raise ValueError(f"parameters{'.' + where if where else ''}: {problem.message[:200]}") from problem


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=_FORMATS, registry=Registry())


def _may_take_for_ever(pattern: object) -> bool:
    """A group that repeats can backtrack without end, many open repetitions nearly so."""
    return (
        not isinstance(pattern, str)
        or len(pattern) > _LONGEST_MATCHED
        or bool(_REPEATED_GROUP.search(pattern))
        or len(_UNBOUNDED.findall(pattern)) > 3
    )


def _members(node: Any) -> list[tuple[str, Any]]:
    """Every key of every object in a schema, however deep, with its value."""
    found: list[tuple[str, Any]] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found.extend(one.items())
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found


def _tidied(schema: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    tidy = {key: _tidy(properties.get(key, {}), value) for key, value in given.items()}
    return {key: value for key, value in tidy.items() if value is not None and value != ""}


def _tidy(schema: Any, value: Any) -> Any:
    if not isinstance(value, str) or not isinstance(schema, dict):
        return value
    longest = min(schema.get("maxLength", LONGEST_TEXT), _LONGEST_MATCHED if "pattern" in schema else LONGEST_TEXT)
    text = " ".join(value.replace("\0", " ").split())[:longest]
    choices = [choice for choice in schema.get("enum") or () if isinstance(choice, str)]
    return next((choice for choice in choices if choice.casefold() == text.casefold()), text)


def _words(problem: ValidationError, schema: dict[str, Any]) -> str:
    """A violation as field and remedy."""
    if problem.validator == "required":
        name = problem.message.removesuffix(" is a required property").strip("'\"")
        return f"{_path(problem, name)} is missing: ask for {_described(problem.schema, name)}."
    if problem.validator == "additionalProperties":
        known = sorted((problem.schema or {}).get("properties", {}))
        extra = next((name for name in problem.instance if name not in known), "")
        return f"{_path(problem, str(extra)[:_SHOWN])} is no argument here: use {', '.join(known) or 'none'}."
    field, value = _path(problem) or "the arguments", _shown(problem.instance)
    if problem.validator == "format":
        return f"{field}: {value} {_REMEDIES.get(str(problem.validator_value), 'is not valid; ask again')}."
    if problem.validator == "enum":
        return f"{field}: {value} is none of {', '.join(str(one) for one in problem.validator_value)}; ask which one."
    if problem.validator == "type":
        wanted = problem.validator_value if isinstance(problem.validator_value, list) else [problem.validator_value]
        return f"{field}: {value} must be {' or '.join(_TYPES.get(str(one), str(one)) for one in wanted)}."
    return f"{field}: {value} does not fit ({problem.validator} {_shown(problem.validator_value)}); ask again."


def _path(problem: ValidationError, *more: str) -> str:
    return ".".join([*(str(part) for part in problem.absolute_path), *more])


def _described(schema: Any, name: str) -> str:
    found = schema.get("properties", {}).get(name, {}) if isinstance(schema, dict) else {}
    return str(found.get("description") or name.replace("_", " ")).rstrip(".?")


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
