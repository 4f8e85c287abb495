"""An owner mark in a docstring is checked, not trusted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import Fact, OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.source import Source
from integrity.syntax import table_names

_MARK = re.compile(r"✅\s*OWNER\b[:\s]*(?P<claim>[^\n]*(?:\n(?!\s*(?:[❌✅]|\n))[^\n]*)*)")
_ONLY_NEGATED = re.compile(r"\b(?:never|not|except)\b", re.IGNORECASE)


class OwnerMark(Rule):
    """Reports `✅ OWNER` in a docstring where the map gives what is claimed to another module.

    A claim is a key of the map (`CallLog.status`), its words (call status), a table in backticks (`call_logs`), or a
    function with the name of the map's entry point that stands elsewhere. Other words say nothing that can be checked.
    """

    id = "owner-mark-not-held"
    title = "Docstring claims an ownership that the map gives to another"
    why = "A reader trusts the mark and writes where it points; two marks for one fact are two owners."
    remedy = "Take the mark away, or change the owner in the map if the map is wrong."
    bad = (
        Example(
            'def finish(call):\n    """Close the call.\n\n    ✅ OWNER: CallLog.status\n    """',
            module="server.media_ws_ai",
        ),
        Example('"""Runs the jobs.\n\n✅ OWNER: `conversation_turns`.\n"""', module="server.tasks_recording"),
        Example('"""Runs calls.\n\n✅ OWNER: the call status and the turns.\n"""', module="server.tasks_recording"),
        Example(
            'def update_call_status(sid, status):\n    """✅ OWNER: Twilio webhooks ONLY"""',
            module="server.services.call",
        ),
    )
    good = (
        Example('def update_call_status(sid, status):\n    """✅ OWNER: Twilio webhooks ONLY"""'),
        Example(
            'def update_call_status(sid, status):\n    """✅ OWNER: CallLog.status"""', module="server.routes_twilio"
        ),
        Example('def show(call):\n    """❌ NEVER: write CallLog.status here."""', module="server.media_ws_ai"),
        Example(
            'def push(item):\n    """✅ OWNER: the message queue and each contact in it."""', module="server.worker"
        ),
        Example('def greet(call):\n    """✅ OWNER: the spoken greeting."""', module="server.media_ws_ai"),
    )
    hint = re.compile(r"✅\s*OWNER")

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        documented = source.all(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        for node in (source.tree, *documented):
            claims = [match["claim"] for match in _MARK.finditer(ast.get_docstring(node) or "")]
            for fact in _claimed(source, owners, node, claims) if claims else ():
                yield Hit(_docstring_node(node), f"this docstring claims `{fact.key}`, but {fact.advice()}")


def _claimed(source: Source, owners: OwnerMap, node: ast.AST, claims: list[str]) -> Iterator[Fact]:
    """The facts of others that the marks claim."""
    for fact in owners.facts.values():
        if fact.owned_by(source.module) or _is_entry(source, fact):
            continue
        named = any(_names(fact, owners, claim) for claim in claims)
        if named or (source.module is not None and _borrows_name(fact, node)):
            yield fact


def _names(fact: Fact, owners: OwnerMap, claim: str) -> bool:
    if _ONLY_NEGATED.search(claim):
        return False
    if re.search(rf"(?<![\w.]){re.escape(fact.key)}(?![\w*])", claim):
        return True
    model, _, column = fact.key.partition(".")
    if column == "*":
        return any(f"`{table}`" in claim for table in table_names(model))
    phrases = (f"{name} {column}".replace("_", " ") for name in owners.row_names.get(model, ()))
    return any(re.search(rf"\b{re.escape(phrase)}\b", claim, re.IGNORECASE) for phrase in phrases)


def _is_entry(source: Source, fact: Fact) -> bool:
    """The entry point's module speaks for the owner, even where the map places it elsewhere."""
    return source.module is not None and fact.entry.startswith(f"{source.module}.")


def _borrows_name(fact: Fact, node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == fact.entry.rpartition(".")[2]


def _docstring_node(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
    return node if not isinstance(node, ast.Module) else node.body[0]
