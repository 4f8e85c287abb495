"""The jobs around a call in progress: dialling what was requested, talking to a machine that answered, reconciling.

Every effect is marked in SQL before the provider is asked, and what the provider says about a call goes into the inbox,
from where the webhooks' own function applies it.

❌ NEVER: writes a call's status; it appends events with `source` `api` or `reconciler`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from server import ports
from server.db import db
from server.domain.call_states import is_final
from server.domain.jobs import DIAL, MACHINE_MESSAGE, RECONCILE
from server.domain.verdicts import Cancel, Done, Retry, Run, Verdict
from server.logging_setup import get_logger
from server.models_sql import OutboundCall
from server.ports import CallNotPlaced, CallOrder, ProviderError
from server.services import call_twiml, capacity, inbox, job_keys, outbound_calls, reconciling, timeline
from server.services.outbound_calls import REQUEST_FIELD
from server.store import calls

log = get_logger(__name__)

IN_DOUBT_DELAYS_S: Final = (2, 5, 15, 30, 60, 120)
"""Between looking for a call whose placing was not answered."""
AGAIN_S: Final = (2, 5, 10, 20, 30, 60)
"""How long to leave the provider alone after it had too many calls of us, where it does not say."""
MACHINE_DELAYS_S: Final = (0.5, 1, 2)
"""A machine records silence meanwhile, so the tries are few and close."""

AT_ONCE: Final = 20
"""Calls that the provider is asked about, and requests that are put right, in one run."""
REPLAYS_AT_ONCE: Final = 50


# --- enqueueing ------------------------------------------------------------------------------------------------------


def enqueue_dial(request: OutboundCall, *, delay_s: float = 0.0) -> bool:
    """Have a requested call dialled, in the open transaction; the next try of it is another job.

    ✅ OWNER: whoever queued the request, in the same transaction.
    """
    key = f"{request.request_id}:{request.attempts}"
    return job_keys.enqueue_once(DIAL, key, {"request_id": request.request_id}, delay_s=delay_s)


def enqueue_machine_message(call_sid: str) -> bool:
    """Have an answering machine told the message, or hung up on, once per call."""
    return job_keys.enqueue_once(MACHINE_MESSAGE, call_sid, {"call_sid": call_sid})


def wake_waiting(business_id: int) -> None:
    """A line is free: have the longest waiting request of the business dialled, and that of the installation.

    The line may be the business's last or the installation's. Joins the open transaction that gave the line back.
    """
    for wanted in (business_id, None):
        request = outbound_calls.next_waiting(wanted)
        if request is not None:
            enqueue_dial(request)


# --- dialling --------------------------------------------------------------------------------------------------------


def dial(payload: Mapping[str, Any], run: Run) -> Done | Cancel:
    """Dial one requested call, never twice."""
    request_id = str(payload["request_id"])
    return run("dial", lambda tried: dial_once(request_id, tried))


def dial_once(request_id: str, tried: int) -> Verdict:
    """One try. A request that was marked as dialled before is looked for at the provider first."""
    with db.scope() as session:
        claimed = outbound_calls.claim(request_id)
        if isinstance(claimed, outbound_calls.Settled) and claimed.expired:
            wake_waiting(claimed.business_id)  # the line that it was woken for
        session.commit()
    match claimed:
        case outbound_calls.Settled():
            return Done()
        case outbound_calls.Postponed(wait_s=None):
            return Done("waits for a free line")
        case outbound_calls.Postponed(wait_s=seconds):
            return Retry(seconds or 0.0, "another dialler has it", counts=False)
        case outbound_calls.Claim():
            return _dial_claimed(claimed, tried)


def _dial_claimed(claimed: outbound_calls.Claim, tried: int) -> Verdict:
    request = claimed.request
    try:
        sid = _found(claimed) if claimed.before is not None else None
        if sid is None:
            sid = ports.current().telephony.place_call(order_of(request))
    except CallNotPlaced as problem:
        return _not_placed(request, problem)
    except ProviderError as problem:
        return _in_doubt(request, problem, tried)
    _placed(request, sid)
    return Done(sid)


def order_of(request: OutboundCall) -> CallOrder:
    """What the provider is asked. Each address carries the request's id: the first event may come before the answer.

    The fragment has Twilio try again where we could not answer; it is no part of the signature.
    """

    def address(path: str, fragment: str = "") -> str:
        return call_twiml.url(f"{path}?request={request.request_id}{fragment}")

    retried = "#rc=3&rp=5xx,ct,rt"
    return CallOrder(
        to=request.to_number,
        from_=request.from_number,
        voice_url=address("/webhook/voice"),
        status_url=address("/webhook/call_status", retried),
        ring_timeout_s=request.ring_timeout_s,
        time_limit_s=request.time_limit_s,
        machine_url=address("/webhook/amd", retried) if request.machine_detection else None,
    )


def _found(claimed: outbound_calls.Claim) -> str | None:
    """A call of an earlier try whose answer was lost: between these numbers, made since, and nobody else's."""
    request, since = claimed.request, claimed.before
    assert since is not None
    facts = ports.current().telephony.find_calls(to=request.to_number, from_=request.from_number, since=since)
    with db.scope(write=False):
        ours = [fact.sid for fact in facts if outbound_calls.of_call(fact.sid) is None]
    return ours[0] if ours else None


