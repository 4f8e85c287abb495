"""Twilio's webhooks: the only writer of a call's status.

Every request is checked against Twilio's signature, stored in the inbox, and only then given its effect, once. A
processing error answers 500 and leaves the event, with its error, to be applied again; a repeated voice webhook gets
the same TwiML.

✅ OWNER: `call_logs`, apart from what the map gives to others. `update_call_status` is the one place for status.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Request, Response
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, VoiceResponse

from server import ports
from server.config.settings import Settings
from server.db import db
from server.domain.call_states import advance, is_final, normalised
from server.logging_setup import get_logger, mask_phone
from server.models_sql import Business, CallEvent, CallLog, ProviderEvent
from server.services import businesses, contacts, inbox, stream_tokens, timeline
from server.store.calls import call_of
from server.tasks_recording import enqueue_call_followup

log = get_logger(__name__)

OWNER: Final = "server.routes_twilio"
REFUSAL: Final = "Sorry, the number you have dialled is not in service here. Please check the number. Goodbye."
APOLOGY: Final = "We are sorry, we can't take your call at the moment. Please call again a little later. Goodbye."
RECORDING_RETRY_S: Final = (0.0, 0.3, 0.7, 1.5, 3.0)

Form = dict[str, str]
router = APIRouter(tags=["twilio"])


# --- the edge -------------------------------------------------------------------------------------------------------


async def signed_form(request: Request) -> Form:
    """The form of a request that Twilio really signed; 403 otherwise. The signed address is the public one."""
    settings: Settings = request.app.state.settings
    form = {key: str(value) for key, value in (await request.form()).multi_items()}
    query = f"?{request.url.query}" if request.url.query else ""
    address = f"{settings.public_url}{request.url.path}{query}"
    if not RequestValidator(settings.twilio_auth_token).validate(
        address, form, request.headers.get("X-Twilio-Signature", "")
    ):
        raise HTTPException(
            403,
            "X-Twilio-Signature does not fit this request: check that PUBLIC_URL is the address Twilio calls "
            "and TWILIO_AUTH_TOKEN the account's",
        )
    if not form.get("CallSid"):
        raise HTTPException(400, "CallSid is missing: every Twilio voice webhook carries it")
    return form


def _token(request: Request) -> str | None:
    return request.headers.get("I-Twilio-Idempotency-Token")


@router.post("/webhook/voice")
def voice(request: Request, background: BackgroundTasks, form: Form = Depends(signed_form)) -> Response:
    """A call comes in, or an outbound one was answered: say where its audio goes."""
    applied = _take("voice", form, _token(request))
    if applied.first:
        background.add_task(start_recording, form["CallSid"])
    return _twiml(applied.answer)


@router.post("/webhook/call_status")
def call_status(request: Request, form: Form = Depends(signed_form)) -> Response:
    """A status callback; they come in any order and any number of times."""
    return _accepted(_take("call_status", form, _token(request)))


@router.post("/webhook/recording_status")
def recording_status(request: Request, form: Form = Depends(signed_form)) -> Response:
    """A recording callback; its CallSid is the parent leg's."""
    return _accepted(_take("recording_status", form, _token(request)))


@router.post("/webhook/stream_ended")
def stream_ended(request: Request, form: Form = Depends(signed_form)) -> Response:
    """The stream was closed by us: what Twilio does next."""
    applied = _take("stream_ended", form, _token(request))
    return _twiml(applied.answer or _hang_up())


def _take(kind: str, form: Form, token: str | None) -> inbox.Applied:
    """Store an event, apply it, and then those of the same call that were waiting for it."""
    event_id = inbox.receive(source="twilio", kind=kind, call_sid=form["CallSid"], payload=form, token=token)
    applied = inbox.process(event_id, _effect, owner=OWNER)
    if applied.first and kind == "voice":
        for waiting in inbox.waiting_for(form["CallSid"]):
            inbox.process(waiting, _effect, owner=OWNER)
    return applied


def apply_event(event_id: int) -> str:
    """Apply a stored event, whoever stored it (the worker and the console replay through this). Returns its answer."""
    return inbox.process(event_id, _effect, owner=OWNER).answer


def _accepted(applied: inbox.Applied) -> Response:
    return Response(status_code=202 if applied.waiting else 204)


def _twiml(answer: str) -> Response:
    return Response(answer, media_type="text/xml")


# --- effects: inside the inbox's transaction, in the name of this module ----------------------------------------------


def _effect(event: ProviderEvent) -> str:
    return _EFFECTS[event.kind](event.payload)


def _voice(form: Mapping[str, Any]) -> str:
    """The call's TwiML: connect the stream with a single-use pass, or refuse a number nobody has."""
    outbound = str(form.get("Direction", "inbound")).startswith("outbound")
    business = businesses.business_for_number(str(form.get("From" if outbound else "To", "")))
    if business is None:
        log.warning("call to an unknown number refused", call_sid=form["CallSid"], to=mask_phone(str(form.get("To"))))
        return _say_and_hang_up(REFUSAL)
    call = call_of(str(form["CallSid"])) or _new_call(form, business, outbound=outbound)
    update_call_status(call.call_sid, str(form.get("CallStatus", "ringing")))
    return _connect(call, business)


def _new_call(form: Mapping[str, Any], business: Business, *, outbound: bool) -> CallLog:
    other = str(form.get("To" if outbound else "From", ""))
    contact = contacts.contact_for(business.id, other)
    call = CallLog(
        call_sid=form["CallSid"],
        parent_call_sid=form.get("ParentCallSid"),
        business_id=business.id,
        contact_id=contact.id if contact else None,
        direction="outbound" if outbound else "inbound",
        twilio_direction=form.get("Direction"),
        from_number=form.get("From"),
        to_number=form.get("To"),
        status=normalised(str(form.get("CallStatus", "ringing"))),
        started_at=ports.current().clock.now(),
    )
    db.session.add(call)
    db.session.flush()
    timeline.append(call.call_sid, "received", {"direction": call.direction}, source="routes_twilio",
                    business_id=business.id)  # fmt: skip
    log.info("call received", call_sid=call.call_sid, business_id=business.id, direction=call.direction,
             caller=mask_phone(call.from_number))  # fmt: skip
    return call


