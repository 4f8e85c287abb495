"""The ownership map as data, read from source text. The module that declares it is parsed, never imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

MAP_NAME = "OWNERSHIP"
_MODEL_COLUMN = re.compile(r"([A-Z]\w*)\.(\w+|\*)\Z")
# `call` is how everybody names a CallLog: the words that say "a row" add nothing.
_ROW_WORDS = frozenset({"log", "record", "row", "entry", "model"})


class OwnerMapError(ValueError):
    """The map cannot be read as literals; the message names the file, the line and what is wanted."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the map: `key` is `Model.column`, `Model.*` or a dotted name of a fact that is no column."""

    key: str
    owner: str
    entry: str = ""
    append: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    why: str = ""

    def owned_by(self, module: str | None) -> bool:
        """Whether `module` is the owner, or inside it when the owner is a package. A fragment owns nothing."""
        return module is not None and _within(module, self.owner)

    def served_by(self, module: str | None) -> bool:
        """Whether `module` holds the entry point, which writes in the owner's name."""
        return module is not None and self.entry.startswith(f"{module}.")

    def appended_by(self, module: str | None) -> bool:
        """Whether `module` may add to the fact without owning it."""
        return module is not None and any(_within(module, name) for name in self.append)

    def advice(self) -> str:
        """Who owns the fact and how others ask for it, as a sentence's end."""
        through = f" (use `{self.entry}`)" if self.entry else ""
        return f"its only owner is `{self.owner}`{through}"


@dataclass(frozen=True)
class OwnerMap:
    """All facts by key. An empty map is valid: rules that need an owner then have nothing to say.

    `borrowed` says that the project checked has no map of its own; the map then speaks only for what it governs.
    """

    facts: Mapping[str, Fact] = field(default_factory=dict)
    borrowed: bool = False

    @cached_property
    def models(self) -> Mapping[str, Mapping[str, Fact]]:
        """Model name → column → fact; the column `*` stands for every column that has no line of its own."""
        found: dict[str, dict[str, Fact]] = {}
        for key, fact in self.facts.items():
            if match := _MODEL_COLUMN.match(key):
                found.setdefault(match[1], {})[match[2]] = fact
        return found

    @cached_property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Column name → the models that have a line for it."""
        found: dict[str, list[str]] = {}
        for model, columns in self.models.items():
            for column in columns:
                found.setdefault(column, []).append(model)
        return {column: tuple(models) for column, models in found.items()}

    @cached_property
    def packages(self) -> frozenset[str]:
        """The top-level packages that own something: only there does a bare variable name say what it holds."""
        return frozenset(fact.owner.partition(".")[0] for fact in self.facts.values())

    @cached_property
    def row_names(self) -> Mapping[str, frozenset[str]]:
        """Model → the variable names that plainly hold one: `CallLog` → `call_log`, `call`."""
        return {model: frozenset(_row_names(model)) for model in self.models}

    def only(self, models: frozenset[str]) -> OwnerMap:
        """The same map without the columns of other models."""
        if models >= frozenset(self.models):
            return self
        return OwnerMap({k: f for k, f in self.facts.items() if not self._model(k) or self._model(k) in models})

    @staticmethod
    def _model(key: str) -> str:
        match = _MODEL_COLUMN.match(key)
        return match[1] if match else ""

    def column(self, model: str, column: str) -> Fact | None:
        """The fact that covers `model.column`, if any."""
        columns = self.models.get(model, {})
        return columns.get(column) or columns.get("*")

    def governs(self, module: str | None) -> bool:
        """Whether `module` could use what the owners offer: a fragment, or a module of a package that owns something.

        Packages outside stand behind an interface (a provider, a tool) and have their own truth. An empty map governs
        all.
        """
        return module is None or not self.facts or module.partition(".")[0] in self.packages

    def judging(self, module: str | None) -> OwnerMap:
        """The map to judge `module` by: this one, unless it is borrowed and the module is none of its business."""
        return OwnerMap() if self.borrowed and not self.governs(module) else self

    def about(self, topic: str) -> tuple[Fact, ...]:
        """The facts that are no column and whose key starts with `topic`, such as `prompt`."""
        return tuple(f for key, f in self.facts.items() if key == topic or key.startswith(f"{topic}."))


def load_owner_map(path: Path) -> OwnerMap:
    """Read the map from a Python file. Raises `OwnerMapError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise OwnerMapError(f"{path}: the ownership map cannot be read: {problem.strerror}") from problem
    return parse_owner_map(text, str(path))


def parse_owner_map(text: str, name: str = "the ownership map") -> OwnerMap:
    """Read the map from source text: one module-level dict literal called `OWNERSHIP`. Raises `OwnerMapError`."""
    try:
        tree = ast.parse(text)
    except SyntaxError as problem:
        raise OwnerMapError(
            f"{name}:{problem.lineno}: the ownership map is not valid Python: {problem.msg}"
        ) from problem
    for value in _values_of(tree, MAP_NAME):
        return OwnerMap({fact.key: fact for fact in _facts(value, name)})
    raise OwnerMapError(f"{name}: there is no module-level dict literal called {MAP_NAME}")


def _values_of(tree: ast.Module, wanted: str) -> Iterator[ast.expr]:
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if value is not None and any(isinstance(t, ast.Name) and t.id == wanted for t in targets):
            yield value


def _facts(value: ast.expr, name: str) -> Iterator[Fact]:
    try:
        raw = ast.literal_eval(value)
    except ValueError as problem:
        raise OwnerMapError(f"{name}:{value.lineno}: {MAP_NAME} must hold literals only ({problem})") from problem
    if not isinstance(raw, dict):
        raise OwnerMapError(f"{name}:{value.lineno}: {MAP_NAME} must be a dict, not a {type(raw).__name__}")
    for key, line in raw.items():
        yield _fact(key, line, f"{name}:{value.lineno}")


def _fact(key: object, line: object, where: str) -> Fact:
    if not isinstance(key, str) or not isinstance(line, dict) or not isinstance(line.get("owner"), str):
        raise OwnerMapError(f'{where}: the entry {key!r} needs a string key and a dict with "owner": "package.module"')
    return Fact(
        key,
        line["owner"],
        str(line.get("entry") or ""),
        _names(line.get("append")),
        _names(line.get("readers")),
        str(line.get("why") or ""),
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple | set | frozenset) else ()


def _within(module: str, owner: str) -> bool:
    return module == owner or module.startswith(f"{owner}.")


def _row_names(model: str) -> Iterator[str]:
    parts = [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", model)]
    yield "_".join(parts)
    if len(parts) > 1 and parts[-1] in _ROW_WORDS:
        yield "_".join(parts[:-1])
