"""One leg of a call, as Twilio acts it: ring, ask the server for TwiML, carry it out, report every status, hang up."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Any, assert_never

from simulator.clock import Clock, utc_now
from simulator.journal import Journal
from simulator.line import Line
from simulator.places import Places
from simulator.plan import CallPlan, Voice
from simulator.recordings import Recorder
from simulator.records import CallRecord, RecordingRecord, RecordingRequest, rfc2822
from simulator.report import Said
from simulator.signing import Signer
from simulator.stream import MediaStream, StreamRefused, open_stream
from simulator.twiml import (
    ConnectStream,
    Document,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    StartRecording,
    TwimlError,
    Unsupported,
    parse_twiml,
)
from simulator.webhooks import Answer, Courier

MAX_DOCUMENTS = 30
_SAY_MS_PER_CHARACTER = 60
_SIP_CODES = {"completed": "200", "busy": "486", "no-answer": "480", "canceled": "487", "failed": "500"}


class CallBroken(Exception):
    """The call cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a call's first TwiML comes from, and where its statuses go (public URLs)."""

    url: str = ""
    twiml: str = ""
    method: str = "POST"
    status_callback: str = ""
    status_method: str = "POST"
    status_events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _HangUp:
    by: str


@dataclass(frozen=True, slots=True)
class _GoTo:
    url: str
    twiml: str
    method: str


@dataclass(slots=True)
class Equipment:
    """What a leg works with; the stand-in puts it together."""

    clock: Clock
    journal: Journal
    courier: Courier
    line: Line
    recorder: Recorder
    signer: Signer
    places: Places
    voice: Voice | None


