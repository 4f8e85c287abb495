"""One checked file: its text, its tree parsed once, and an index that all rules share."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar, overload

from integrity.scopes import Scope, annotation_classes, value_classes
from integrity.syntax import FunctionNode

N = TypeVar("N", bound=ast.AST)
M = TypeVar("M", bound=ast.AST)
K = TypeVar("K", bound=ast.AST)
_LEAVES = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


class Source:
    """A parsed file. `module` is its dotted name, or None for a fragment, which owns nothing.

    Raises `SyntaxError`, `ValueError` (a null byte) or `RecursionError` when the text cannot be parsed.
    """

    def __init__(self, text: str, path: str = "<source>", module: str | None = None) -> None:
        self.text = text
        self.path = path
        self.module = module
        self.tree = ast.parse(text)
        self._scopes: dict[ast.AST, Scope] = {}
        self._classes: dict[ast.ClassDef, dict[str, frozenset[str]]] = {}

    @cached_property
    def _index(self) -> tuple[dict[ast.AST, ast.AST], dict[type[ast.AST], list[ast.AST]]]:
        """Parents and nodes by type, in the order of the source: one walk, made only when a rule asks."""
        parents: dict[ast.AST, ast.AST] = {}
        kinds: dict[type[ast.AST], list[ast.AST]] = {}
        stack: list[ast.AST] = [self.tree]
        while stack:
            node = stack.pop()
            kinds.setdefault(type(node), []).append(node)
            children = [child for child in ast.iter_child_nodes(node) if not isinstance(child, _LEAVES)]
            for child in children:
                parents[child] = node
            stack.extend(reversed(children))
        return parents, kinds

    @cached_property
    def imports(self) -> dict[str, str]:
        """Imported name → the module it is taken from, as written (`server.models_sql`, `.models`)."""
        return {
            (alias.asname or alias.name): "." * node.level + (node.module or "")
            for node in self.all(ast.ImportFrom)
            for alias in node.names
        }

    @overload
    def all(self, kind: type[N], /) -> Iterator[N]: ...
    @overload
    def all(self, kind: type[N], second: type[M], /) -> Iterator[N | M]: ...
    @overload
    def all(self, kind: type[N], second: type[M], third: type[K], /) -> Iterator[N | M | K]: ...
    def all(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Every node of the given types."""
        for kind in kinds:
            yield from self._index[1].get(kind, ())

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node directly around, or None for the module."""
        return self._index[0].get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around, innermost first."""
        current = self.parent(node)
        while current is not None:
            yield current
            current = self.parent(current)

    def function(self, node: ast.AST) -> FunctionNode | None:
        """The innermost function around a node."""
        return next((a for a in self.ancestors(node) if isinstance(a, FunctionNode)), None)

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The innermost class around a node, through its methods."""
        return next((a for a in self.ancestors(node) if isinstance(a, ast.ClassDef)), None)

    def scope(self, node: ast.AST) -> Scope:
        """What the names mean where `node` stands: its function's scope, or the module's."""
        owner: ast.AST = self.function(node) or self.tree
        if owner not in self._scopes:
            outer = None if owner is self.tree else self.scope(owner)
            self._scopes[owner] = Scope(owner, outer)
        return self._scopes[owner]

    def member_classes(self, member: ast.Attribute) -> frozenset[str]:
        """The classes that the enclosing class gives for `self.member`; empty when it does not say."""
        holder = self.enclosing_class(member)
        return self._members(holder).get(member.attr, frozenset()) if holder is not None else frozenset()

    def _members(self, holder: ast.ClassDef) -> dict[str, frozenset[str]]:
        if holder not in self._classes:
            found: dict[str, frozenset[str]] = {}
            for node in ast.walk(holder):
                if isinstance(node, ast.AnnAssign):
                    _add(found, node.target, annotation_classes(node.annotation))
                elif isinstance(node, ast.Assign):
                    for target in node.targets:
                        _add(found, target, self._value(node.value))
            self._classes[holder] = found
        return self._classes[holder]

    def _value(self, value: ast.expr) -> frozenset[str]:
        return self.scope(value).classes(value.id) if isinstance(value, ast.Name) else value_classes(value)


def _add(found: dict[str, frozenset[str]], target: ast.expr, classes: frozenset[str]) -> None:
    """`name: T` in the class body and `self.name = …` in a method both describe the member `name`."""
    member = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    name = target.attr if isinstance(target, ast.Attribute) and member else getattr(target, "id", "")
    if name:
        found[name] = found.get(name, frozenset()) | classes
