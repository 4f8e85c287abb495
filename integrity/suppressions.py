"""`# audit: allow[rule-id] reason`: a finding that somebody has looked at and answers for."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from integrity.findings import Finding

BAD_SUPPRESSION = "bad-suppression"
_MARK = "audit:"
_COMMENT = re.compile(r"#\s*audit:\s*(?P<verb>\w*)(?:\[(?P<ids>[^\]]*)\])?\s*(?P<reason>.*)\Z")
_FORM = "Write `# audit: allow[rule-id] reason` on the line of the finding or alone on the line above it."


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment. `covers` are the line numbers it speaks for, counted from 1."""

    line: int
    column: int
    covers: frozenset[int]
    rules: tuple[str, ...]
    reason: str
    well_formed: bool


def apply(text: str, path: str, findings: Iterable[Finding], known: frozenset[str]) -> list[Finding]:
    """The findings left, and one for each suppression without a reason, of no known rule, or that hides nothing."""
    kept = list(findings)
    if _MARK not in text:
        return kept
    for mark in read_suppressions(text):
        problem = _problem(mark, known)
        if not problem:
            hidden = [f for f in kept if f.line in mark.covers and f.rule in mark.rules]
            kept = [f for f in kept if f not in hidden]
            problem = "" if hidden else f"nothing to allow here: {', '.join(mark.rules)} does not report this line"
        if problem:
            kept.append(Finding(path, mark.line, mark.column, BAD_SUPPRESSION, problem, _FORM))
    return kept


def read_suppressions(text: str) -> Iterator[Suppression]:
    """Every comment that starts with `audit:`; strings that merely contain the words are left alone."""
    lines = text.splitlines()
    for token in _comments(text):
        if match := _COMMENT.match(token.string):
            row, column = token.start
            alone = not lines[row - 1][:column].strip()
            covers = frozenset({row, row + 1} if alone else {row})
            ids = tuple(part.strip() for part in (match["ids"] or "").split(",") if part.strip())
            yield Suppression(row, column + 1, covers, ids, match["reason"].strip(" :-"), match["verb"] == "allow")


def _comments(text: str) -> Iterator[tokenize.TokenInfo]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token
    except (tokenize.TokenError, SyntaxError):
        return


def _problem(mark: Suppression, known: frozenset[str]) -> str:
    if not mark.well_formed or not mark.rules:
        return "this audit comment names no rule to allow"
    unknown = [rule for rule in mark.rules if rule not in known]
    if unknown:
        return f"there is no rule called {', '.join(unknown)} (frontdesk audit --list-rules shows them)"
    return "" if mark.reason else "this suppression gives no reason"
