"""Calls that somebody asked for: checked and kept once, claimed before they are dialled, tied to the call they become.

A request is `queued` (a job will dial it), `waiting` (for a free line), `dialing`, `in_doubt` (dialled, and the answer
was lost), `placed` (the provider has a call for it; the call itself says how it goes) or `refused` (with the reason).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import phonenumbers
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server import ports
from server.config.calls import CALL_LIMIT_S, REQUEST_VALID_S, RING_TIMEOUT_S
from server.db import acting_as, db
from server.models_sql import Business, OutboundCall
from server.services import capacity
from server.services.businesses import BadBusiness, e164

OWNER: Final = "server.services.outbound_calls"
REQUEST_FIELD: Final = "FrontdeskRequest"
"""Under this name a webhook's payload carries the request's id, taken from the signed URL's query."""
CLAIM_S: Final = 45.0
"""How long a dialler that was killed may still have a request under way; longer than the provider's slowest answer."""
CLOCKS_APART: Final = timedelta(seconds=30)
STRANDED: Final = timedelta(minutes=15)
TOO_LATE: Final = "it could not be dialled in time: ask again with another dedup_key"
OPEN: Final = ("queued", "waiting", "dialing", "in_doubt")


class BadRequest(ValueError):
    """A field of a requested call can't be used; the message names it and the remedy."""


class OtherRequest(ValueError):
    """The dedup key was used for a call that is not the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A call that is asked for. `purpose` may be said to a machine; `instructions` are for the agent alone.

    `voicemail_message`: None is the business's own, or one made of its name and the purpose; an empty one is none.
    """

    to: str
    dedup_key: str
    from_: str | None = None
    purpose: str | None = None
    instructions: str | None = None
    customer_name: str | None = None
    voicemail_message: str | None = None
    machine_detection: bool = True
    time_limit_s: int = CALL_LIMIT_S
    ring_timeout_s: int = RING_TIMEOUT_S
    valid_for_s: int = REQUEST_VALID_S


def request_call(business: Business, wish: Wish) -> tuple[OutboundCall, bool]:
    """Keep a request, once per business and dedup key, in the open transaction; and whether it is new.

    ✅ OWNER: the `outbound_calls` table. Raises `BadRequest`, and `OtherRequest` for another call under the same key.
    """
    if not 0 < len(wish.dedup_key) <= 200:
        raise BadRequest("dedup_key is empty or longer than 200 characters: give what names this one call, as an order")
    row = _new(business, wish)
    body = row.body_sha256
    found = _of_key(business.id, wish.dedup_key)
    if found is None:
        try:
            with acting_as(OWNER), db.session.begin_nested():
                db.session.add(row)
            return row, True
        except IntegrityError:
            found = _of_key(business.id, wish.dedup_key)
            assert found is not None, "the row that made the key a duplicate is gone"
    if found.body_sha256 != body:
        raise OtherRequest(
            f"dedup_key was used for another call ({found.request_id}): "
            "ask for the same call again, or give this one a key of its own"
        )
    return found, False


def _new(business: Business, wish: Wish) -> OutboundCall:
    now = ports.current().clock.now()
    to, from_ = _callee(business, wish.to), _caller_id(business, wish.from_)
    return OutboundCall(
        request_id="oc_" + secrets.token_hex(16), business_id=business.id, dedup_key=wish.dedup_key,
        body_sha256=_body(wish, to, from_), to_number=to, from_number=from_, purpose=wish.purpose,
        instructions=wish.instructions, customer_name=wish.customer_name, voicemail_message=wish.voicemail_message,
        machine_detection=wish.machine_detection, time_limit_s=wish.time_limit_s, ring_timeout_s=wish.ring_timeout_s,
        state="queued", attempts=0, created_at=now, expires_at=now + timedelta(seconds=wish.valid_for_s),
    )  # fmt: skip