def _placed(request: OutboundCall, sid: str) -> None:
    """The call's first status is an event like all others, however late it comes among them."""
    payload = {
        "CallSid": sid, "CallStatus": "initiated", "From": request.from_number, "To": request.to_number,
        "Direction": "outbound-api", REQUEST_FIELD: request.request_id,
    }  # fmt: skip
    token = f"{request.request_id}:{sid}"
    inbox.report(source="api", kind="call_status", call_sid=sid, payload=payload, token=token)


def _not_placed(request: OutboundCall, problem: CallNotPlaced) -> Verdict:
    with db.scope() as session:
        if problem.retryable:
            attempts = outbound_calls.postpone(request.request_id, str(problem))
            delay = problem.delay_s or AGAIN_S[min(attempts, len(AGAIN_S) - 1)]
            row = calls.request_of(request.request_id)
            assert row is not None
            enqueue_dial(row, delay_s=delay)
            session.commit()
            return Done(f"later: {problem}")
        outbound_calls.refuse(request.request_id, str(problem))
        wake_waiting(request.business_id)
        session.commit()
    log.warning("call refused by the provider", request_id=request.request_id, error=str(problem))
    return Cancel(str(problem))


def _in_doubt(request: OutboundCall, problem: ProviderError, tried: int) -> Verdict:
    """It may have been dialled or not: nothing is dialled before that is known."""
    with db.scope() as session:
        if tried < len(IN_DOUBT_DELAYS_S):
            outbound_calls.doubt(request.request_id, str(problem))
            session.commit()
            return Retry(IN_DOUBT_DELAYS_S[tried], str(problem))
        outbound_calls.refuse(request.request_id, str(problem))
        wake_waiting(request.business_id)
        session.commit()
    log.error("call could not be placed", request_id=request.request_id, error=str(problem),
              remedy="check the Twilio account and its API; ask again with another dedup_key")  # fmt: skip
    return Cancel(str(problem))


# --- answering machines ----------------------------------------------------------------------------------------------


def machine_message(payload: Mapping[str, Any], run: Run) -> Done | Cancel:
    """After the beep: say the voicemail message and hang up; without a message, hang up."""
    call_sid = str(payload["call_sid"])
    return run("machine message", lambda tried: tell_machine(call_sid, tried))


