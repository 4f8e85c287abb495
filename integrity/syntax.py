"""Small readings of Python syntax that several rules share."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
LoopNode = ast.For | ast.AsyncFor | ast.While
LOG_LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "trace"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_MAKES_LOGGERS = frozenset({"get_logger", "getLogger", "bind", "new", "opt", "getChild"})


def word_set(text: str) -> frozenset[str]:
    """The words of a text that spaces separate."""
    return frozenset(text.split())


@lru_cache(maxsize=16384)
def words(identifier: str) -> tuple[str, ...]:
    """The lower-case words of a snake_case or CamelCase identifier."""
    return tuple(part.lower() for part in _WORD.findall(identifier))


def table_names(model: str) -> tuple[str, ...]:
    """What a table of the model may be called: `CallLog` → `call_log`, `call_logs`, …"""
    name = "_".join(words(model))
    return name, f"{name}s", f"{name}es", f"{name.removesuffix('y')}ies"


def last_name(node: ast.AST) -> str:
    """`c` of `a.b.c`, of `c`, of `c(…)` and of `c[…]`; empty when there is no name."""
    while isinstance(node, ast.Call | ast.Subscript | ast.Await):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a plain chain of names; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def identifiers(node: ast.AST) -> Iterator[str]:
    """Every name, attribute and literal subscript key inside an expression."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
            yield str(part.slice.value)


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    """Every call inside a node, itself included."""
    return (part for part in ast.walk(node) if isinstance(part, ast.Call))


def own_nodes(root: ast.AST) -> Iterator[ast.AST]:
    """What runs when `root` runs, in source order: bodies of nested functions, classes and lambdas are left out."""
    stack = list(reversed(list(ast.iter_child_nodes(root))))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))


def log_level(call: ast.Call) -> str | None:
    """`debug` for `logger.debug(…)`, `self._log.debug(…)`, `get_logger().debug(…)`; None when it is no log call."""
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr not in LOG_LEVELS:
        return None
    receiver = func.value
    while isinstance(receiver, ast.Call):
        if last_name(receiver.func) in _MAKES_LOGGERS:
            return func.attr
        receiver = receiver.func
    parts = words(last_name(receiver))
    return func.attr if parts and parts[-1] in {"log", "logger", "logging"} else None


def text_of(node: ast.AST) -> str | None:
    """The words that a string expression spells, `{}` for each value put in; None when it is no string expression."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return _text_of_operation(node)
    if isinstance(node, ast.Call) and node.args and last_name(node.func) in {"dedent", "cleandoc", "Template", "str"}:
        return text_of(node.args[0])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _text_of_method(node, node.func)
    return None


def _text_of_operation(node: ast.BinOp) -> str | None:
    left = text_of(node.left)
    if isinstance(node.op, ast.Mod):
        return left
    right = text_of(node.right)
    return None if left is None and right is None else (left or "{}") + (right or "{}")


def _text_of_method(call: ast.Call, func: ast.Attribute) -> str | None:
    if func.attr in {"format", "strip", "replace"}:
        return text_of(func.value)
    if func.attr == "join" and call.args and isinstance(call.args[0], ast.List | ast.Tuple):
        parts = [text_of(item) for item in call.args[0].elts]
        return " ".join(part or "{}" for part in parts) if any(parts) else None
    return None
