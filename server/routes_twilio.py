"""Twilio's webhooks: the only writer of a call's status.

Every request is checked against Twilio's signature, stored in the inbox, and only then given its effect, once. A
processing error answers 500 and leaves the event, with its error, to be applied again; a repeated voice webhook gets
the same TwiML. In whatever order a call's events come, and however often, the same rows are there in the end: a status
moves by the table alone, everything else is written by the first event that says it, and a leg of a call is its
parent's.

✅ OWNER: `call_logs`, apart from what the map gives to others. `update_call_status` is the one place for status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response

from server import ports
from server.config.calls import CALL_LIMIT_S
from server.db import db
from server.domain import call_ends
from server.domain.call_states import advance, is_final, normalised
from server.domain.transfers import ACCEPTED
from server.logging_setup import get_logger, mask_phone
from server.models_sql import Business, CallLog, ProviderEvent
from server.services import (
    businesses,
    call_transfer,
    call_twiml,
    capacity,
    contacts,
    inbox,
    outbound_calls,
    stream_tokens,
    timeline,
    transfers,
    webhooks,
)
from server.services.webhooks import Form
from server.store import calls
from server.store.calls import call_of
from server.tasks_calls import enqueue_machine_message, wake_waiting
from server.tasks_recording import enqueue_call_followup

log = get_logger(__name__)

OWNER: Final = "server.routes_twilio"

Payload = Mapping[str, Any]
router = APIRouter(tags=["twilio"])


# --- the edge -------------------------------------------------------------------------------------------------------


Signed = Depends(webhooks.signed_form)


@router.post("/webhook/voice")
def voice(request: Request, background: BackgroundTasks, form: Form = Signed) -> Response:
    """A call comes in, or an outbound one was answered: say where its audio goes."""
    applied = _take("voice", form, webhooks.token(request))
    if applied.first:
        background.add_task(start_recording, form["CallSid"])
    return webhooks.twiml(applied.answer or call_twiml.nothing())


@router.post("/webhook/call_status")
@router.post("/webhook/recording_status")
@router.post("/webhook/amd")
@router.post("/webhook/transfer_leg")
def callback(request: Request, form: Form = Signed) -> Response:
    """A status, a recording or a machine detection is reported; they come in any order and any number of times.

    A recording's CallSid is the parent leg's.
    """
    applied = _take(request.url.path.rpartition("/")[2], form, webhooks.token(request))
    return Response(status_code=202 if applied.waiting else 204)


@router.post("/webhook/stream_ended")
@router.post("/webhook/fallback_ended")
@router.post("/webhook/message_left")
@router.post("/webhook/transfer_whisper")
@router.post("/webhook/transfer_answer")
@router.post("/webhook/transfer_ended")
def what_next(request: Request, form: Form = Signed) -> Response:
    """The stream was closed by us, somebody was dialled, a message was left: what Twilio does next, on that leg."""
    applied = _take(request.url.path.rpartition("/")[2], form, webhooks.token(request))
    return webhooks.twiml(applied.answer or call_twiml.hang_up())


def _take(kind: str, form: Form, token: str | None) -> inbox.Applied:
    """Store an event and apply it."""
    call_sid = form.get("ParentCallSid") or form["CallSid"]
    return _apply(inbox.receive(source="twilio", kind=kind, call_sid=call_sid, payload=form, token=token), call_sid)


def apply_event(event_id: int) -> str:
    """Apply a stored event, whoever stored it (jobs and replays come through this). Returns its answer."""
    with db.scope(write=False):
        call_sid = db.session.scalar(sa.select(ProviderEvent.call_sid).where(ProviderEvent.id == event_id))
    return _apply(event_id, call_sid).answer


def _apply(event_id: int, call_sid: str | None) -> inbox.Applied:
    """Apply an event, and then those of the same call that were waiting for it."""
    applied = inbox.process(event_id, _effect, owner=OWNER)
    if applied.first and call_sid:
        for waiting in inbox.waiting_for(call_sid):
            try:
                inbox.process(waiting, _effect, owner=OWNER)
            except Exception as problem:  # noqa: BLE001 - another event's edge: it is kept, and this one has its answer
                log.error("a waiting event failed", event_id=waiting, call_sid=call_sid, error=repr(problem))
    return applied


# --- effects: inside the inbox's transaction, in the name of this module ----------------------------------------------


def _effect(event: ProviderEvent) -> str:
    if event.kind in _ON_A_LEG:
        return _ON_A_LEG[event.kind](event.payload)
    if event.payload.get("ParentCallSid"):
        return _leg(event.payload)
    return _EFFECTS[event.kind](event.payload)


def _leg(form: Payload) -> str:
    """Another leg of a call: it moves nothing, and its parent's timeline says what it did."""
    parent = call_of(str(form["ParentCallSid"]), lock=True)
    if parent is not None:
        _note(parent, "leg_status", {"leg": form["CallSid"], "status": form.get("CallStatus")})
    elif not calls.was_refused(str(form["ParentCallSid"])):
        raise inbox.NotYet(f"call {form['ParentCallSid']}, of which this is a leg, is not known yet")
    return call_twiml.nothing()