def _body(wish: Wish, to: str, from_: str) -> str:
    content = json.dumps(asdict(wish) | {"to": to, "from_": from_}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _callee(business: Business, number: str) -> str:
    try:
        to = e164(number, "to")
    except BadBusiness as problem:
        raise BadRequest(str(problem)) from problem
    allowed = business.outbound_countries or [country_of(business.phone_e164)]
    if country_of(to) not in allowed:
        raise BadRequest(
            f"to is a number of {country_of(to)}, and {business.name} calls {', '.join(allowed)}: "
            "allow more with `frontdesk business update --call-country …`"
        )
    if to == business.phone_e164:
        raise BadRequest("to is the business's own number: give the number of whoever is to be called")
    return to


def country_of(number: str) -> str:
    """The country of a number, by its ISO code; `?` for one of no country, as satellite phones have."""
    parsed = phonenumbers.parse(number, None)
    return phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    ).replace("ZZ", "?").replace("001", "?")


def _caller_id(business: Business, number: str | None) -> str:
    if number is None:
        return business.phone_e164
    try:
        given = e164(number, "from")
    except BadBusiness as problem:
        raise BadRequest(str(problem)) from problem
    if given != business.phone_e164:
        raise BadRequest(f"from is not a number of {business.name}: leave it out, or give {business.phone_e164}")
    return given


def _of_key(business_id: int, dedup_key: str) -> OutboundCall | None:
    query = sa.select(OutboundCall).where(OutboundCall.business_id == business_id, OutboundCall.dedup_key == dedup_key)
    return db.session.scalars(query).one_or_none()


# --- dialling --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that is this dialler's to dial. `before` is when it was first dialled with an answer that was lost."""

    request: OutboundCall
    before: datetime | None


@dataclass(frozen=True, slots=True)
class Postponed:
    """It can't be dialled now: `wait_s` until another dialler's claim ends, or None while it waits for a free line."""

    wait_s: float | None


@dataclass(frozen=True, slots=True)
class Settled:
    """There is nothing to dial: the request has its call, is gone, was refused, or (`expired`) is refused just now."""

    expired: bool = False
    business_id: int = 0


def claim(request_id: str) -> Claim | Postponed | Settled:
    """Mark a request as being dialled, with a line taken for it, in the open transaction.

    The mark is committed before the provider is asked: whoever finds it there looks for a call before dialling again.
    """
    row = _locked(request_id)
    if row is None or row.call_sid is not None or row.state not in OPEN:
        return Settled()
    now = ports.current().clock.now()
    if row.state == "dialing" and row.dialed_at is not None:
        left = CLAIM_S - (now - row.dialed_at).total_seconds()
        if left > 0:
            return Postponed(left)
    before = row.dialed_at - CLOCKS_APART if row.state in ("dialing", "in_doubt") and row.dialed_at else None
    if now >= row.expires_at and before is None:
        _refuse(row, TOO_LATE)
        return Settled(expired=True, business_id=row.business_id)
    business = db.session.get_one(Business, row.business_id)
    full = capacity.take_line(request_id, business, limit_s=row.ring_timeout_s + row.time_limit_s)
    with acting_as(OWNER):
        row.attempts += 1
        if full is not None:
            row.state, row.reason = "waiting", f"waits for a free line ({_FULL[full]})"
            return Postponed(None)
        if before is None:
            row.dialed_at = now
        row.state, row.reason = "dialing", None
    return Claim(row, before)


_FULL: Final = {
    "business": "the business's max_calls are in use",
    "installation": "this installation's MAX_CALLS are in use",
}


def doubt(request_id: str, why: str) -> None:
    """The provider's answer was lost: whether it dials is looked up before anything is dialled again."""
    row = _locked(request_id)
    if row is not None and row.state == "dialing":
        with acting_as(OWNER):
            row.state, row.reason = "in_doubt", why


def postpone(request_id: str, why: str) -> int:
    """Nothing was dialled: give the line back and wait for the next try; how many there were."""
    row = _locked(request_id)
    if row is None or row.call_sid is not None:
        return 0
    with acting_as(OWNER):
        row.state, row.reason, row.dialed_at = "queued", why, None
    capacity.release(request_id)
    return row.attempts


