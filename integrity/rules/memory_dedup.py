"""Nothing in one process's memory decides whether work was done before."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.source import Source
from integrity.syntax import FunctionNode, dotted, last_name, own_nodes, word_set, words

_DEDUP_WORDS = word_set(
    "seen processed handled inflight dedup dedupe duplicates already downloading enqueued delivered pending locks "
    "progress done sent"
)
_CONTAINERS = frozenset({"set", "dict", "defaultdict", "OrderedDict", "WeakValueDictionary", "TTLCache", "LRUCache"})
_ADDS = frozenset({"add", "setdefault", "append", "update"})


class MemoryDedup(Rule):
    """Reports a set or dict of the whole process that remembers what was done: a function tests it and adds to it.

    It is one with a name such as `_seen` or `_in_progress`, at module or class level. Let pass: containers of one
    object or one function, caches, which only cost time when they are wrong, and warnings that are given once.
    """

    id = "memory-dedup"
    title = "In-memory set, dict or lock used as deduplication"
    why = "A second process has its own memory and a restart has none: the message is answered twice."
    remedy = "Use a unique constraint and let the second insert fail, a row lock, or the job engine's workflow id."
    bad = (
        Example(
            "_processed = set()\n\ndef on_message(message_id, text):\n    if message_id in _processed:\n"
            "        return\n    _processed.add(message_id)\n    answer(text)"
        ),
        Example(
            "downloads_in_progress: dict[str, bool] = {}\n\ndef start(sid):\n"
            "    if not downloads_in_progress.get(sid):\n        downloads_in_progress[sid] = True\n        fetch(sid)"
        ),
        Example(
            "class Inbox:\n    seen: set[str] = set()\n\n    def take(self, event):\n"
            "        if event.id not in self.seen:\n            self.seen.add(event.id)\n            apply(event)"
        ),
    )
    good = (
        Example(
            "def unique(rows):\n    seen = set()\n    for row in rows:\n        if row.id not in seen:\n"
            "            seen.add(row.id)\n            yield row"
        ),
        Example(
            "class OncePerCall:\n    def __init__(self):\n        self._seen = set()\n\n    def once(self, key):\n"
            "        if key in self._seen:\n            return False\n        self._seen.add(key)\n        return True"
        ),
        Example(
            "_cache = {}\n\ndef text(key):\n    if key not in _cache:\n        _cache[key] = build(key)\n"
            "    return _cache[key]"
        ),
        Example('SENT = frozenset({"sent", "done"})\n\ndef is_sent(state):\n    return state in SENT'),
    )
    hint = re.compile("|".join(_DEDUP_WORDS), re.IGNORECASE)

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        for statement, name in _shared_containers(source):
            for function in source.all(ast.FunctionDef, ast.AsyncFunctionDef):
                if _tests(function, name) and _adds(function, name) and not _only_warns(function):
                    yield Hit(
                        statement, f"`{name}` remembers in this process alone what `{function.name}` has already done"
                    )
                    break


def _shared_containers(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Containers bound at module or class level under a name that speaks of done work."""
    bodies = [source.tree.body, *(c.body for c in source.all(ast.ClassDef))]
    for statement in (s for body in bodies for s in body):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            named = isinstance(target, ast.Name) and set(words(target.id)) & _DEDUP_WORDS
            if named and _is_container(statement.value):
                yield statement, last_name(target)


def _is_container(value: ast.expr) -> bool:
    if isinstance(value, ast.Dict | ast.Set | ast.List):
        return True
    return isinstance(value, ast.Call) and last_name(value.func) in _CONTAINERS


def _tests(function: FunctionNode, name: str) -> bool:
    """Whether the function asks the container for a key: `in`, `not in`, `.get(…)`, `[…]` under an `if`."""
    for node in own_nodes(function):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            if _is(node.comparators[0], name):
                return True
        elif isinstance(node, ast.If | ast.IfExp) and any(_asks(part, name) for part in ast.walk(node.test)):
            return True
    return False


def _asks(part: ast.AST, name: str) -> bool:
    return isinstance(part, ast.Attribute) and part.attr == "get" and _is(part.value, name)


def _adds(function: FunctionNode, name: str) -> bool:
    for node in own_nodes(function):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and _is(node.value, name):
            return True
        method = node.func if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        if method is not None and method.attr in _ADDS and _is(method.value, name):
            return True
    return False


def _only_warns(function: FunctionNode) -> bool:
    return any(isinstance(n, ast.Call) and last_name(n.func) == "warn" for n in own_nodes(function))


def _is(node: ast.AST, name: str) -> bool:
    return dotted(node).rpartition(".")[2] == name