def _transfer_leg(form: Payload) -> str:
    """The colleague's leg, which its transfer names also where the provider names no parent."""
    found = transfers.named_by(form)
    return call_twiml.nothing() if found is None else _leg({**form, "ParentCallSid": found[1].call_sid})


def _voice(form: Payload) -> str:
    """The call's TwiML: connect the agent, or say why not. A call that we placed has had its line since before that."""
    call = _requested(form)
    if call is None:
        return _answer(form)
    update_call_status(call.call_sid, str(form.get("CallStatus", "in-progress")))
    return _agent(call)


def _answer(form: Payload) -> str:
    """A call that nobody here asked for."""
    if form.get(outbound_calls.REQUEST_FIELD):
        log.warning("a call beside the requested one was hung up", call_sid=form["CallSid"])
        return call_twiml.hang_up()
    outbound = str(form.get("Direction", "inbound")).startswith("outbound")
    business = businesses.business_for_number(str(form.get("From" if outbound else "To", "")))
    if business is None:
        log.warning("call to an unknown number refused", call_sid=form["CallSid"], to=mask_phone(str(form.get("To"))))
        return call_twiml.say_and_hang_up(call_twiml.NOT_IN_SERVICE)
    call = call_of(str(form["CallSid"]), lock=True) or _new_call(form, business, outbound=outbound)
    update_call_status(call.call_sid, str(form.get("CallStatus", "ringing")))
    full = None if is_final(call.status) else capacity.take_line(call.call_sid, business, limit_s=CALL_LIMIT_S)
    return _agent(call) if full is None else _no_line(call, full)


def _agent(call: CallLog) -> str:
    return call_twiml.connect_agent(stream_tokens.issue(call.call_sid, call.business_id), call.business_id)


def _no_line(call: CallLog, full: str) -> str:
    log.warning("call refused: no line is free", call_sid=call.call_sid, business_id=call.business_id, full=full)
    _note(call, "refused", {"full": full})
    return _take_message(call, call_ends.NO_LINE, call_twiml.BUSY)


def _take_message(call: CallLog, disposition: str, why: str) -> str:
    """Have the caller leave a message; it is the call's recording where the call itself is not recorded."""
    call.disposition = call_ends.later(call.disposition, disposition)
    if _message_is_recording(call):
        call.recording_requested_at = call.recording_requested_at or ports.current().clock.now()
    return call_twiml.take_message(why)


def _message_is_recording(call: CallLog) -> bool:
    """Make a message the call's recording, unless the call itself is recorded, which then holds the message too."""
    if call.recording_source == "call" and call.recording_status != "failed":
        return False
    if call.recording_source == "call":
        call.recording_status = None
    call.recording_source = "message"
    return True


def _requested(form: Payload) -> CallLog | None:
    """The call of a request that the event names, made by whichever of its events comes first; else None."""
    request = outbound_calls.attach(form)
    if request is None:
        return None
    numbers = {"From": request.from_number, "To": request.to_number, "Direction": "outbound-api"}
    business = db.session.get_one(Business, request.business_id)
    call = call_of(str(form["CallSid"]), lock=True) or _new_call({**form, **numbers}, business, outbound=True)
    if request.customer_name and call.contact_id is not None:
        contacts.remember_name(call.contact_id, request.customer_name, only_if_unknown=True)
    return call


