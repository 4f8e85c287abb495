"""What a rule is: its text for people, and its check for one file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from integrity.owner_map import OwnerMap
from integrity.source import Source


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of code that a rule reports, or does not. `module` is where it stands; None makes it a fragment."""

    code: str
    module: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a rule is broken, and the sentence that says how. `remedy` replaces the rule's own."""

    node: ast.AST
    message: str
    remedy: str = ""


class Rule(Protocol):
    """One rule. Its examples are tests and documentation at once; only a text that `hint` matches is read further."""

    id: str
    title: str
    why: str
    remedy: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    hint: re.Pattern[str]

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        """Yield every place in `source` that breaks the rule under the given ownership map."""
        ...
