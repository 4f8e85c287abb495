"""What kind of object a name holds, as far as the text of one function says. Never more certain than the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from integrity.syntax import own_nodes

# Annotations that say nothing about what the object is.
_VAGUE = frozenset({"Any", "object", "None", "Optional", "Union", "Annotated", "Final", "ClassVar"})


class Scope:
    """The bindings of one function or module: name → the class names that its bindings mention."""

    def __init__(self, node: ast.AST, outer: Scope | None) -> None:
        self.node = node
        self.outer = outer

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """What runs in this scope itself, nested functions left out."""
        return tuple(own_nodes(self.node))

    @cached_property
    def _bindings(self) -> dict[str, list[ast.expr | frozenset[str]]]:
        """Name → the values it is bound to, annotations already read as class names."""
        found: dict[str, list[ast.expr | frozenset[str]]] = {}
        for name, value in self._each_binding():
            found.setdefault(name, []).append(value)
        return found

    def _each_binding(self) -> Iterator[tuple[str, ast.expr | frozenset[str]]]:
        if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = self.node.args
            for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                yield argument.arg, annotation_classes(argument.annotation)
        for node in self.nodes:
            yield from _bindings_of(node)

    def binds(self, name: str) -> bool:
        """Whether this scope itself gives the name a value."""
        return name in self._bindings

    def values(self, name: str) -> Iterator[ast.expr]:
        """The expressions that the name is bound to, here or in the scope around."""
        scope: Scope | None = self
        while scope is not None and not scope.binds(name):
            scope = scope.outer
        for value in scope._bindings[name] if scope is not None else ():
            if isinstance(value, ast.expr):
                yield value

    def classes(self, name: str, _seen: frozenset[str] = frozenset()) -> frozenset[str]:
        """The classes that the name may be an instance (or a collection) of; empty when the text does not say."""
        if name in _seen:
            return frozenset()
        if not self.binds(name):
            return self.outer.classes(name, _seen) if self.outer is not None else frozenset()
        found: set[str] = set()
        for value in self._bindings[name]:
            found |= value if isinstance(value, frozenset) else self._of_value(value, _seen | {name})
        return frozenset(found)

    def _of_value(self, value: ast.expr, seen: frozenset[str]) -> frozenset[str]:
        if isinstance(value, ast.Name):
            return self.classes(value.id, seen)
        if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
            return self.classes(value.value.id, seen)
        return value_classes(value)


def annotation_classes(annotation: ast.expr | None) -> frozenset[str]:
    """The type names in an annotation, a quoted one included; empty when there is none or it is `Any`."""
    if annotation is None:
        return frozenset()
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return frozenset()
    names = {n.id for n in ast.walk(annotation) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(annotation) if isinstance(n, ast.Attribute)}
    return frozenset(names - _VAGUE)


def value_classes(value: ast.expr) -> frozenset[str]:
    """The CamelCase names that an expression mentions: `CallLog.query.first()` and `CallLog(…)` both say `CallLog`."""
    mentioned = (n.id if isinstance(n, ast.Name) else getattr(n, "attr", "") for n in ast.walk(value))
    return frozenset(name for name in mentioned if name[:1].isupper() and not name.isupper())


def _bindings_of(node: ast.AST) -> Iterator[tuple[str, ast.expr | frozenset[str]]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _targets(target, node.value)
    elif isinstance(node, ast.AnnAssign):
        if isinstance(node.target, ast.Name):
            yield node.target.id, annotation_classes(node.annotation)
            if node.value is not None:
                yield node.target.id, node.value
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield from _targets(node.target, node.iter)
    elif isinstance(node, ast.NamedExpr):
        yield from _targets(node.target, node.value)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from _targets(node.optional_vars, node.context_expr)


def _targets(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _targets(part, value)
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value, value)