def _new_call(form: Payload, business: Business, *, outbound: bool) -> CallLog:
    contact = contacts.contact_for(business.id, str(form.get("To" if outbound else "From", "")))
    call = CallLog(
        call_sid=form["CallSid"], business_id=business.id, contact_id=contact.id if contact else None,
        direction="outbound" if outbound else "inbound", twilio_direction=form.get("Direction"), status="initiated",
        from_number=form.get("From"), to_number=form.get("To"), started_at=ports.current().clock.now(),
    )  # fmt: skip
    db.session.add(call)
    db.session.flush()
    _note(call, "placed" if outbound else "received", {"direction": call.direction})
    log.info("call placed" if outbound else "call received", call_sid=call.call_sid, business_id=business.id,
             number=mask_phone(call.to_number if outbound else call.from_number))  # fmt: skip
    return call


def _known(form: Payload) -> CallLog | None:
    """The event's call; None for one that was refused without a row. Raises `NotYet` where it may still come."""
    call = _requested(form) or call_of(str(form["CallSid"]), lock=True)
    if call is None and not calls.was_refused(str(form["CallSid"])):
        raise inbox.NotYet(f"call {form['CallSid']} is not known: its voice webhook has not come")
    return call


def _call_status(form: Payload) -> str:
    call = _known(form)
    if call is not None:
        seconds = form.get("CallDuration")
        update_call_status(call.call_sid, str(form["CallStatus"]), int(seconds) if seconds else None)
    return ""


def _recording_status(form: Payload) -> str:
    call = _known(form)
    if call is None or (form.get("RecordingSource") == "RecordVerb" and not _message_is_recording(call)):
        return ""
    if call.recording_status in ("completed", "absent", "failed"):
        return ""
    status = str(form.get("RecordingStatus", ""))
    call.recording_status, call.recording_sid = status, form.get("RecordingSid")
    if status == "completed":
        call.recording_url = form.get("RecordingUrl")
        call.recording_duration = int(form.get("RecordingDuration") or 0)
    if status in ("completed", "absent", "failed"):
        _note(call, "recording_" + status, {"seconds": call.recording_duration})
        enqueue_call_followup(call.call_sid)
    return ""


def _amd(form: Payload) -> str:
    """What answered. A machine is told the message after its beep, by a job; with a person the agent goes on."""
    call = _known(form)
    if call is None or call.answered_by is not None:
        return ""
    call.answered_by = str(form.get("AnsweredBy", "unknown"))[:32]
    _note(call, "answered_by", {"answered_by": call.answered_by})
    if call_ends.is_machine(call.answered_by):
        call.disposition = call_ends.later(call.disposition, call_ends.MACHINE)
        enqueue_machine_message(call.call_sid)
    return ""


def _stream_ended(form: Payload) -> str:
    """Hang up after a goodbye. After a failure, or a crash: an apology, then the business's people, or a message."""
    call = _known(form)
    if call is None or calls.said_goodbye(call.call_sid):
        return call_twiml.hang_up()
    status = str(form.get("CallStatus", "in-progress"))
    if is_final(normalised(status)):
        return call_twiml.hang_up()
    update_call_status(call.call_sid, status)
    if (transfer := transfers.under_way(call.call_sid)) is not None:  # the line broke before the call was redirected
        return call_transfer.twiml_for(transfer, calls.business_of(call))
    apologised = calls.apologised(call.call_sid)
    if (number := calls.business_of(call).fallback_number) is not None:
        call.disposition = call_ends.later(call.disposition, call_ends.FALLBACK)
        _note(call, "fallback", {})
        return call_twiml.dial_business(number, apologise=not apologised)
    return _without_agent(call, "" if apologised else call_twiml.BROKEN)


def _without_agent(call: CallLog, why: str) -> str:
    if call.direction == "outbound":
        return call_twiml.say_and_hang_up(why) if why else call_twiml.hang_up()
    return _take_message(call, call_ends.MESSAGE, why)


def _fallback_ended(form: Payload) -> str:
    """A colleague who answered has had the call; one who did not leaves the caller with a message."""
    call = _known(form)
    if call is None or form.get("DialCallStatus") == "completed" or is_final(str(form.get("CallStatus", ""))):
        return call_twiml.hang_up()
    return _without_agent(call, call_twiml.NOBODY)


