"""Single-use passes for the media socket, so that nobody spends the owner's model money.

A pass travels in the TwiML as a `<Parameter>` (Twilio strips query strings from the stream's URL) and is bound to the
CallSid; only its hash is stored.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa

from server import ports
from server.config.calls import STREAM_TOKEN_TTL_S
from server.db import acting_as, db
from server.models_sql import StreamToken


def issue(call_sid: str, business_id: int) -> str:
    """A new pass for one call, in the open transaction. ✅ OWNER: the `stream_tokens` table."""
    token = secrets.token_urlsafe(24)
    expires = ports.current().clock.now() + timedelta(seconds=STREAM_TOKEN_TTL_S)
    with acting_as("server.services.stream_tokens"):
        db.session.add(
            StreamToken(token_sha256=_hash(token), call_sid=call_sid, business_id=business_id, expires_at=expires)
        )
    return token


def redeem(token: str, call_sid: str) -> int | None:
    """Use up a pass; the business it was issued for, or None for a wrong, used, expired or foreign one."""
    now = ports.current().clock.now()
    match = (
        StreamToken.token_sha256 == _hash(token),
        StreamToken.call_sid == call_sid,
        StreamToken.used_at.is_(None),
        StreamToken.expires_at > now,
    )
    with db.scope("server.services.stream_tokens"), db.session.begin():
        used = db.session.execute(
            sa.update(StreamToken).where(*match).values(used_at=now).returning(StreamToken.business_id)
        )
        return used.scalar_one_or_none()


def first_used(call_sid: str) -> datetime | None:
    """When the call's first stream began."""
    return db.session.scalar(sa.select(sa.func.min(StreamToken.used_at)).where(StreamToken.call_sid == call_sid))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
