"""What follows a call: its recording is fetched, transcribed and summarised, each once.

A job is a plain function that is given `run`, which makes a step durable: what a step returned is remembered, so a job
that is taken up again after a crash goes on behind the last finished step. Steps may run twice (a crash between effect
and memory), so every effect is conditional on the database: the download on its claim, the transcript and the summary
on being absent.

✅ OWNER: `call_logs.final_transcript`, `transcript_source` and `summary`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, cast

import sqlalchemy as sa

from phoneaudio.wav import WavError
from server import ports
from server.db import acting_as, db
from server.domain.call_ends import LEFT_MESSAGE
from server.domain.call_states import is_final
from server.domain.verdicts import Cancel, Done, Retry, Run, Verdict
from server.logging_setup import get_logger
from server.models_sql import CallLog
from server.ports import ProviderError, RecordingUnavailable
from server.services import job_keys, messages, recording_service, summaries, timeline, transcription
from server.services.open_transactions import open_session
from server.store import calls

log = get_logger(__name__)

OWNER: Final = "server.tasks_recording"
DOWNLOAD: Final = "recording_download"
FOLLOWUP: Final = "call_followup"

FETCH_DELAYS_S: Final = (0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
"""Twilio answers 404 for the first seconds of a recording's life; later delays are for outages."""
CALLBACK_DELAYS_S: Final = (0.5, 1, 2, 4, 8, 15, 30, 60, 120)
MODEL_DELAYS_S: Final = (1, 3, 10, 30, 60, 300)
BUSY_S: Final = 1.0
SETTLE_S: Final = 3.0
"""How long after a call's end its last realtime turns may still be on their way to the database."""
SETTLE_TRIES: Final = 40
_STAMPS: Final = re.compile(r"^\[\d+:\d\d\] \w+: ", re.MULTILINE)
"""A message's recording holds the caller alone, so that who speaks when says nothing."""
REMEDIES: Final = {
    "fetch": "check the Twilio account and RECORDINGS_URL; the transcript is made from what was understood in the call",
    "transcribe": "check the model provider; the transcript is made from what was understood in the call",
    "summarise": "check the model provider and TEXT_MODEL; the call keeps its transcript",
}
"""What to do about a step that failed for good, and what became of the call meanwhile."""


# --- enqueueing ------------------------------------------------------------------------------------------------------


def enqueue_recording_download_only(call_sid: str, recording_url: str, business_id: int) -> bool:
    """Have a recording fetched, and nothing else done with it; True when that was not asked for before.

    ✅ OWNER: edges. Joins the open transaction; where none is open it commits one of its own.
    """
    payload = {"call_sid": call_sid, "recording_url": recording_url, "business_id": business_id}
    session = open_session()
    if session is not None and session.in_transaction():
        return job_keys.enqueue_once(DOWNLOAD, call_sid, payload)
    if session is None:
        with db.scope() as own:
            added = job_keys.enqueue_once(DOWNLOAD, call_sid, payload)
            own.commit()
            return added
    added = job_keys.enqueue_once(DOWNLOAD, call_sid, payload)
    session.commit()
    return added


def enqueue_call_followup(call_sid: str) -> bool:
    """Have a finished call's recording fetched, transcribed and summarised; True when that was not asked for before.

    ✅ OWNER: webhooks, inside the transaction of the event that ended the call or its recording.
    """
    return job_keys.enqueue_once(FOLLOWUP, call_sid, {"call_sid": call_sid})


# --- the jobs --------------------------------------------------------------------------------------------------------


def call_followup(payload: Mapping[str, Any], run: Run) -> Done | Cancel:
    """Recording, transcript, summary. A recording that can't be had leaves the realtime turns as the transcript."""
    call_sid = str(payload["call_sid"])
    run("await recording", lambda tried: await_recording(call_sid, tried))
    run("fetch", lambda tried: fetch(_wanted(call_sid), tried))
    heard = run("transcribe", lambda tried: transcribe(call_sid, tried))
    if isinstance(heard, Cancel):
        heard = run("fall back", lambda tried: fall_back(call_sid, tried))
    if isinstance(heard, Cancel):
        return heard
    if heard.value is not None:
        saved = run("save transcript", lambda _: save_transcript(call_sid, **heard.value))
        if isinstance(saved, Cancel):
            return saved
    run("keep message", lambda _: keep_message(call_sid))
    written = run("summarise", lambda tried: summarise(call_sid, tried))
    if isinstance(written, Done) and written.value is not None:
        run("save summary", lambda _: save_summary(call_sid, written.value))
    return written