def refuse(request_id: str, why: str) -> None:
    """It will not be dialled; the line is given back."""
    row = _locked(request_id)
    if row is not None and row.call_sid is None:
        _refuse(row, why)


def _refuse(row: OutboundCall, why: str) -> None:
    with acting_as(OWNER):
        row.state, row.reason = "refused", why
    capacity.release(row.request_id)


def next_waiting(business_id: int | None = None) -> OutboundCall | None:
    """The request that has waited longest for a line, of one business or of all, taken out of the waiting ones."""
    query = sa.select(OutboundCall).where(OutboundCall.state == "waiting")
    if business_id is not None:
        query = query.where(OutboundCall.business_id == business_id)
    row = db.session.scalars(query.order_by(OutboundCall.id).limit(1).with_for_update(skip_locked=True)).one_or_none()
    if row is not None:
        with acting_as(OWNER):
            row.state = "queued"
    return row


def businesses_waiting(limit: int) -> list[int]:
    """Businesses with requests that wait for a line."""
    query = sa.select(OutboundCall.business_id).where(OutboundCall.state == "waiting").distinct().limit(limit)
    return list(db.session.scalars(query))


def refuse_expired(limit: int) -> int:
    """Refuse what waited for a line until it was too late; how many."""
    now = ports.current().clock.now()
    query = sa.select(OutboundCall).where(OutboundCall.state == "waiting", OutboundCall.expires_at <= now)
    rows = list(db.session.scalars(query.limit(limit).with_for_update(skip_locked=True)))
    for row in rows:
        _refuse(row, TOO_LATE)
    return len(rows)


def stranded(limit: int) -> list[OutboundCall]:
    """Requests whose job is lost, as after workers that died too often, each made ready for another one."""
    before = ports.current().clock.now() - STRANDED
    lost = sa.or_(
        sa.and_(OutboundCall.state.in_(("dialing", "in_doubt")), OutboundCall.dialed_at <= before),
        sa.and_(OutboundCall.state == "queued", OutboundCall.expires_at <= before),
    )
    query = sa.select(OutboundCall).where(lost, OutboundCall.call_sid.is_(None)).order_by(OutboundCall.id)
    rows = list(db.session.scalars(query.limit(limit).with_for_update(skip_locked=True)))
    with acting_as(OWNER):
        for row in rows:
            row.attempts += 1
    return rows


# --- the call that a request becomes ---------------------------------------------------------------------------------


def attach(payload: Mapping[str, Any]) -> OutboundCall | None:
    """The request that an event names, locked, and tied to the event's call by the first event that comes.

    None where the event names none, or one that is tied to another call already.
    """
    request_id = payload.get(REQUEST_FIELD)
    row = _locked(str(request_id)) if request_id else None
    if row is None:
        return None
    if row.call_sid is None:
        with acting_as(OWNER):
            row.call_sid, row.state, row.reason = str(payload["CallSid"]), "placed", None
    return row if row.call_sid == payload["CallSid"] else None


def of_call(call_sid: str) -> OutboundCall | None:
    """The request behind a call."""
    return db.session.scalars(sa.select(OutboundCall).where(OutboundCall.call_sid == call_sid)).one_or_none()


def voicemail_words(request: OutboundCall, business: Business) -> str | None:
    """What is said to an answering machine; None for nothing. An empty message, on either, is a wish for none."""
    for given in (request.voicemail_message, business.voicemail_message):
        if given is not None:
            return given.strip() or None
    if not request.purpose:
        return None
    about = request.purpose.strip().rstrip(".")
    return f"Hello, this is {business.name}. We are calling about {about}. Please call us back. Thank you, goodbye."


def _locked(request_id: str) -> OutboundCall | None:
    query = sa.select(OutboundCall).where(OutboundCall.request_id == request_id).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
