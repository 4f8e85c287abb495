"""Remembering what pure functions of text gave: every reply folds the whole call anew, so each is asked often."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")
# A call has some hundred utterances and pieces of them; this holds the calls that run at a time, and no more.
_MOST = 8192


def remembered(function: Callable[_Given, _Found]) -> Callable[_Given, _Found]:
    """Remember a pure function's results, the least used go first. Only for results that nobody changes.

    ❌ NEVER: for a function that reads a clock, a state or anything but its arguments.
    """
    return cast(Callable[_Given, _Found], lru_cache(maxsize=_MOST)(function))