def _transfer_ended(form: Payload) -> str:
    """A colleague who took the call has had it; one who did not leaves the caller with the agent again."""
    found = transfers.named_by(form, of_leg=False)
    if found is None:
        return call_twiml.hang_up()
    transfer, call = found
    back = transfers.dialling_ended(transfer, form)
    if transfer.state == ACCEPTED:
        call.disposition = call_ends.later(call.disposition, call_ends.TRANSFERRED)
    return _agent(call) if back else call_twiml.hang_up()


def _message_left(form: Payload) -> str:
    call = _known(form)
    if call is not None:
        _note(call, "message_left", {"seconds": int(form.get("RecordingDuration") or 0)})
    return call_twiml.say_and_hang_up(call_twiml.THANKS)


_EFFECTS: Final[dict[str, Callable[[Payload], str]]] = {
    "voice": _voice,
    "call_status": _call_status,
    "recording_status": _recording_status,
    "amd": _amd,
    "stream_ended": _stream_ended,
    "fallback_ended": _fallback_ended,
    "message_left": _message_left,
    "transfer_ended": _transfer_ended,
}
_ON_A_LEG: Final[dict[str, Callable[[Payload], str]]] = {
    "transfer_leg": _transfer_leg,
    "transfer_whisper": call_transfer.whisper,
    "transfer_answer": call_transfer.answer,
}


def update_call_status(call_sid: str, status: str, duration: int | None = None) -> bool:
    """Move a call to `status` if the table of transitions allows it, under a row lock; True when it moved.

    What was reported stands in the timeline once, also where it came too late to move anything. A final state gives
    the call's line back, whatever the way it came.

    ✅ OWNER: Twilio webhooks ONLY (through the inbox; `duration` in seconds)
    ❌ NEVER: from Realtime or workers; they append an event to the inbox
    """
    call = _locked(call_sid)
    reported, new = normalised(status), advance(call.status, status)
    _note(call, "status", {"status": reported})
    if duration is not None and is_final(reported) and call.duration is None:
        call.duration = duration
    if new is None:
        return False
    call.status = new
    if is_final(new):
        call.ended_at = ports.current().clock.now()
        log.info("call finished", call_sid=call_sid, status=new, seconds=duration)
        enqueue_call_followup(call_sid)
        transfers.call_over(call_sid)
        request = outbound_calls.of_call(call_sid)
        if capacity.release(call_sid, request.request_id if request else None):
            wake_waiting(call.business_id)
    return True


# --- recording -------------------------------------------------------------------------------------------------------


def start_recording(call_sid: str) -> None:
    """Start the call's recording, once, if its business records calls.

    ✅ OWNER: Twilio webhooks ONLY. The claim is a row; a repeated webhook finds it taken.
    """
    with db.scope(OWNER), db.session.begin():
        call = call_of(call_sid, lock=True)
        if call is None or call.recording_requested_at is not None or is_final(call.status):
            return
        business = db.session.get_one(Business, call.business_id)
        if not business.record_calls:
            return
        call.recording_requested_at, call.recording_source = ports.current().clock.now(), "call"
    problem = webhooks.ask_for_recording(call_sid)
    with db.scope(OWNER), db.session.begin():
        if problem is None:
            timeline.append(call_sid, "recording_started", source="routes_twilio", business_id=business.id)
            return
        timeline.append(call_sid, "recording_not_started", {"error": problem}, source="routes_twilio",
                        business_id=business.id)  # fmt: skip
        call = _locked(call_sid)
        if call.recording_source == "call":
            call.recording_status = "failed"
    log.error("recording could not be started", call_sid=call_sid, error=problem)


# --- small pieces ----------------------------------------------------------------------------------------------------


def _locked(call_sid: str) -> CallLog:
    call = call_of(call_sid, lock=True)
    if call is None:
        raise LookupError(f"call {call_sid} is not known: its voice webhook has not come")
    return call


def _note(call: CallLog, kind: str, detail: dict[str, Any]) -> None:
    """A line of the timeline, once; the call's row is locked here, so that two can't add it at the same time."""
    timeline.append_once(call.call_sid, kind, detail, source="routes_twilio", business_id=call.business_id)
