"""Work for a debug line is done only when the line is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.source import Source
from integrity.syntax import identifiers, last_name, word_set, words

_DEBUG_NAMES = frozenset({"DEBUG", "debug", "debug_enabled", "is_debug", "isEnabledFor", "is_enabled_for"})
_DEBUG_TARGETS = frozenset({"debug", "dbg", "dump", "repr", "trace", "stats", "summary", "details", "diagnostics"})
# Work that only makes a value. Anything else may be needed for what it does.
_PURE_VERBS = word_set(
    "expensive compute calculate dumps pformat format describe summarize summarise render serialize analyze analyse "
    "asdict sorted sum list join hexdigest hexlify collect measure statistics inspect explain "
    "build gather generate heavy costly slow snapshot stringify"
)


class DebugWork(Rule):
    """Reports a computed value whose every use stands under a later `if DEBUG:`.

    Let pass: a value used anywhere else, an awaited one, clock readings, and calls that may be made for their effect.
    """

    id = "work-before-debug-check"
    title = "Work done before the DEBUG check that alone uses it"
    why = "The value is computed on every pass in production, where nobody ever reads it."
    remedy = "Move the computation inside the DEBUG check."
    bad = (
        Example(
            "debug_data = expensive_computation()\nif DEBUG:\n"
            '    logger.debug(f"Data: {debug_data}")  # Computed even when not logged!'
        ),
        Example(
            "def finish(call):\n    text = json.dumps(call.events)\n    if log.isEnabledFor(logging.DEBUG):\n"
            '        log.debug("events %s", text)\n    return call.id'
        ),
    )
    good = (
        Example(
            "if DEBUG:\n    debug_data = expensive_computation()\n"
            '    logger.debug(f"Data: {debug_data}")  # Only computed if needed'
        ),
        Example("text = json.dumps(events)\nif DEBUG:\n    log.debug(text)\nsend(text)"),
        Example('started = time.monotonic()\nrun()\nif DEBUG:\n    log.debug("took %s", time.monotonic() - started)'),
        Example('removed = queue.drain()\nif DEBUG:\n    log.debug("removed", count=removed)'),
    )
    hint = re.compile(r"debug", re.IGNORECASE)

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        for guard in source.all(ast.If):
            if not _is_debug_test(guard.test):
                continue
            for assign, name in _computed_before(source, guard):
                if _used_only_under_debug(source, assign, name):
                    yield Hit(assign, f"`{name}` is computed here, and only an `if DEBUG:` below uses it")


def _is_debug_test(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_is_debug_test(value) for value in test.values)
    return not isinstance(test, ast.UnaryOp | ast.Compare) and last_name(test) in _DEBUG_NAMES


def _computed_before(source: Source, guard: ast.If) -> Iterator[tuple[ast.Assign, str]]:
    """Assignments of work in the same block, above the guard."""
    parent = source.parent(guard)
    blocks = (getattr(parent, name, None) for name in ("body", "orelse", "finalbody"))
    block = next((b for b in blocks if isinstance(b, list) and guard in b), [])
    used = {name for statement in guard.body for name in identifiers(statement)}
    for statement in block[: block.index(guard)] if block else ():
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name) and target.id in used and _is_work(target.id, statement.value):
                yield statement, target.id


def _is_work(name: str, value: ast.expr) -> bool:
    if any(isinstance(part, ast.Await | ast.Yield | ast.YieldFrom) for part in ast.walk(value)):
        return False
    called = value.func if isinstance(value, ast.Call) else None
    if called is None:
        return isinstance(value, ast.ListComp | ast.DictComp | ast.SetComp)
    return bool(set(words(name)) & _DEBUG_TARGETS) or bool(set(words(last_name(called))) & _PURE_VERBS)


def _used_only_under_debug(source: Source, assign: ast.Assign, name: str) -> bool:
    """Whether every reading of the name, in its function and nested ones, stands in the body of a debug check."""
    root: ast.AST = source.function(assign) or source.tree
    uses = [n for n in ast.walk(root) if isinstance(n, ast.Name) and n.id == name and n is not assign.targets[0]]
    return bool(uses) and all(isinstance(use.ctx, ast.Load) and _under_debug(source, use, root) for use in uses)


def _under_debug(source: Source, use: ast.AST, root: ast.AST) -> bool:
    child = use
    for around in source.ancestors(use):
        if isinstance(around, ast.If) and child in around.body and _is_debug_test(around.test):
            return True
        if around is root:
            return False
        child = around
    return False