def tell_machine(call_sid: str, tried: int) -> Verdict:
    """One try. The provider's own detection decided that a machine listens, never what was said."""
    with db.scope(write=False):
        call = calls.call_of(call_sid)
        if call is None or is_final(call.status):
            return Cancel("the call has ended")
        request = outbound_calls.of_call(call_sid)
        words = outbound_calls.voicemail_words(request, calls.business_of(call)) if request else None
    if call.answered_by == "fax":
        words = None
    try:
        if words is None:
            ports.current().telephony.end_call(call_sid)
        else:
            ports.current().telephony.redirect_call(call_sid, call_twiml.say_and_hang_up(words))
    except ProviderError as problem:
        if problem.retryable and tried < len(MACHINE_DELAYS_S):
            return Retry(MACHINE_DELAYS_S[tried], str(problem))
        return Cancel(str(problem))
    kind = "machine_hung_up" if words is None else "machine_message"
    with db.scope() as session:
        timeline.append(call_sid, kind, source="tasks_calls", business_id=call.business_id)
        session.commit()
    return Done()


# --- reconciling -----------------------------------------------------------------------------------------------------


def reconcile(payload: Mapping[str, Any], run: Run) -> Done | Cancel:
    """Once a minute: whatever was lost on the way (callbacks, jobs, processes) is found and put right."""
    return run("reconcile", lambda _: reconcile_once())


def reconcile_once() -> Verdict:
    """Bounded in each of its parts; what is left is for the next minute."""
    with db.scope() as session:
        freed = capacity.release_expired()
        outbound_calls.refuse_expired(AT_ONCE)
        for request in outbound_calls.stranded(AT_ONCE):
            enqueue_dial(request)
        for business_id in outbound_calls.businesses_waiting(AT_ONCE):
            wake_waiting(business_id)
        session.commit()
    learned = _ask_provider()
    replayed = _replay()
    return Done({"lines": len(freed), "calls": learned, "events": replayed})


def _ask_provider() -> int:
    """Ask what became of calls that should have ended. A provider that can't be reached is left alone for a while."""
    now = ports.current().clock.now()
    if _provider.rests_until is not None and now < _provider.rests_until:
        return 0
    finished = []
    for doubt in reconciling.doubtful(AT_ONCE):
        try:
            learned = reconciling.ask(doubt)
        except ProviderError as problem:
            _provider.failed(now, str(problem))
            break
        _provider.rests_until, _provider.failures = None, 0
        if learned is not None:
            inbox.report(source="reconciler", kind="call_status", call_sid=doubt.call_sid, payload=learned,
                         token=f"{doubt.call_sid}:{learned['CallStatus']}")  # fmt: skip
            finished += [doubt.call_sid] if is_final(str(learned["CallStatus"])) else []
    if finished:
        log.warning("calls whose end was not reported are finished now", calls=finished,
                    remedy="check that Twilio reaches PUBLIC_URL/webhook/call_status")  # fmt: skip
    return len(finished)


def _replay() -> int:
    """Apply events again that failed, or that nobody finished; one that goes on failing is left for a person."""
    apply = ports.current().apply_event
    assert apply is not None, "bootstrap installs the status owner's function in every process"
    events = inbox.due(REPLAYS_AT_ONCE)
    for event_id in events:
        try:
            apply(event_id)
        except Exception as problem:  # noqa: BLE001 - the event's edge: it keeps its error, and the next has its turn
            if (event := inbox.given_up(event_id)) is not None:
                log.error("provider event given up", event_id=event_id, kind=event.kind, call_sid=event.call_sid,
                          error=repr(problem), remedy="see provider_events")  # fmt: skip
    return len(events)


class _Provider:
    """When the provider may be asked again. Politeness, and so a process's own: nothing is decided by it."""

    def __init__(self) -> None:
        self.failures = 0
        self.rests_until: datetime | None = None

    def failed(self, now: datetime, why: str) -> None:
        """It can't be reached: each time twice as long, up to a quarter of an hour."""
        self.failures += 1
        self.rests_until = now + timedelta(minutes=min(2**self.failures, 15))
        if self.failures == 1:
            log.error("the provider can't be asked about calls", error=why, remedy="check the Twilio account")


_provider = _Provider()


Job = Callable[[Mapping[str, Any], Run], Done | Cancel]
JOBS: Final[Mapping[str, Job]] = {DIAL: dial, MACHINE_MESSAGE: machine_message, RECONCILE: reconcile}
"""Every kind of job here."""
