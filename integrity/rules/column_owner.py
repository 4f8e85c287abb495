"""A column is written by its owner alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import Fact, OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.scopes import Scope
from integrity.source import Source
from integrity.syntax import last_name
from integrity.writes import Write, writes_in


class ColumnOwner(Rule):
    """Reports every write of a mapped column outside its owner.

    A fragment has no module and so owns nothing. One thing is let pass there: a whole unit of work that makes or loads
    its row, fills it with values handed to it and commits. That is how an owner's own function looks, and a fragment
    cannot say whose it is.

    Let pass: the module of the entry point, which writes in the owner's name; and a `listens_for` hook beside the table
    that fills a column as a default does.
    """

    id = "column-outside-owner"
    title = "Owned column written outside its owner"
    why = (
        "Two writers of one column race, and the last one wins by accident: a call that the provider has ended is "
        "called running again, and nobody can tell who said so."
    )
    remedy = "Read the column, or hand the change to the owner's entry point; append your own data elsewhere."
    bad = (
        Example('call.status = "completed"  # Race condition with webhook!', module="server.media_ws_ai"),
        Example('call.status = "completed"'),
        Example(
            "def close(sid):\n    row = CallLog.query.filter_by(call_sid=sid).first()\n    row.status = 'failed'\n"
            "    db.session.commit()"
        ),
        Example("session.execute(update(CallLog).values(status=new))", module="server.tasks_recording"),
        Example('CallLog.query.filter_by(id=1).update({"status": new})', module="server.routes_api"),
        Example("session.execute(text('UPDATE call_logs SET status = :s'))", module="server.routes_api"),
        Example('setattr(call_log, "status", new)', module="server.routes_api"),
        Example("turn = ConversationTurn(call_sid=sid, message=text)", module="server.tasks_recording"),
    )
    good = (
        Example('if call.status == "completed":\n    ...', module="server.media_ws_ai"),
        Example("call.status = new_status", module="server.routes_twilio"),
        Example('response.status = 200\nself.status = "open"', module="server.media_ws_ai"),
        Example('def stop(call: PlacedCall):\n    call.status = "completed"', module="server.media_ws_ai"),
        Example('call.status = "completed"', module="simulator.calls"),
        Example("turn = ConversationTurn(call_sid=sid, message=text)", module="server.media_ws_ai"),
        Example("turn = ConversationTurn(call_sid=sid, message=text)", module="server.services.conversation"),
        Example(
            "from openai.types import ConversationTurn\nturn = ConversationTurn(text=text)", module="server.adapters.ai"
        ),
    )
    # Names of columns come from the map, so no fixed text can tell that there is nothing to see.
    hint = re.compile("")

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        if not owners.models:
            return
        for write in writes_in(source, owners):
            fact = owners.column(write.model, write.column)
            if fact is not None and not self._allowed(source, write, fact):
                yield Hit(
                    write.node,
                    f"`{write.model}.{write.column}` is written here: {fact.advice()}",
                    f"Call `{fact.entry}` instead, or only read the column." if fact.entry else "",
                )

    def _allowed(self, source: Source, write: Write, fact: Fact) -> bool:
        if fact.owned_by(source.module) or fact.served_by(source.module) or _is_default(source, write):
            return True
        return source.module is None and _is_whole_unit(source, write)


def _is_default(source: Source, write: Write) -> bool:
    """A database event in the file that declares the table fills a column as a default does."""
    function = source.function(write.node)
    listens = function is not None and any(last_name(d) == "listens_for" for d in function.decorator_list)
    return listens and any(c.name == write.model for c in source.all(ast.ClassDef))


def _is_whole_unit(source: Source, write: Write) -> bool:
    scope = source.scope(write.node)
    if not _commits(scope):
        return False
    if write.creates:
        return True
    return _loads(scope, write) and not isinstance(write.value, ast.Constant)


def _commits(scope: Scope) -> bool:
    return any(isinstance(n, ast.Call) and last_name(n.func) == "commit" for n in scope.nodes)


def _loads(scope: Scope, write: Write) -> bool:
    return bool(write.name) and any(
        isinstance(part, ast.Name) and part.id == write.model
        for value in scope.values(write.name)
        for part in ast.walk(value)
    )
