"""Small checks that combine: each takes a client's value and its path, and gives the value to keep or raises."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from engine.realtime.protocol import ClientError, missing, of_type, unsupported

Check = Callable[[object, str], Any]


def is_a(kind: type) -> Check:
    """A value of one JSON type."""
    return lambda value, param: of_type(value, param, kind)


text = is_a(str)
flag = is_a(bool)
anything: Check = lambda value, param: value  # noqa: E731 - a check like the others


def one_of(*choices: str) -> Check:
    """One of a closed list of strings."""

    def check(value: object, param: str) -> Any:
        if value not in choices:
            raise unsupported(param, value, list(choices))
        return value

    return check


def between(kind: type, low: float, high: float) -> Check:
    """A number in a range, both ends included."""

    def check(value: object, param: str) -> Any:
        number = of_type(value, param, kind)
        if not low <= number <= high:
            raise ClientError(
                "invalid_value", f"Invalid '{param}': {str(number)[:40]} is not between {low:g} and {high:g}.", param
            )
        return number

    return check


def at_most(length: int) -> Check:
    """A string of at most so many characters."""

    def check(value: object, param: str) -> Any:
        given = of_type(value, param, str)
        if len(given) > length:
            raise ClientError(
                "string_above_max_length", f"Invalid '{param}': at most {length} characters, not {len(given)}.", param
            )
        return given

    return check


def list_of(each: Check) -> Check:
    """An array whose members all pass."""

    def check(value: object, param: str) -> Any:
        return [each(one, f"{param}[{n}]") for n, one in enumerate(of_type(value, param, list))]

    return check


def nullable(inner: Check) -> Check:
    """The same, or null."""
    return lambda value, param: None if value is None else inner(value, param)


def or_default(inner: Check, default: object) -> Check:
    """The same; null puts the default back."""
    return lambda value, param: copy.deepcopy(default) if value is None else inner(value, param)


def fields(needed: tuple[str, ...] = (), /, **known: Check) -> Check:
    """An object of known fields.

    Fields that nobody knows are left out, not refused: a newer client's option must not end a call, and
    `session.updated` shows what was taken.
    """

    def check(value: object, param: str) -> Any:
        given = of_type(value, param, dict)
        for name in needed:
            if name not in given:
                raise missing(f"{param}.{name}")
        return {name: known[name](one, f"{param}.{name}") for name, one in given.items() if name in known}

    return check
