"""Putting a caller through: from the model's tool call to the redirected call, and back to words when that fails."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from textwrap import shorten
from typing import Any, Final

from server import ports
from server.db import db
from server.domain.call_states import is_final
from server.logging_setup import get_logger
from server.models_sql import Business, CallLog, Contact, Transfer
from server.services import call_tools, call_twiml, transfers
from server.services.tools.answers import FAILED
from server.services.tools.answers import Transfer as Wish
from server.services.tools.runs import request_key
from server.store import calls

log = get_logger(__name__)

ENOUGH: Final = "I have tried often enough to put you through. I can take a message instead."
GONE: Final = "The call is over."
ABOUT_CHARS: Final = 200
_NUMBER: Final = re.compile(r"\+?\d(?:[ ()./-]{0,2}\d){4,}")
"""Five digits or more are no time, day or price: a number that is nobody's business on another line."""


def carry_out(call_sid: str, tool_call_id: str, arguments: str) -> str | None:
    """Redirect the call to the colleague whom the model named. None when that is done; else JSON for the model.

    Never raises: the caller is on the line and must hear something. Blocks on SQL and REST.
    """
    try:
        return _carry_out(call_sid, tool_call_id, arguments)
    except Exception as problem:  # the tool's edge, as in `call_tools.run`
        log.error("transfer failed", call_sid=call_sid, error=repr(problem), exc_info=problem)
        return _failure(FAILED)


def _carry_out(call_sid: str, tool_call_id: str, arguments: str) -> str | None:
    with db.scope(write=False):
        call = calls.call_of(call_sid)
    if call is None:
        return _failure(GONE)
    asked = call_tools.run(
        business_id=call.business_id, call_sid=call_sid, tool_call_id=tool_call_id, name=call_tools.TRANSFER,
        arguments=arguments, transfers=True,
    )  # fmt: skip
    if asked.effect is None:
        return asked.output
    begun = _begin(call_sid, asked.effect, request_key(call_sid, tool_call_id))
    return begun if isinstance(begun, str) or begun is None else _redirect(begun)


def _begin(call_sid: str, wish: Wish, key: str) -> tuple[Transfer, str] | str | None:
    """The new row, with the TwiML for the call; None when it was begun before, JSON where it can't be."""
    with db.scope() as session, session.begin():
        call = calls.call_of(call_sid, lock=True)
        if call is None or is_final(call.status):
            return _failure(GONE)
        if not transfers.left(call_sid):
            return _failure(ENOUGH)
        row = transfers.begin(call, wish, key)
        return None if row is None else (row, twiml_for(row, calls.business_of(call)))


def _redirect(begun: tuple[Transfer, str]) -> str | None:
    row, twiml = begun
    try:
        ports.current().telephony.redirect_call(row.call_sid, twiml)
        return None
    except ports.ProviderError as problem:
        log.error("call could not be put through", call_sid=row.call_sid, error=str(problem))
    with db.scope() as session, session.begin():
        transfers.not_dialled(row.id)
    return _failure(f"{row.name} can't be reached at the moment. I can take a message instead.")


# --- on the colleague's leg ------------------------------------------------------------------------------------------


def whisper(form: Mapping[str, Any]) -> str:
    """The colleague has answered: tell them what it is about. Where nobody waits any more, hang up."""
    found = transfers.named_by(form)
    if found is None or found[0].dial_status is not None or is_final(found[1].status):
        return call_twiml.hang_up()
    row, call = found
    return call_twiml.whisper(summary(row, call), row.id)


def answer(form: Mapping[str, Any]) -> str:
    """The colleague pressed a key: they are connected, or hung up on."""
    found = transfers.named_by(form)
    if found is None or not transfers.pressed(found[0], str(form.get("Digits", ""))):
        return call_twiml.hang_up()
    return call_twiml.nothing()


def summary(row: Transfer, call: CallLog) -> str:
    """Who is calling and what about, in two sentences; of numbers and of the conversation, nothing."""
    contact = db.session.get(Contact, call.contact_id) if call.contact_id is not None else None
    who = contact.name if contact is not None and contact.name else "A caller"
    about = re.sub(r"\s+(?=[,.;:!?]|$)", "", _NUMBER.sub("", row.reason or ""))
    about = shorten(about, ABOUT_CHARS, placeholder=" …").rstrip(" .,;:")
    said = f"{shorten(who, 80, placeholder='')} is on the line for {calls.business_of(call).name}."
    return f"{said} It is about: {about}." if about else said


# --- small pieces -----------------------------------------------------------------------------------------------------


def twiml_for(row: Transfer, business: Business) -> str:
    """What the caller's line does while a colleague is rung."""
    return call_twiml.put_through(row.phone_e164, transfer=row.id, caller_id=business.phone_e164, warm=row.warm)


def _failure(words: str) -> str:
    return json.dumps({"ok": False, "message": words}, ensure_ascii=False)
