"""The tools the agent has in a call: their schemas, and running them. Every answer is in words for the caller.

The way in for everybody else; what each tool does is in `server.services.tools`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from server.db import db, reading
from server.logging_setup import get_logger
from server.models_sql import Business, CallLog
from server.services import timeline, transfer_targets
from server.services.tools import booking, http_tools, outside, runs, specs, talking
from server.services.tools.answers import FAILED, Answer, BadArguments, Transfer
from server.services.tools.arguments import read_arguments

log = get_logger(__name__)

TRANSFER: Final = "transfer_call"
MOST_AT_ONCE: Final = 3
"""How many of a business's own tools one call may have running."""
_LOCK_WAIT_MS: Final = 4000
_STATEMENT_MS: Final = 8000
_DEADLOCK: Final = ("40P01", "40001")
_NOT_RUN: Final = (*specs.ALWAYS_ON, "check_availability", "look_up_caller", TRANSFER)
"""Tools that change nothing here: they are simply run again."""

Handler = Callable[[Business, CallLog, str, dict[str, Any]], Answer]
T = TypeVar("T")

_HANDLERS: Final[dict[str, Handler]] = {
    "check_availability": booking.check,
    "book_appointment": booking.book,
    "reschedule_appointment": booking.reschedule,
    "cancel_appointment": booking.cancel,
    "take_message": talking.take_message,
    "look_up_caller": talking.look_up,
    "transfer_call": talking.transfer,
    "end_call": talking.end,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a tool call: JSON text for the model, and what the media layer must carry out, if anything."""

    ok: bool
    output: str
    effect: Transfer | None = None


def tool_specs(business_id: int, *, transfers: bool = False, caller_known: bool = True) -> list[dict[str, Any]]:
    """The tools of a business's calls, as the realtime API takes them; read anew each time, so never out of date.

    `transfers` is for a media layer that carries out `Outcome.effect`: without it no call is promised a colleague.
    `caller_known` says whether the caller's number shows, so that their appointments can be found by it.
    Raises `LookupError` for an unknown business.
    """
    with reading():
        business = db.session.get(Business, business_id, populate_existing=True)
        if business is None:
            raise LookupError(f"business {business_id} does not exist")
        return list(_specs(business, transfers, caller_known).values())


def run_tool(*, business_id: int, call_sid: str, tool_call_id: str, name: str, arguments: str) -> str:
    """Run one tool where nobody could carry out a transfer; see `run`. JSON for the model. Never raises."""
    return run(
        business_id=business_id, call_sid=call_sid, tool_call_id=tool_call_id, name=name, arguments=arguments
    ).output


def run(
    *, business_id: int, call_sid: str, tool_call_id: str, name: str, arguments: str, transfers: bool = False
) -> Outcome:
    """Run one tool; JSON for the model with `ok` and `message`. Never raises, and never waits without end.

    Deduplicated by the tool call's id: the same call run twice books once and gives the same answer.
    """
    wish = _Wish(business_id, call_sid, runs.request_key(call_sid, tool_call_id), name, arguments, transfers)
    try:
        return _answered(wish)
    except Exception as problem:  # the tool's edge: the caller is on the line and must hear something
        log.error("tool failed", call_sid=call_sid, tool=name[:64], error=repr(problem), exc_info=problem)
        return _outcome(Answer(False, FAILED))


@dataclass(frozen=True, slots=True)
class _Wish:
    business_id: int
    call_sid: str
    key: str
    name: str
    arguments: str
    transfers: bool


def _answered(wish: _Wish) -> Outcome:
    try:
        done = _in_transaction(lambda: _done_here(wish))
    except BadArguments as problem:
        _in_transaction(lambda: _note(wish))
        return _outcome(Answer(False, str(problem)))
    if isinstance(done, Outcome):
        return done
    outcome = _outcome(outside.send(done, wish.call_sid))
    _in_transaction(lambda: _keep(wish, outcome))
    return outcome


def _done_here(wish: _Wish) -> Outcome | outside.Prepared:
    """Everything that the database decides: the whole of a built-in tool, the claim and request of another."""
    call = CallLog.query.filter_by(call_sid=wish.call_sid, business_id=wish.business_id).one()
    business = db.session.get_one(Business, wish.business_id, populate_existing=True)
    offered = _specs(business, wish.transfers)
    if wish.name not in offered:
        raise BadArguments(f"There is no tool {wish.name[:64]!r}; there are {', '.join(offered)}.")
    given = read_arguments(wish.name, offered[wish.name]["parameters"], wish.arguments)
    if wish.name not in _HANDLERS:
        return _prepared(wish, business, given)
    if wish.name not in _NOT_RUN and not _claimed(wish, 0):
        return _repeated(wish)
    outcome = _outcome(_HANDLERS[wish.name](business, call, wish.key, given))
    _keep(wish, outcome)
    return outcome


def _prepared(wish: _Wish, business: Business, given: dict[str, Any]) -> Outcome | outside.Prepared:
    tool = http_tools.find_tool(business.id, wish.name)
    assert tool is not None, "it was offered in this transaction"
    ready = outside.prepare(tool, business, given)
    busy = runs.running(wish.call_sid) >= MOST_AT_ONCE
    if busy and runs.answer_of(wish.key) is None:
        raise BadArguments("Too many look-ups are running in this call; wait for one to end.")
    return ready if _claimed(wish, 2 * tool.timeout_ms / 1000) else _repeated(wish)


def _claimed(wish: _Wish, seconds: float) -> bool:
    return runs.claim(wish.key, business_id=wish.business_id, call_sid=wish.call_sid, name=wish.name, seconds=seconds)


def _repeated(wish: _Wish) -> Outcome:
    """The first run's answer; where that is still out, or was never heard, the tool is not run a second time."""
    answer = runs.answer_of(wish.key)
    if answer is None:
        return _outcome(Answer(False, "That was asked already; I am still waiting for the answer."))
    return Outcome('"ok": true' in answer[:12], answer)


def _keep(wish: _Wish, outcome: Outcome) -> None:
    if wish.name not in _NOT_RUN:
        runs.finish(wish.key, outcome.output)
    detail = {"name": wish.name, "ok": outcome.ok}
    timeline.append(wish.call_sid, "tool", detail, source="call_tools", business_id=wish.business_id)


def _note(wish: _Wish) -> None:
    """A line for a tool that could not be run as the model asked."""
    if not CallLog.query.filter_by(call_sid=wish.call_sid, business_id=wish.business_id).count():
        return
    known = wish.name in _HANDLERS or http_tools.find_tool(wish.business_id, wish.name) is not None
    detail = {"name": wish.name if known else "unknown", "ok": False}
    timeline.append(wish.call_sid, "tool", detail, source="call_tools", business_id=wish.business_id)


def _specs(business: Business, transfers: bool, caller_known: bool = True) -> dict[str, dict[str, Any]]:
    targets = transfer_targets.list_targets(business.id) if transfers else []
    own = {tool.name: specs.of_http_tool(tool) for tool in http_tools.list_tools(business.id)}
    off = set(business.tools_off or [])
    built_in = specs.built_in(business, targets, caller_known=caller_known)
    return {**built_in, **{name: spec for name, spec in own.items() if name not in off}}


def _in_transaction(work: Callable[[], T]) -> T:
    """Run in a scope and transaction of its own; once more where PostgreSQL broke a deadlock at our cost."""
    try:
        return _transaction(work)
    except DBAPIError as problem:
        if getattr(problem.orig, "sqlstate", None) not in _DEADLOCK:
            raise
        return _transaction(work)


def _transaction(work: Callable[[], T]) -> T:
    """No wait for a lock or a statement lasts longer than a caller waits (SQLite has its own busy timeout)."""
    with db.scope() as session, session.begin():
        if session.get_bind().dialect.name == "postgresql":
            session.execute(sa.text(f"SET LOCAL lock_timeout = {_LOCK_WAIT_MS}"))
            session.execute(sa.text(f"SET LOCAL statement_timeout = {_STATEMENT_MS}"))
        return work()


def _outcome(answer: Answer) -> Outcome:
    return Outcome(answer.ok, answer.as_json(), answer.effect)
