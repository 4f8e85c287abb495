"""Where a file writes columns of the models in the ownership map."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from integrity.owner_map import OwnerMap
from integrity.scopes import value_classes
from integrity.source import Source
from integrity.syntax import calls_in, last_name, table_names, words

_STATEMENTS = frozenset({"update", "insert", "pg_insert", "sqlite_insert"})
_SQL_WRITE = re.compile(
    r"""\s*(?:UPDATE\s+["`]?(?P<updated>\w+)["`]?\s+SET\s+(?P<changes>.*?)(?:\bWHERE\b|\Z)"""
    r"""|INSERT\s+INTO\s+["`]?(?P<filled>\w+)["`]?\s*\((?P<columns>[^)]*)\))""",
    re.IGNORECASE | re.DOTALL,
)
_SQL_SET = re.compile(r"""(?:\A|,)\s*["`]?(\w+)["`]?\s*=""")
_BULK = frozenset({"bulk_update_mappings", "bulk_insert_mappings"})


@dataclass(frozen=True, slots=True)
class Write:
    """One column written at one place. `creates` says that a new row is made, not that a stored one is changed."""

    node: ast.expr
    model: str
    column: str
    value: ast.expr | None
    creates: bool = False
    name: str = ""


def writes_in(source: Source, owners: OwnerMap) -> Iterator[Write]:
    """Every write of a mapped column that the text makes plain; what it leaves open is left out."""
    owners = owners.only(frozenset(model for model in owners.models if _is_the_model(source, owners, model)))
    if not owners.models:
        return
    yield from _assignments(source, owners)
    for call in source.all(ast.Call):
        yield from _setattr(source, owners, call)
        yield from _constructor(owners, call)
        yield from _statement(owners, call)
        yield from _bulk(owners, call)
    yield from _sql_text(source, owners)


def _is_the_model(source: Source, owners: OwnerMap, model: str) -> bool:
    """Whether `model`, named in this file, is the mapped table and not another class of that name."""
    if model in source.imports:
        origin = source.imports[model]
        known = origin.startswith(".") or owners.governs(origin)
        return known and "models" in words(origin.rpartition(".")[2])
    if not owners.governs(source.module):
        return False
    return model not in source.text or all(
        any(isinstance(n, ast.Name) and n.id == "__tablename__" for n in ast.walk(c))
        for c in source.all(ast.ClassDef)
        if c.name == model
    )


def _assignments(source: Source, owners: OwnerMap) -> Iterator[Write]:
    for attribute in source.all(ast.Attribute):
        if isinstance(attribute.ctx, ast.Load):
            continue
        model = model_of(source, owners, attribute.value, attribute.attr)
        if model:
            yield Write(
                attribute, model, attribute.attr, _assigned(source, attribute), name=_root_name(attribute.value)
            )


def _setattr(source: Source, owners: OwnerMap, call: ast.Call) -> Iterator[Write]:
    if isinstance(call.func, ast.Name) and call.func.id == "setattr" and len(call.args) == 3:
        row, column, value = call.args
        if isinstance(column, ast.Constant) and isinstance(column.value, str):
            model = model_of(source, owners, row, column.value)
            if model:
                yield Write(call, model, column.value, value, name=_root_name(row))


def _constructor(owners: OwnerMap, call: ast.Call) -> Iterator[Write]:
    model = last_name(call.func) if isinstance(call.func, ast.Name | ast.Attribute) else ""
    if model in owners.models:
        yield from _keywords(owners, call, model, creates=True)


def _statement(owners: OwnerMap, call: ast.Call) -> Iterator[Write]:
    """`update(Model).values(column=…)`, `Model.query….update({…})` and `session.query(Model)….update({…})`."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in {"values", "update"}:
        return
    before = call.func.value
    if call.func.attr == "values":
        model, creates = _statement_model(owners, before)
    else:
        model, creates = _query_model(owners, before), False
    if model:
        yield from _keywords(owners, call, model, creates=creates)
        for argument in call.args:
            yield from _dict_items(owners, argument, model, creates=creates)


def _bulk(owners: OwnerMap, call: ast.Call) -> Iterator[Write]:
    if last_name(call.func) not in _BULK or len(call.args) < 2 or last_name(call.args[0]) not in owners.models:
        return
    model, creates = last_name(call.args[0]), "insert" in last_name(call.func)
    for part in ast.walk(call.args[1]):
        if isinstance(part, ast.Dict):
            yield from _dict_items(owners, part, model, creates=creates)


def _sql_text(source: Source, owners: OwnerMap) -> Iterator[Write]:
    """`UPDATE call_logs SET status = …` and `INSERT INTO call_logs (status, …)` in a string."""
    tables = {table: model for model in owners.models for table in table_names(model)}
    for part in source.all(ast.Constant):
        match = _SQL_WRITE.match(part.value) if isinstance(part.value, str) else None
        model = tables.get((match["updated"] or match["filled"]).lower()) if match else None
        if match and model:
            named = match["columns"] or ",".join(_SQL_SET.findall(match["changes"] or ""))
            for column in (name.strip().strip('"`') for name in named.split(",")):
                if owners.column(model, column):
                    yield Write(part, model, column, None, creates=match["updated"] is None)


def _keywords(owners: OwnerMap, call: ast.Call, model: str, *, creates: bool) -> Iterator[Write]:
    for keyword in call.keywords:
        if keyword.arg and owners.column(model, keyword.arg):
            yield Write(keyword.value, model, keyword.arg, keyword.value, creates)


def _dict_items(owners: OwnerMap, node: ast.expr, model: str, *, creates: bool) -> Iterator[Write]:
    if not isinstance(node, ast.Dict):
        return
    for key, value in zip(node.keys, node.values, strict=True):
        column = key.value if isinstance(key, ast.Constant) else getattr(key, "attr", None)
        if key is not None and isinstance(column, str) and owners.column(model, column):
            yield Write(key, model, column, value, creates)


def _statement_model(owners: OwnerMap, chain: ast.expr) -> tuple[str, bool]:
    for call in calls_in(chain):
        verb = last_name(call.func)
        if verb in _STATEMENTS and call.args and last_name(call.args[0]) in owners.models:
            return last_name(call.args[0]), verb != "update"
    return "", False


def _query_model(owners: OwnerMap, chain: ast.expr) -> str:
    for part in ast.walk(chain):
        if isinstance(part, ast.Attribute) and part.attr == "query" and last_name(part.value) in owners.models:
            return last_name(part.value)
        if isinstance(part, ast.Call) and last_name(part.func) == "query" and part.args:
            model = last_name(part.args[0])
            if model in owners.models:
                return model
    return ""


def model_of(source: Source, owners: OwnerMap, row: ast.expr, column: str) -> str:
    """The model whose `column` is meant by `row.column`; empty when `row` is, or may well be, something else."""
    known = classes_of(source, row)
    if known:
        return next((m for m in owners.models if m in known and owners.column(m, column)), "")
    if isinstance(row, ast.Name) and row.id in {"self", "cls"}:
        return ""
    return next((m for m in _by_name(source, owners, last_name(row), column)), "")


def classes_of(source: Source, row: ast.expr) -> frozenset[str]:
    """The classes that the text gives for an expression; empty when it does not say."""
    if isinstance(row, ast.Name):
        holder = source.enclosing_class(row) if row.id == "self" else None
        return frozenset({holder.name}) if holder is not None else source.scope(row).classes(row.id)
    if isinstance(row, ast.Attribute) and isinstance(row.value, ast.Name) and row.value.id == "self":
        return source.member_classes(row)
    if isinstance(row, ast.Subscript):
        return classes_of(source, row.value)
    if isinstance(row, ast.Call):
        return value_classes(row)
    return frozenset()


def _by_name(source: Source, owners: OwnerMap, name: str, column: str) -> Iterator[str]:
    """Models whose rows are called `name`.

    Under `Model.*` any attribute would do, so the file must also name the model, or the variable's name have two words.
    """
    for model, names in owners.row_names.items():
        if column in owners.models[model] or model in source.text:
            usable = names
        else:
            usable = frozenset(n for n in names if "_" in n)
        if owners.column(model, column) and any(name == n or name.endswith(f"_{n}") for n in usable):
            yield model


def _assigned(source: Source, target: ast.Attribute) -> ast.expr | None:
    parent = source.parent(target)
    if isinstance(parent, ast.Assign | ast.AnnAssign):
        return parent.value
    return None


def _root_name(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