class CallLeg:
    """✅ OWNER: the call's status and its record. REST updates enter by `redirect` and `hang_up`.

    ❌ NEVER: change the record from outside.
    """

    def __init__(
        self,
        plan: CallPlan,
        record: CallRecord,
        entry: Entry,
        kit: Equipment,
        recording: RecordingRequest | None = None,
    ) -> None:
        self.plan, self.record, self.entry = plan, record, entry
        self._record_from_answer = recording
        self.journal, self.line, self.recorder = kit.journal, kit.line, kit.recorder
        self._kit, self._courier, self._clock = kit, kit.courier, kit.clock
        self._orders: asyncio.Queue[_HangUp | _GoTo] = asyncio.Queue()
        self._sequence = 0
        self._answered_at: float | None = None
        self._streamed = False
        self._documents = 0
        self._words: list[str] = []

    @property
    def streamed(self) -> bool:
        """Whether a media stream was opened."""
        return self._streamed

    # What REST may ask for.

    def redirect(self, *, url: str = "", twiml: str = "", method: str = "POST") -> None:
        """Leave the TwiML that is being carried out, for another."""
        self._orders.put_nowait(_GoTo(url, twiml, method))

    def hang_up(self, by: str) -> None:
        """End the call."""
        self._orders.put_nowait(_HangUp(by))

    def start_recording(self, request: RecordingRequest) -> RecordingRecord:
        """Record from now on; only a call in progress can be recorded."""
        return self.recorder.start(request)

    def stop_recording(self, record: RecordingRecord) -> None:
        """End a recording before the call ends."""
        self.recorder.stop(record)

    # The call.

    async def run(self) -> None:
        """Carry the call through to its end, callbacks included. Never raises for what the server does wrong."""
        try:
            document = await self._ring()
            if document is not None:
                await self._talk(document)
        except (CallBroken, TwimlError) as problem:
            self.journal.fail(str(problem))
            if not self.record.final:
                self._set_status("failed")
        self.recorder.finish()
        await self._courier.drain()

    async def _ring(self) -> Document | None:
        outbound = self.record.direction != "inbound"
        self._set_status("queued" if outbound else "ringing", event="initiated", call_status="initiated")
        self._set_status("ringing", event="ringing")
        if outbound:
            await self._clock.sleep_until(self._clock.now() + self.plan.ring_s)
        result = self.plan.faults.ring_result()
        if result != "answered" or not self._orders.empty():
            self._set_status(result if result != "answered" else "canceled")
            self.journal.report.fail(f"the call was not answered ({self.record.status})", "refused")
            return None
        if outbound:
            self._answer()
        return await self._first_document()

    async def _first_document(self) -> Document | None:
        if self.entry.twiml:
            document = parse_twiml(self.entry.twiml, self.entry.url)
        else:
            document = await self._fetch("voice", self.entry.url, self.entry.method)
        if document.verbs and isinstance(document.verbs[0], Reject):
            reason = document.verbs[0].reason
            self._set_status("busy" if reason == "busy" else "no-answer")
            self.journal.report.fail(f"the server rejected the call ({reason})", "refused")
            return None
        return document

    async def _talk(self, document: Document) -> None:
        if self._answered_at is None:
            self._answer()
        line = asyncio.create_task(self.line.run())
        watch = [asyncio.create_task(self._watch_caller()), asyncio.create_task(self._watch_limit())]
        if self._record_from_answer is not None:
            self.recorder.start(self._record_from_answer)
        try:
            ended_by = await self._carry_out(document, line)
        finally:
            await _stop(line, *watch)
            await self.line.close()
        self._finish(ended_by)

    async def _carry_out(self, document: Document, line: asyncio.Task[None]) -> str:
        """Act out documents until one ends the call. Returns who ended it."""
        acting = asyncio.create_task(self._act(document))
        order = asyncio.create_task(self._orders.get())
        try:
            while True:
                await asyncio.wait({acting, order, line}, return_when=asyncio.FIRST_COMPLETED)
                if line.done():
                    line.result()
                if not order.done():
                    return acting.result()
                await _stop(acting)
                command = order.result()
                if isinstance(command, _HangUp):
                    return command.by
                acting = asyncio.create_task(self._go_to(command))
                order = asyncio.create_task(self._orders.get())
        finally:
            await _stop(acting, order)

    async def _go_to(self, command: _GoTo) -> str:
        if command.twiml:
            return await self._act(parse_twiml(command.twiml, self.entry.url))
        return await self._act(await self._fetch("redirect", command.url, command.method))

    async def _act(self, document: Document | None) -> str:
        """Carry out a document and those it leads to."""
        while document is not None:
            self._documents += 1
            if self._documents > MAX_DOCUMENTS:
                raise CallBroken(
                    f"more than {MAX_DOCUMENTS} TwiML documents in one call; do they redirect in a circle?"
                )
            document = await self._act_out(document)
        return "server"

    async def _act_out(self, document: Document) -> Document | None:
        for verb in document.verbs:
            if isinstance(verb, Hangup | Reject):
                return None
            if isinstance(verb, Redirect):
                return await self._fetch("redirect", verb.url, verb.method)
            if isinstance(verb, ConnectStream):
                following = await self._connect(verb)
                if following is not None:
                    return following
            else:
                await self._perform(verb)
        return None

    async def _perform(self, verb: Say | Pause | Play | StartRecording | Unsupported) -> None:
        match verb:
            case Say():
                await self._say(verb)
            case Pause():
                await self._clock.sleep_until(self._clock.now() + verb.seconds)
            case Play():
                self.journal.warn(f"<Play> is not acted out; {verb.url} was skipped")
            case StartRecording():
                channels = 2 if verb.channels == "dual" and verb.track == "both" else 1
                self.recorder.start(
                    RecordingRequest(
                        "StartCallRecordingTwiML", channels, verb.track, verb.callback, verb.method, verb.events
                    )
                )
            case Unsupported():
                self.journal.warn(f"<{verb.verb}> is not acted out: {verb.why}")
            case _:
                assert_never(verb)

    async def _say(self, verb: Say) -> None:
        if self._kit.voice is None:
            audio = b"\xff" * (len(verb.text) * _SAY_MS_PER_CHARACTER * 8)
        else:
            audio = await asyncio.to_thread(self._kit.voice.speak, verb.text)
        now = self.journal.now_ms()
        self._words.append(verb.text)
        self.journal.report.said["agent"].append(Said(now, now + len(audio) // 8, verb.text, "say"))
        self.journal.note("twilio_says", text=verb.text, language=verb.language, voice=verb.voice)
        self.line.play(audio)
        await self.line.played_out()

    async def _connect(self, verb: ConnectStream) -> Document | None:
        """Run a media stream until the server closes it; then the action's TwiML, if there is an action."""
        kit = self._kit
        try:
            stream = await open_stream(
                verb, (self.record.account_sid, self.record.sid), self.line, self.journal, kit.signer, kit.places,
                self.plan.faults,
            )  # fmt: skip
        except StreamRefused as problem:
            self._tell_stream(verb, "", "stream-error", str(problem))
            raise CallBroken(str(problem)) from problem
        self._streamed = True
        self.journal.note("stream_connected", sid=stream.sid, url=verb.url)
        self._tell_stream(verb, stream.sid, "stream-started")
        try:
            await self._listen(stream)
        finally:
            self._tell_stream(verb, stream.sid, "stream-stopped")
        if not verb.action:
            return None
        extra = {"StreamSid": stream.sid, "StreamName": verb.name}
        return await self._fetch("action", verb.action, verb.method, extra)

    async def _listen(self, stream: MediaStream) -> None:
        self.line.attach(stream)
        try:
            await stream.closed.wait()
        finally:
            self.line.attach(None)
            self.line.drop()
            await stream.stop()
        if stream.fault:
            self.journal.fail(stream.fault)
        self.journal.note("stream_closed", sid=stream.sid, fault=stream.fault)

    def _tell_stream(self, verb: ConnectStream, sid: str, event: str, error: str = "") -> None:
        if not verb.status_callback:
            return
        params = {
            "AccountSid": self.record.account_sid,
            "CallSid": self.record.sid,
            "StreamSid": sid,
            "StreamName": verb.name or sid,
            "StreamEvent": event,
            "Timestamp": utc_now().isoformat(),
        }
        if error:
            params["StreamError"] = error
        self._courier.tell("stream", verb.status_callback, params, verb.status_callback_method)

    async def _fetch(self, kind: str, url: str, method: str, extra: dict[str, str] | None = None) -> Document:
        answer = await self._courier.ask(kind, url, self.record.webhook_params() | (extra or {}), method)
        if not answer.ok:
            raise CallBroken(f"the {kind} webhook {url} {_why(answer)}")
        if not answer.body.strip():
            return Document([], url)
        return parse_twiml(answer.body, url)

    # Statuses.

    async def _watch_caller(self) -> None:
        await self.line.caller_left.wait()
        self.hang_up("caller")

    async def _watch_limit(self) -> None:
        await self._clock.sleep_until(self._clock.now() + self.plan.time_limit_s)
        self.journal.warn(f"the call's time limit of {self.plan.time_limit_s:.0f} s was reached")
        self.hang_up("time limit")

    def _answer(self) -> None:
        self._answered_at = self._clock.now()
        self.record.started = utc_now()
        self._set_status("in-progress", event="answered")

    def _finish(self, ended_by: str) -> None:
        self.journal.report.call.ended_by = ended_by
        if not self._streamed:
            words = f": {' '.join(self._words)!r}" if self._words else ""
            self.journal.report.fail(
                f"the {ended_by} ended the call before a media stream was connected{words}", "refused"
            )
        self._set_status("completed")

    def _set_status(self, status: str, *, event: str = "completed", call_status: str = "") -> None:
        """Move the record on and tell the status callback, if it wants to know."""
        self.record.status = status
        shown = call_status or status
        extra: dict[str, str] = {}
        if self.record.final:
            self.record.ended = utc_now()
            talked = self._clock.now() - self._answered_at if self._answered_at is not None else 0.0
            self.record.duration_s = self.journal.report.call.duration_s = math.ceil(talked)
            extra = {"CallDuration": str(self.record.duration_s), "SipResponseCode": _SIP_CODES[status]}
        self.journal.report.call.statuses.append({"status": shown, "at_ms": self.journal.now_ms()})
        self.journal.note("status", status=shown, call_sid=self.record.sid)
        if not self.entry.status_callback or event not in self.entry.status_events:
            return
        params = self.record.webhook_params() | extra
        params |= {
            "CallStatus": shown,
            "Timestamp": rfc2822(utc_now()) or "",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence),
        }
        self._sequence += 1
        self._courier.tell("status", self.entry.status_callback, params, self.entry.status_method)


def _why(answer: Answer) -> str:
    if answer.status == 0:
        return f"was not answered: {answer.error}"
    return f"answered {answer.status}: {answer.body[:200].decode('utf-8', 'replace')!r}"


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
