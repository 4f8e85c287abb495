"""An owner's name is taken only in that owner's own module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.source import Source
from integrity.syntax import last_name


class ActingAs(Rule):
    """Reports `acting_as("module")`, and `scope(…)` given an owner, in a module that is not the one it names.

    Let pass: `acting_as(__name__)`, and names that only the run knows. A fragment may take no owner's name.
    """

    id = "acting-as-another"
    title = "Code writes in the name of an owner that it is not"
    why = "The run-time guard believes the name it is given; taken elsewhere, it opens every column of that owner."
    remedy = "Call the owner's entry point; enter the context in the owner's own module, as `acting_as(__name__)`."
    bad = (
        Example(
            'with acting_as("server.routes_twilio"):\n    update_call_status(sid, status)', module="server.media_ws_ai"
        ),
        Example('with db.scope(owner="server.tasks_recording") as session:\n    run(session)', module="server.worker"),
        Example('OWNER = "server.routes_twilio"\nwith db.scope(OWNER):\n    apply(event)', module="server.media_ws_ai"),
    )
    good = (
        Example('with acting_as("server.routes_twilio"):\n    apply(event)', module="server.routes_twilio"),
        Example("with acting_as(__name__):\n    apply(event)", module="server.routes_twilio"),
        Example('with scope("a test"):\n    apply(event)', module="server.worker"),
    )
    hint = re.compile(r"\bacting_as\b|\bscope\b")

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        known = {fact.owner for fact in owners.facts.values()}
        for call in source.all(ast.Call):
            if last_name(call.func) not in {"acting_as", "scope"}:
                continue
            for name in _names_given(source, call):
                if name in known and name != source.module:
                    where = f"`{source.module}`" if source.module else "a fragment"
                    yield Hit(call, f"{where} takes the name of `{name}` to write what that module owns")


def _names_given(source: Source, call: ast.Call) -> Iterator[str]:
    """The texts among the arguments, through a constant such as `OWNER = "server.routes_twilio"` too."""
    for argument in (*call.args, *(k.value for k in call.keywords)):
        values = source.scope(call).values(argument.id) if isinstance(argument, ast.Name) else (argument,)
        yield from (v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str))