def recording_download(payload: Mapping[str, Any], run: Run) -> Done | Cancel:
    """The download step of `call_followup`, alone."""
    call_sid, business_id = str(payload["call_sid"]), int(payload["business_id"])
    wanted = recording_service.Wanted(call_sid, business_id, str(payload["recording_url"]))
    return run("fetch", lambda tried: fetch(wanted, tried))


Job = Callable[[Mapping[str, Any], Run], Done | Cancel]
JOBS: Final[Mapping[str, Job]] = {FOLLOWUP: call_followup, DOWNLOAD: recording_download}
"""Every kind of job; the worker knows no other."""


# --- the steps -------------------------------------------------------------------------------------------------------


def await_recording(call_sid: str, tried: int) -> Verdict:
    """Wait for the callback that says where the recording is; one that is lost is waited for a few minutes."""
    with db.scope(write=False):
        call = calls.call_of(call_sid)
    if call is None or call.recording_requested_at is None or call.recording_url is not None:
        return Done()
    if call.recording_status in ("absent", "failed") or tried >= len(CALLBACK_DELAYS_S):
        return Done()
    return Retry(CALLBACK_DELAYS_S[tried], "the recording's callback has not come")


def fetch(wanted: recording_service.Wanted | None, tried: int) -> Verdict:
    """The one download, unless the recording is here already."""
    if wanted is None or not wanted.url:
        return Cancel("the call has no recording")
    try:
        recording_service.obtain(wanted, wait_s=1.0)
    except recording_service.InProgress as other:
        return Retry(BUSY_S, str(other), counts=False)
    except RecordingUnavailable as problem:
        return _again(wanted.call_sid, "fetch", problem, tried, FETCH_DELAYS_S)
    return Done()


def transcribe(call_sid: str, tried: int) -> Verdict:
    """Transcribe the recording, unless the call has its transcript. Whether the file was cached changes nothing."""
    with db.scope(write=False):
        call = calls.call_of(call_sid)
        if call is None:
            return Cancel(f"call {call_sid} is not known")
        if call.transcript_source is not None:
            return Done()
        business, wanted = calls.business_of(call), _recording_of(call)
        if not recording_service.is_stored(call_sid):
            return Cancel("there is no recording to transcribe")
    try:
        path = recording_service.obtain(wanted, wait_s=1.0)
        keywords = transcription.keywords_for(business)
        with recording_service.held_for_transcription(call_sid):
            text = transcription.transcribe_recording(path, keywords=keywords, language=business.language)
    except recording_service.InProgress as other:
        return Retry(BUSY_S, str(other), counts=False)
    except RecordingUnavailable as problem:
        return _again(call_sid, "transcribe", problem, tried, FETCH_DELAYS_S)
    except ProviderError as problem:
        return _again(call_sid, "transcribe", problem, tried, MODEL_DELAYS_S)
    except WavError as problem:
        return _give_up(call_sid, "transcribe", str(problem))
    if not text and (understood := _turns(call_sid)):
        return Done({"text": understood, "source": "realtime"})
    return Done({"text": text, "source": "recording"})


def fall_back(call_sid: str, tried: int) -> Verdict:
    """The realtime turns as the transcript, once the call is over and its last turns are stored."""
    with db.scope(write=False):
        call = calls.call_of(call_sid)
        if call is None:
            return Cancel(f"call {call_sid} is not known")
        settled = is_final(call.status) and _ended_before(call, SETTLE_S)
        if not settled and tried < SETTLE_TRIES:
            return Retry(SETTLE_S, "the call's last turns may still be on their way")
    text = _turns(call_sid)
    return Done({"text": text or None, "source": "realtime" if text else "failed"})


def summarise(call_sid: str, tried: int) -> Verdict:
    """Write the summary from the final transcript; a call in which nothing was said gets none."""
    with db.scope(write=False):
        call = calls.call_of(call_sid)
    if call is None:
        return Cancel(f"call {call_sid} is not known")
    if call.summary is not None or not call.final_transcript:
        return Done()
    try:
        return Done(summaries.summarise(call.final_transcript))
    except ProviderError as problem:
        return _again(call_sid, "summarise", problem, tried, MODEL_DELAYS_S)


