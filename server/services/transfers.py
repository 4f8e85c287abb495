"""Attempts to put a caller through, one row each, from the redirected call to the colleague's goodbye.

A row is `ringing` until somebody knows better: the colleague's key, the call's end, and above all the provider's word
for how the dialling ended, which alone decides. So the rows are the same in whatever order these come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from server import ports
from server.db import acting_as, db
from server.domain import transfers as states
from server.domain.call_states import is_final, normalised
from server.models_sql import CallLog, Transfer
from server.services import timeline
from server.services.tools.answers import Transfer as Wish
from server.store import calls

OWNER: Final = "server.services.transfers"
TRANSFER_FIELD: Final = "FrontdeskTransfer"
"""The parameter by which an event names its transfer; it comes in the signed address, never in the form."""
_OPEN: Final = (Transfer.ended_at.is_(None), Transfer.dial_status.is_(None))


def begin(call: CallLog, wish: Wish, request_key: str) -> Transfer | None:
    """A new attempt in the open transaction, in which the caller holds the call's row; None for one that was made.

    ✅ OWNER: the `transfers` table. What an earlier attempt left open (its request was lost) is closed.
    """
    if _of_key(request_key) is not None:
        return None
    row = Transfer(
        request_key=request_key, call_sid=call.call_sid, business_id=call.business_id, name=wish.name,
        phone_e164=wish.phone_e164, warm=wish.warm, reason=wish.reason[:300] or None, state=states.RINGING,
        created_at=ports.current().clock.now(),
    )  # fmt: skip
    _close(call.call_sid, states.RINGING, states.FAILED)
    with acting_as(OWNER):
        db.session.add(row)
        db.session.flush()
    _note(row, "transfer_dialled")
    return row


def not_dialled(transfer_id: int) -> None:
    """The provider refused, or did not answer; a dialling that happened all the same tells its end like any other."""
    row = db.session.get_one(Transfer, transfer_id)
    _close(row.call_sid, states.RINGING, states.FAILED)


def pressed(row: Transfer, digits: str) -> bool:
    """The colleague pressed a key; True when they take the call."""
    takes, now = digits == states.ACCEPT_KEY, ports.current().clock.now()
    with acting_as(OWNER):
        if takes and row.accepted_at is None:
            row.accepted_at = now
        if row.dial_status is None:
            row.state = states.ACCEPTED if takes else states.DECLINED
        db.session.flush()
    _note(row, "transfer_key", accepted=takes)
    return takes


def dialling_ended(row: Transfer, form: Mapping[str, Any]) -> bool:
    """The provider's word for how it ended, which counts once; True when the agent gets the call back."""
    if row.dial_status is None:
        left = is_final(normalised(str(form.get("CallStatus", "in-progress"))))
        seconds, now = form.get("DialCallDuration"), ports.current().clock.now()
        with acting_as(OWNER):
            row.dial_status = str(form.get("DialCallStatus", "failed"))[:16]
            row.state = states.outcome(
                row.dial_status, form.get("DialBridged"), pressed=row.accepted_at is not None, warm=row.warm,
                caller_left=left,
            )  # fmt: skip
            row.ended_at = now
            row.talk_s = int(seconds) if seconds and row.state == states.ACCEPTED else None
            row.back_at = now if row.state != states.ACCEPTED and not left else None
            db.session.flush()
        _note(row, f"transfer_{row.state}", **({"seconds": row.talk_s} if row.talk_s is not None else {}))
    return row.back_at is not None


def call_over(call_sid: str) -> None:
    """The call has ended, in the open transaction: nobody is being put through any more."""
    _close(call_sid, states.RINGING, states.CANCELED)
    _close(call_sid, states.ACCEPTED, states.ACCEPTED)


# --- reading ----------------------------------------------------------------------------------------------------------


def under_way(call_sid: str) -> Transfer | None:
    """The attempt that this call's caller waits for, or talks in; the call is not the agent's meanwhile."""
    found = _under_way(call_sid)
    return found[-1] if found else None


def came_back(call_sid: str) -> Transfer | None:
    """The last attempt after which the agent got this call back."""
    query = sa.select(Transfer).where(Transfer.call_sid == call_sid, Transfer.back_at.is_not(None))
    return db.session.scalars(query.order_by(Transfer.id.desc()).limit(1)).one_or_none()


def of_calls() -> sa.Subquery:
    """For each call with attempts: `is_open` where one is under way, `back_at` when the agent last got it back."""
    is_open = sa.func.max(sa.case((sa.and_(*_OPEN), 1), else_=0)).label("is_open")
    found = sa.select(Transfer.call_sid, is_open, sa.func.max(Transfer.back_at).label("back_at"))
    return found.group_by(Transfer.call_sid).subquery()


def left(call_sid: str) -> int:
    """How often this call may still be put through."""
    made = db.session.scalar(sa.select(sa.func.count(Transfer.id)).where(Transfer.call_sid == call_sid))
    return max(0, states.MOST_PER_CALL - (made or 0))


def named_by(form: Mapping[str, Any], *, of_leg: bool = True) -> tuple[Transfer, CallLog] | None:
    """The attempt that an event names, and its call, both locked in this order everywhere: call, attempt.

    The event is the colleague's leg's, or the call's own. None where it names none, or that of another call.
    """
    named = str(form.get(TRANSFER_FIELD, ""))
    if not named.isdecimal() or len(named) > 9:
        return None
    call_sid = db.session.scalar(sa.select(Transfer.call_sid).where(Transfer.id == int(named)))
    says = form.get("ParentCallSid") if of_leg else form.get("CallSid")
    if call_sid is None or says not in (None, call_sid):
        return None
    call = calls.call_of(call_sid, lock=True)
    row = db.session.get(Transfer, int(named), with_for_update=True, populate_existing=True)
    return (row, call) if row is not None and call is not None else None


def _close(call_sid: str, was: str, becomes: str) -> None:
    """End what is under way in a call without the provider's word for it, which may still come."""
    open_ones = sa.update(Transfer).where(Transfer.call_sid == call_sid, Transfer.state == was, *_OPEN)
    with acting_as(OWNER):
        db.session.execute(open_ones.values(state=becomes, ended_at=ports.current().clock.now()))


def _under_way(call_sid: str) -> list[Transfer]:
    query = sa.select(Transfer).where(Transfer.call_sid == call_sid, *_OPEN)
    return list(db.session.scalars(query.order_by(Transfer.id)))


def _of_key(request_key: str) -> Transfer | None:
    return db.session.scalars(sa.select(Transfer).where(Transfer.request_key == request_key)).one_or_none()


def _note(row: Transfer, kind: str, **detail: Any) -> None:
    """A line of the timeline, once: the attempt's number tells it from another with the same colleague."""
    earlier = sa.select(sa.func.count(Transfer.id)).where(Transfer.call_sid == row.call_sid, Transfer.id <= row.id)
    number = db.session.scalar(earlier)
    timeline.append_once(
        row.call_sid, kind, {"colleague": row.name, "attempt": number} | detail, source="transfers",
        business_id=row.business_id,
    )  # fmt: skip
