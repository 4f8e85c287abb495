"""A status is read and changed under one lock or in one transaction."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.scopes import Scope
from integrity.source import Source
from integrity.syntax import last_name, words

_STATES = frozenset({"status", "state"})
_LOADS = frozenset({"query", "get", "scalar", "scalars", "execute", "select"})
_LOCKS = frozenset({"with_for_update", "begin", "begin_nested", "begin_immediate", "transaction", "atomic"})
_SESSION = frozenset({"session", "db", "database", "engine", "connection", "conn"})


class StatusLock(Rule):
    """Reports a function that loads a row, decides by its status and changes it, with no lock and no transaction.

    Let pass: `with_for_update()`, `with ….begin():`, `atomic()`; a row that was handed in, since whoever loaded it
    holds the transaction; and a change that does not depend on the old status.
    """

    id = "status-without-lock"
    title = "Status checked and changed without a transaction or row lock"
    why = (
        "Between the check and the change another process changes the row, and the later write undoes the earlier one."
    )
    remedy = "Load the row with with_for_update() in `with db.session.begin():`, or put the old status in the WHERE."
    bad = (
        Example(
            "def finish(job_id):\n    job = Job.query.filter_by(id=job_id).first()\n"
            '    if job.status == "running":\n        job.status = "done"'
        ),
        Example(
            "async def cancel(session, order_id):\n    order = await session.get(Order, order_id)\n"
            '    if order.state != "sent":\n        order.state = "cancelled"'
        ),
    )
    good = (
        Example(
            "with db.session.begin():\n    job = Job.query.filter_by(id=job_id).with_for_update().first()\n"
            '    if job.status == "running":\n        job.status = "done"'
        ),
        Example('def finish(job):\n    if job.status == "running":\n        job.status = "done"'),
        Example(
            "job = Job.query.filter_by(id=job_id).first()\nif job:\n    job.status = new_status\n    session.commit()"
        ),
    )
    hint = re.compile(r"\.(?:status|state)\s*=(?!=)")

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        for target in source.all(ast.Attribute):
            if not isinstance(target.ctx, ast.Store) or not set(words(target.attr)) & _STATES:
                continue
            row = target.value
            if isinstance(row, ast.Name) and _raced(source.scope(target), row.id, target):
                yield Hit(
                    target, f"`{row.id}.{target.attr}` is checked and then changed with no lock and no transaction"
                )


def _raced(scope: Scope, row: str, target: ast.Attribute) -> bool:
    if not scope.binds(row) or not any(_loads(value) for value in scope.values(row)):
        return False
    if any(isinstance(n, ast.Call) and last_name(n.func) in _LOCKS for n in scope.nodes):
        return False
    tests = (n.test for n in scope.nodes if isinstance(n, ast.If | ast.While) and n.lineno <= target.lineno)
    return any(_reads(test, row, target.attr) for test in tests)


def _loads(value: ast.expr) -> bool:
    """`Model.query…`, `session.get(Model, …)`, `session.scalar(select(Model)…)`."""
    for part in ast.walk(value):
        if isinstance(part, ast.Attribute) and part.attr in _LOADS:
            holder = last_name(part.value)
            if part.attr == "query" and (holder[:1].isupper() or holder in _SESSION):
                return True
            if part.attr != "query" and set(words(holder)) & _SESSION:
                return True
    return False


def _reads(test: ast.expr, row: str, column: str) -> bool:
    return any(
        isinstance(n, ast.Attribute) and n.attr == column and isinstance(n.value, ast.Name) and n.value.id == row
        for n in ast.walk(test)
    )
