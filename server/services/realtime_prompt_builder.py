"""Prompts for calls. The cached text holds nothing of a caller; who calls and what time it is comes as its own item."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from textwrap import shorten
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.db import db, reading
from server.models_sql import Appointment, Business, CallLog, Contact, OutboundCall
from server.services._facts import business_lines

_ROLE: Final = """# Role
You answer the phone of the business below, as its receptionist. You are friendly, brief and honest.

# How to speak
Speak in short sentences, as on the phone. Ask one thing at a time.
Answer from the facts and opening hours below and from nothing else. Never invent an answer, a price or a time.
Read names, days, times and numbers back and wait for a yes before you book anything.
When you do not know something, say so and offer to take a message.
When the caller is done, say goodbye and call end_call in the same response."""

_DIRECTION: Final = {
    "inbound": "# This call\nThe caller rang the business. Find out what they need and help them.",
    "outbound": "# This call\nYou are calling on behalf of the business. Say who is calling and why, and ask whether "
    "it is a good moment.",
}
_FALLBACK: Final = {
    "inbound": "Help with questions about the business, book appointments and take messages.",
    "outbound": "Say briefly why the business is calling, answer questions, and take a message if there is one.",
}
_GREETING: Final = {
    "inbound": "Thank you for calling {name}. How can I help you?",
    "outbound": "Hello, this is {name} calling. Is this a good moment?",
}
_NOT_CONNECTED: Final = {
    "declined": "can't take the call right now",
    "no_answer": "is not answering the phone",
    "busy": "is on another call",
}
_LIMIT: Final = 2000
_EARLIER_CALLS: Final = 2
_EARLIER_SINCE: Final = timedelta(days=90)
_EARLIER_CHARS: Final = 200

_cache: dict[tuple[int, str], tuple[int, str]] = {}
_lock = threading.Lock()
_counts = {"hits": 0, "misses": 0}


def build_realtime_system_prompt(business_id: int, call_direction: str, use_cache: bool = True) -> str:
    """The instructions for a call: behaviour, direction, business, hours and facts.

    ✅ OWNER: prompts of calls. Each build reads the business's version, so a saved change is in force on every process
    at once. A change that is not committed yet must be built with `use_cache=False`: it may be rolled back.
    Raises `ValueError` for another direction and `LookupError` for an unknown business.
    ❌ NEVER: anything of a caller in this text; it is cached.
    """
    _check_direction(call_direction)
    with reading():
        version = db.session.scalar(sa.select(Business.version).where(Business.id == business_id))
        if version is None:
            raise LookupError(f"business {business_id} does not exist")
        cached = _cache.get((business_id, call_direction)) if use_cache else None
        if cached is not None and cached[0] == version:
            _counts["hits"] += 1
            return cached[1]
        _counts["misses"] += 1
        business = _fresh(business_id)
        text = _compose(business, call_direction)
        if use_cache:
            _keep((business_id, call_direction), (business.version, text))
    return text


def instructions_for_call(call: CallLog) -> str:
    """The prompt of one call: its business's for its direction and, for a requested call, what that one is about.

    ✅ OWNER: what the model is told at the start of a call. The part of this call alone is never cached.
    """
    text = build_realtime_system_prompt(call.business_id, call.direction)
    if call.direction != "outbound":
        return text
    with reading():
        request = db.session.scalars(sa.select(OutboundCall).where(OutboundCall.call_sid == call.call_sid)).first()
    return text if request is None else text + _reason(request)


def _reason(request: OutboundCall) -> str:
    given = {"Who is called": request.customer_name, "Why": request.purpose, "What to do": request.instructions}
    lines = [f"{what}: {text.strip()}" for what, text in given.items() if text and text.strip()]
    return "\n".join(["", "", "# Why you are calling", *lines]) if lines else ""


def greeting_instruction(business_id: int, call_direction: str) -> str:
    """What the model is told to say first. A consent announcement comes with it where calls are recorded.

    Raises `ValueError` for another direction and `LookupError` for an unknown business.
    """
    _check_direction(call_direction)
    with reading():
        business = _fresh(business_id)
        own = business.greeting if call_direction == "inbound" else None  # it thanks for calling
        words = (own or _GREETING[call_direction].format(name=business.name)).strip()
        if business.consent_announcement and business.record_calls:
            words = f"{business.consent_announcement.strip()} {words}"
    return f'Greet the caller now. Say exactly: "{words}"'


def came_back_instruction(colleague: str, state: str, *, again: bool) -> str:
    """What the model is told to say first when a caller whom it put through comes back without having been connected.

    `state` is what became of the transfer; `again` says whether the call may be put through once more.
    """
    why = _NOT_CONNECTED.get(state, "can't be reached at the moment")
    offer = "Shall I take a message, or try somebody else?" if again else "Shall I take a message?"
    return (
        "The caller was to be put through to a colleague, but was not connected, and is with you again. "
        f'Say exactly: "I am sorry, {colleague} {why}. {offer}"'
    )


def caller_context(business_id: int, contact: Contact | None, now: datetime) -> str:
    """Who calls, what is booked, what was said before and what time it is, for an item of its own.

    Raises `LookupError` for an unknown business. A contact of another business counts as no contact.
    """
    with reading():
        zone = ZoneInfo(_fresh(business_id).timezone)
        if contact is not None and contact.business_id != business_id:
            contact = None
        lines = [f"Current local time: {now.astimezone(zone):%A %-d %B %Y, %H:%M} ({zone.key})"]
        lines.append(f"Caller: {contact.name}" if contact and contact.name else "Caller: not known yet")
        lines.append("Caller number: known" if contact else "Caller number: withheld")
        for booked in _upcoming(contact, now):
            lines.append(f"Booked for this caller: {booked.starts_at.astimezone(zone):%A %-d %B at %H:%M}")
        lines.extend(_earlier_calls(contact, now, zone))
    return "\n".join(lines)


def cache_info() -> dict[str, int]:
    """How often a prompt came from the cache, and how many it holds."""
    return {**_counts, "size": len(_cache)}


def _compose(business: Business, direction: str) -> str:
    own = business.inbound_prompt if direction == "inbound" else business.outbound_prompt
    instructions = ["# Instructions from the business", (own or _FALLBACK[direction]).strip()]
    return "\n".join([_ROLE, "", _DIRECTION[direction], "", *instructions, "", *business_lines(business)])


def _fresh(business_id: int) -> Business:
    """The business as the database has it now: an older copy that this scope has loaded would be cached as the new."""
    query = sa.select(Business).where(Business.id == business_id).execution_options(populate_existing=True)
    business = db.session.scalars(query).one_or_none()
    if business is None:
        raise LookupError(f"business {business_id} does not exist")
    return business


def _keep(key: tuple[int, str], value: tuple[int, str]) -> None:
    with _lock:
        if len(_cache) >= _LIMIT:
            _cache.pop(next(iter(_cache)))
        _cache[key] = value


def _upcoming(contact: Contact | None, now: datetime) -> list[Appointment]:
    if contact is None:
        return []
    query = sa.select(Appointment).where(
        Appointment.contact_id == contact.id, Appointment.starts_at > now, Appointment.cancelled_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(Appointment.starts_at).limit(3)))


def _earlier_calls(contact: Contact | None, now: datetime, zone: ZoneInfo) -> list[str]:
    """The summaries of this caller's last calls, newest first, each on one line of its own."""
    if contact is None:
        return []
    query = (
        sa.select(CallLog.started_at, CallLog.summary)
        .where(CallLog.contact_id == contact.id, CallLog.started_at > now - _EARLIER_SINCE, CallLog.summary != "")
        .order_by(CallLog.started_at.desc())
        .limit(_EARLIER_CALLS)
    )
    calls = [(started.astimezone(zone), shorten(said or "", _EARLIER_CHARS, placeholder=" …"))
             for started, said in db.session.execute(query)]  # fmt: skip
    return [f"Earlier call on {started:%A %-d %B}: {said}" for started, said in calls]


def _check_direction(direction: str) -> None:
    if direction not in _DIRECTION:
        raise ValueError(f"call_direction is {direction!r}: it must be 'inbound' or 'outbound'")
