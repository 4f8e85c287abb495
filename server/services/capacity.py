"""How many calls may run at once: a numbered line for each, per business and for the installation.

A line is taken by inserting the lowest numbers that are free. Two that want the last one meet the unique constraint on
its number, so that no lock, count or memory decides. Every line ends by itself: one whose process was killed is free
again when it expires.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server import ports
from server.config.calls import LEASE_MARGIN_S
from server.db import acting_as, db
from server.models_sql import Business, CallLease

Full = Literal["business", "installation"]


def take_line(lease_key: str, business: Business, *, limit_s: int) -> Full | None:
    """Take a line in the open transaction, for a call of at most `limit_s` seconds; says what is full, or None.

    ✅ OWNER: the `call_leases` table. `lease_key` (a call's or a request's id) holds one line, however often it asks.
    """
    now = ports.current().clock.now()
    expires = now + timedelta(seconds=limit_s + LEASE_MARGIN_S)
    with acting_as("server.services.capacity"):
        while True:
            _drop_expired()
            if _holds(lease_key):
                return None
            own = _free(CallLease.business_slot, business.max_calls, CallLease.business_id == business.id)
            if own is None:
                return "business"
            everyone = _free(CallLease.installation_slot, ports.current().max_calls)
            if everyone is None:
                return "installation"
            try:
                with db.session.begin_nested():
                    db.session.add(
                        CallLease(
                            lease_key=lease_key, business_id=business.id, business_slot=own,
                            installation_slot=everyone, taken_at=now, expires_at=expires,
                        )
                    )  # fmt: skip
                return None
            except IntegrityError:
                continue  # another got one of the numbers: look again


def release(*lease_keys: str | None) -> bool:
    """Give back the line that these hold, in the open transaction; True when there was one."""
    keys = [key for key in lease_keys if key is not None]
    with acting_as("server.services.capacity"):
        gone: Any = db.session.execute(sa.delete(CallLease).where(CallLease.lease_key.in_(keys)))
    return bool(gone.rowcount)


def release_expired() -> list[str]:
    """Give back every line that outlived its call's limit; whose they were."""
    with acting_as("server.services.capacity"):
        return _drop_expired()


def held() -> list[CallLease]:
    """Every line that is in use."""
    return list(db.session.scalars(sa.select(CallLease).order_by(CallLease.id)))


def _holds(lease_key: str) -> bool:
    return db.session.scalar(sa.select(CallLease.id).where(CallLease.lease_key == lease_key)) is not None


def _free(slot: Any, limit: int, *where: Any) -> int | None:
    """The lowest number that is free; None when as many are in use as may be (also after a limit was lowered).

    One that expired is free: where another transaction is just dropping it, the insert waits for that.
    """
    alive = CallLease.expires_at > ports.current().clock.now()
    taken = set(db.session.scalars(sa.select(slot).where(alive, *where)))
    if len(taken) >= limit:
        return None
    return next(number for number in range(limit) if number not in taken)


def _drop_expired() -> list[str]:
    """Locked in one order, skipping what another transaction drops: two that clean up never wait for each other."""
    query = sa.select(CallLease.id, CallLease.lease_key).where(CallLease.expires_at <= ports.current().clock.now())
    rows = db.session.execute(query.order_by(CallLease.id).with_for_update(skip_locked=True)).all()
    if rows:
        db.session.execute(sa.delete(CallLease).where(CallLease.id.in_([row[0] for row in rows])))
    return [row[1] for row in rows]