def _connect(call: CallLog, business: Business) -> str:
    response = VoiceResponse()
    connect = Connect(action=_url("/webhook/stream_ended"), method="POST")
    stream = connect.stream(url=ports.current().media_url)
    stream.parameter(name="token", value=stream_tokens.issue(call.call_sid, business.id))
    stream.parameter(name="business_id", value=str(business.id))
    response.append(connect)
    return str(response)


def _call_status(form: Mapping[str, Any]) -> str:
    parent = form.get("ParentCallSid")
    if parent and call_of(str(parent)) is not None:
        timeline.append(str(parent), "leg_status", {"leg": form["CallSid"], "status": form.get("CallStatus")},
                        source="routes_twilio")  # fmt: skip
        return ""
    if call_of(str(form["CallSid"])) is None:
        if _was_refused(str(form["CallSid"])):
            return ""
        raise inbox.NotYet(f"call {form['CallSid']} is not known: its voice webhook has not come")
    seconds = form.get("CallDuration")
    update_call_status(str(form["CallSid"]), str(form["CallStatus"]), int(seconds) if seconds else None)
    return ""


def _recording_status(form: Mapping[str, Any]) -> str:
    call = call_of(str(form["CallSid"]))
    if call is None:
        raise inbox.NotYet(f"call {form['CallSid']} is not known: its voice webhook has not come")
    status = str(form.get("RecordingStatus", ""))
    if call.recording_status in ("completed", "absent", "failed"):
        return ""
    call.recording_status, call.recording_sid = status, form.get("RecordingSid")
    if status == "completed":
        call.recording_url = form.get("RecordingUrl")
        call.recording_duration = int(form.get("RecordingDuration") or 0)
    if status in ("completed", "absent", "failed"):
        timeline.append(call.call_sid, "recording_" + status, {"seconds": call.recording_duration},
                        source="routes_twilio", business_id=call.business_id)  # fmt: skip
        enqueue_call_followup(call.call_sid)
    return ""


def _stream_ended(form: Mapping[str, Any]) -> str:
    """Hang up after a goodbye; a caller whose stream ended without one (a failure, a crash) hears an apology first."""
    query = sa.select(CallEvent.id).where(CallEvent.call_sid == form["CallSid"], CallEvent.kind == "hang_up")
    return _hang_up() if db.session.scalar(query.limit(1)) else _say_and_hang_up(APOLOGY)


_EFFECTS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "voice": _voice,
    "call_status": _call_status,
    "recording_status": _recording_status,
    "stream_ended": _stream_ended,
}


def update_call_status(call_sid: str, status: str, duration: int | None = None) -> bool:
    """Move a call to `status` if the table of transitions allows it, under a row lock; True when it moved.

    ✅ OWNER: Twilio webhooks ONLY (through the inbox; `duration` in seconds)
    ❌ NEVER: from Realtime or workers; they append an event to the inbox
    """
    call = _locked(call_sid)
    new = advance(call.status, status)
    if duration is not None and is_final(normalised(status)) and call.duration is None:
        call.duration = duration
    if new is None:
        return False
    call.status = new
    timeline.append(call_sid, "status", {"status": new}, source="routes_twilio", business_id=call.business_id)
    if is_final(new):
        call.ended_at = ports.current().clock.now()
        log.info("call finished", call_sid=call_sid, status=new, seconds=duration)
        enqueue_call_followup(call_sid)
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
        call.recording_requested_at = ports.current().clock.now()
    problem = _ask_for_recording(call_sid)
    with db.scope(OWNER), db.session.begin():
        if problem is None:
            timeline.append(call_sid, "recording_started", source="routes_twilio", business_id=business.id)
            return
        timeline.append(call_sid, "recording_not_started", {"error": problem}, source="routes_twilio",
                        business_id=business.id)  # fmt: skip
        call = _locked(call_sid)
        call.recording_status = "failed"
    log.error("recording could not be started", call_sid=call_sid, error=problem)


def _ask_for_recording(call_sid: str) -> str | None:
    """Ask the provider; a call that is not in progress yet is asked for again. Returns what went wrong, or None."""
    problem = None
    for wait in RECORDING_RETRY_S:
        time.sleep(wait)
        try:
            ports.current().telephony.start_recording(call_sid, _url("/webhook/recording_status"))
            return None
        except ports.ProviderError as refusal:
            problem = str(refusal)
            if not refusal.retryable:
                break
    return problem


# --- small pieces ----------------------------------------------------------------------------------------------------


def _locked(call_sid: str) -> CallLog:
    call = call_of(call_sid, lock=True)
    if call is None:
        raise LookupError(f"call {call_sid} is not known: its voice webhook has not come")
    return call


def _was_refused(call_sid: str) -> bool:
    query = sa.select(ProviderEvent.id).where(
        ProviderEvent.call_sid == call_sid, ProviderEvent.kind == "voice", ProviderEvent.state == "done"
    )
    return db.session.scalar(query.limit(1)) is not None


def _url(path: str) -> str:
    return ports.current().public_url + path


def _say_and_hang_up(words: str) -> str:
    response = VoiceResponse()
    response.say(words)
    response.hangup()
    return str(response)


def _hang_up() -> str:
    response = VoiceResponse()
    response.hangup()
    return str(response)
