"""The quick reference's Python blocks as separate pieces, each with what the document says of it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["bad", "good", "practice", "task"]
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "QUICK_REFERENCE.md"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
_MARK = re.compile(r"^# (BAD|GOOD)\b.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of code, exactly as the document has it, under the heading it stands below."""

    kind: Kind
    heading: str
    code: str

    def as_function(self, name: str = "piece", *parameters: str) -> str:
        """The piece as a function's body, since some `return`; `parameters` are the names that it leaves free."""
        return f"def {name}({', '.join(parameters)}):\n{textwrap.indent(self.code, '    ')}\n"


def pieces(document: Path = DOCUMENT) -> list[Piece]:
    """Every piece of the document in its order."""
    text = document.read_text(encoding="utf-8")
    return [piece for block in _BLOCK.finditer(text) for piece in _split(_heading(text, block.start()), block[1])]


def _heading(text: str, position: int) -> str:
    return [match[1].strip() for match in _HEADING.finditer(text, 0, position)][-1]


def _split(heading: str, code: str) -> Iterator[Piece]:
    marks = list(_MARK.finditer(code))
    if not marks:
        yield Piece("task" if heading.startswith("Task:") else "practice", heading, code.rstrip())
        return
    for mark, end in zip(marks, [*(m.start() for m in marks[1:]), len(code)], strict=True):
        yield Piece("bad" if mark[1] == "BAD" else "good", heading, code[mark.start() : end].rstrip())