def save_transcript(call_sid: str, text: str | None, source: str) -> Done:
    """Keep the final transcript, unless the call has one; `text` is None where `source` is `failed`.

    ✅ OWNER: `final_transcript` and `transcript_source`, written together, once.
    """
    values = {"final_transcript": text, "transcript_source": source}
    detail = {"source": source, "chars": len(text or "")}
    if _write_once(call_sid, CallLog.transcript_source, values, "transcript_ready", detail):
        log.info("transcript ready", call_sid=call_sid, **detail)
    return Done()


def save_summary(call_sid: str, text: str) -> Done:
    """Keep the summary, unless the call has one.

    ✅ OWNER: `summary`, written once.
    """
    detail = {"chars": len(text)}
    if _write_once(call_sid, CallLog.summary, {"summary": text}, "summary_ready", detail):
        log.info("summary ready", call_sid=call_sid, **detail)
    return Done()


def keep_message(call_sid: str) -> Done:
    """What a caller said after the tone, kept as a message, once; nothing for any other call."""
    with db.scope() as session:
        call = calls.call_of(call_sid)
        if call is None or call.disposition not in LEFT_MESSAGE or call.transcript_source != "recording":
            return Done()
        text = call.final_transcript or ""
        body = _STAMPS.sub("", text) if call.recording_source == "message" else text
        if body.strip():
            messages.take(
                business_id=call.business_id, call_sid=call_sid, request_key=f"{call_sid}:after-the-tone",
                body=body.strip(), customer_name=None, callback_number=call.from_number,
            )  # fmt: skip
            session.commit()
    return Done()


def note_failure(call_sid: str, what: str, error: str) -> None:
    """Say in the call's timeline, in a transaction of its own, what could not be done."""
    with db.scope() as session:
        call = calls.call_of(call_sid)
        timeline.append(call_sid, "job_failed", {"step": what, "error": error}, source="tasks_recording",
                        business_id=call.business_id if call else None)  # fmt: skip
        session.commit()


# --- small pieces ----------------------------------------------------------------------------------------------------


def _write_once(
    call_sid: str, absent: sa.orm.InstrumentedAttribute[Any], values: dict[str, Any], kind: str, detail: dict[str, Any]
) -> bool:
    """Set columns where `absent` is still NULL, with the timeline's line; of two that race, one writes."""
    with db.scope() as session, acting_as(OWNER):
        statement = sa.update(CallLog).where(CallLog.call_sid == call_sid, absent.is_(None)).values(**values)
        written = cast(sa.CursorResult[Any], session.execute(statement)).rowcount == 1
        if written:
            business_id = session.scalar(sa.select(CallLog.business_id).where(CallLog.call_sid == call_sid))
            timeline.append(call_sid, kind, detail, source="tasks_recording", business_id=business_id)
        session.commit()
    return written


def _turns(call_sid: str) -> str:
    """What the realtime model understood, as a transcript."""
    with db.scope(write=False):
        return transcription.transcript_of_turns(calls.turns_of(call_sid))


def _wanted(call_sid: str) -> recording_service.Wanted | None:
    with db.scope(write=False):
        call = calls.call_of(call_sid)
        return _recording_of(call) if call else None


def _recording_of(call: CallLog) -> recording_service.Wanted:
    return recording_service.Wanted(call.call_sid, call.business_id, call.recording_url)


def _ended_before(call: CallLog, seconds: float) -> bool:
    return call.ended_at is None or call.ended_at + timedelta(seconds=seconds) <= ports.current().clock.now()


def _again(
    call_sid: str, what: str, problem: RecordingUnavailable | ProviderError, tried: int, delays: tuple[float, ...]
) -> Verdict:
    """Later, where that may help and was not tried too often."""
    if problem.retryable and tried < len(delays):
        return Retry(delays[tried], str(problem))
    return _give_up(call_sid, what, str(problem))


def _give_up(call_sid: str, what: str, error: str) -> Cancel:
    note_failure(call_sid, what, error)
    log.error("job step failed", call_sid=call_sid, step=what, error=error, remedy=REMEDIES[what])
    return Cancel(error)
