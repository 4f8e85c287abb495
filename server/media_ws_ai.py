"""The media bridge: one phone stream (Twilio Media Streams) and one realtime model session, tied by a `CallSession`.

It carries events in and commands out and decides nothing. μ-law goes through both ways as the base64 it came as.

✅ OWNER: `conversation_turns` (through one bounded, batching writer thread).
❌ NEVER: writes `CallLog.status`, builds a prompt, or touches SQL on the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import picows

from server import ports
from server.config import calls as limits
from server.db import db
from server.domain import commands as do
from server.domain import events as on
from server.domain.call_ends import WITHOUT_AGENT
from server.domain.call_session import SILENCE_MS, CallSession, SessionPlan
from server.domain.call_states import is_final
from server.logging_setup import OncePerCall, fingerprint, get_logger
from server.models_sql import Business, CallLog, Contact
from server.ports.realtime import RealtimeConnection, VoiceConfig
from server.services import call_tools, stream_tokens
from server.services import realtime_prompt_builder as prompts
from server.services.turn_writer import TurnWriter

log = get_logger(__name__)

OWNER: Final = "server.media_ws_ai"
EARLY_FRAMES = 150
"""Caller audio kept while the model is being configured, in frames (3 s at 20 ms)."""
COMPLETION_NET_S = 20.0
"""How long after the stream was closed the provider's final status is waited for before the call is ended by REST; an
apology that Twilio still speaks must fit in."""


class _Start(msgspec.Struct, rename="camel"):
    call_sid: str = ""
    stream_sid: str = ""
    custom_parameters: dict[str, str] = {}


class _Media(msgspec.Struct):
    payload: str = ""


class _Named(msgspec.Struct):
    name: str = ""


class _Key(msgspec.Struct):
    digit: str = ""


class _Frame(msgspec.Struct):
    """A message from Twilio Media Streams, as far as it is read."""

    event: str
    media: _Media | None = None
    mark: _Named | None = None
    start: _Start | None = None
    dtmf: _Key | None = None


_decode = msgspec.json.Decoder(_Frame).decode


@dataclass(frozen=True, slots=True)
class Admission:
    """A stream that showed a valid pass: whose call it is and what the session starts with."""

    call_sid: str
    business_id: int
    plan: SessionPlan
    voice: VoiceConfig


class MediaStream(picows.WSListener):
    """One phone stream, from its socket's opening to its end."""

    def __init__(self, hub: MediaHub) -> None:
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._transport: picows.WSTransport | None = None
        self._bridge: Bridge | None = None
        self._watch: asyncio.TimerHandle | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The socket is open; Twilio must send `start` soon."""
        self._transport = transport
        self._watch = self._loop.call_later(
            limits.STREAM_START_TIMEOUT_S, self.refuse, "no `start` event came", picows.WSCloseCode.POLICY_VIOLATION
        )

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """One message from the phone; audio goes straight on."""
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()
            return
        if frame.msg_type != picows.WSMsgType.TEXT:
            return
        try:
            message = _decode(frame.get_payload_as_memoryview())
        except msgspec.MsgspecError as problem:
            self.refuse(f"malformed media message: {problem}", picows.WSCloseCode.INVALID_TEXT)
            return
        if message.event == "media":
            if self._bridge is not None and message.media is not None:
                self._bridge.caller_audio(message.media.payload)
            return
        self._control(message)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The socket is gone, however it went."""
        if self._watch is not None:
            self._watch.cancel()
        if self._bridge is not None:
            self._bridge.happened(on.StreamStopped())
            self._bridge.stream_closed()

    def refuse(self, why: str, code: picows.WSCloseCode) -> None:
        """Close a stream that can't be served, with the reason in the close frame and one line in the log."""
        if self._transport is None or self._transport.is_close_frame_sent:
            return
        log.warning("media stream refused", why=why, call_sid=self._bridge.call_sid if self._bridge else None)
        if self._bridge is not None:
            self._bridge.happened(on.ModelFailed("bad_stream", why, fatal=True))
        self._transport.send_close(code, why[:120].encode())
        self._transport.disconnect()

    def _control(self, message: _Frame) -> None:
        if message.event == "start" and message.start is not None and self._bridge is None:
            self._started(message.start)
        elif self._bridge is None:
            return
        elif message.event == "mark" and message.mark is not None:
            self._bridge.happened(on.MarkReturned(message.mark.name))
        elif message.event == "stop":
            self._bridge.happened(on.StreamStopped())
        elif message.event == "dtmf" and message.dtmf is not None:
            self._bridge.happened(on.Dtmf(message.dtmf.digit))

    def _started(self, start: _Start) -> None:
        assert self._transport is not None
        if self._watch is not None:
            self._watch.cancel()
        self._bridge = Bridge(self._hub, self._transport, start.stream_sid, start.call_sid)
        self._hub.spawn(self._admit(self._bridge, start.custom_parameters.get("token", "")))

    async def _admit(self, bridge: Bridge, token: str) -> None:
        """Check the pass in a thread (SQL never runs on the event loop), then start the call."""
        try:
            admission = await asyncio.to_thread(admit, token, bridge.call_sid)
            if admission is not None:
                await bridge.run(admission)
                return
        except Exception as problem:
            # The connection's edge: a caller must never sit in silence because of an error nobody foresaw.
            log.error("call could not be started", call_sid=bridge.call_sid, error=repr(problem), exc_info=problem)
            self.refuse("the call could not be started; see the server's log", picows.WSCloseCode.INTERNAL_ERROR)
            return
        self.refuse("the stream's token is wrong, used or expired", picows.WSCloseCode.POLICY_VIOLATION)


class Bridge:
    """One call in progress: the two sockets, the clock and the session between them."""

    def __init__(self, hub: MediaHub, phone: picows.WSTransport, stream_sid: str, call_sid: str) -> None:
        self.call_sid = call_sid
        self._hub = hub
        self._phone = phone
        self._zero = time.monotonic()
        self._session: CallSession | None = None
        self._model: RealtimeConnection | None = None
        self._admission: Admission | None = None
        self._early: list[str] = []
        self._live = False
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._once = OncePerCall()
        self._media_head = '{"event":"media","streamSid":"' + stream_sid + '","media":{"payload":"'
        self._mark_head = '{"event":"mark","streamSid":"' + stream_sid + '","mark":{"name":"'
        self._clear = ('{"event":"clear","streamSid":"' + stream_sid + '"}').encode()

    def now_ms(self) -> float:
        """Milliseconds since the stream started."""
        return (time.monotonic() - self._zero) * 1000

    async def run(self, admission: Admission) -> None:
        """Connect the model and let the session begin."""
        if self._closed:
            return
        self._admission = admission
        self._session = CallSession(admission.plan)
        self._hub.active[self.call_sid] = self
        realtime = ports.current().realtime
        assert realtime is not None, "bootstrap installs the realtime port in every server process"
        log.info(
            "call answered", call_sid=self.call_sid, business_id=admission.business_id,
            prompt=fingerprint(admission.voice.instructions),
        )  # fmt: skip
        try:
            model = await realtime.connect(admission.voice, self)
        except ports.ProviderError as problem:
            log.error("realtime model unavailable", call_sid=self.call_sid, error=str(problem))
            self.happened(on.ModelFailed("connect_failed", str(problem), fatal=True))
            return
        self._model = model
        if self._over():
            model.close()
            return
        self._do(self._session.start(self.now_ms()))

    # --- the hot path -------------------------------------------------------------------------------------------

    def _over(self) -> bool:
        """The phone may have gone while the model was being connected."""
        return self._closed

    def caller_audio(self, payload: str) -> None:
        """A frame from the phone: to the model as it is."""
        if self._live:
            self._model.caller_audio(payload)  # type: ignore[union-attr]
        elif len(self._early) < EARLY_FRAMES and not self._closed:
            self._early.append(payload)

    def agent_audio(self, item_id: str, payload: str) -> None:
        """Audio from the model: to the phone as it is, with a mark behind it."""
        session = self._session
        if session is None or self._closed:
            return
        mark = session.agent_audio(item_id, len(payload) * 3 // 4 - payload.count("=", -2), self.now_ms())
        if mark is None:
            return
        send = self._phone.send
        send(picows.WSMsgType.TEXT, (self._media_head + payload + '"}}').encode())
        send(picows.WSMsgType.TEXT, (self._mark_head + mark + '"}}').encode())

    # --- events and commands ------------------------------------------------------------------------------------

    def model_event(self, event: on.Event) -> None:
        """Something happened at the model."""
        if isinstance(event, on.ModelFailed) and self._once.once(event.code):
            log.warning("realtime model error", call_sid=self.call_sid, code=event.code, error=event.message)
        self.happened(event)

    def happened(self, event: on.Event) -> None:
        """Let the session decide about an event, and do what it wants."""
        if self._session is None:
            return
        self._do(self._session.handle(event, self.now_ms()))
        if self._session.configured and self._model is not None and not (self._live or self._closed):
            self._go_live()

    def _go_live(self) -> None:
        self._live = True
        for payload in self._early:
            self._model.caller_audio(payload)  # type: ignore[union-attr]
        self._early.clear()

    def _do(self, commands: list[do.Command]) -> None:
        for command in commands:
            self._do_one(command)
        self._set_timer()

    def _do_one(self, command: do.Command) -> None:
        assert self._admission is not None
        match command:
            case do.RecordTurn() | do.Note():
                self._hub.writer.put(self.call_sid, self._admission.business_id, command)
            case do.ClearPlayback():
                if not self._closed:
                    self._phone.send(picows.WSMsgType.TEXT, self._clear)
            case do.RunTool():
                self._hub.spawn(self._run_tool(command))
            case do.HangUp():
                self._hub.spawn(self._hang_up(command.reason))
            case _:
                self._tell_model(command)

    def _tell_model(self, command: do.Command) -> None:
        if self._model is None or self._closed:
            return
        match command:
            case do.CreateResponse():
                self._model.create_response(command.instructions, tools=command.tools)
            case do.AddContext():
                self._model.add_context(command.text)
            case do.ReturnToolOutput():
                self._model.return_tool_output(command.call_id, command.output)
            case do.Truncate():
                self._model.truncate(command.item_id, command.audio_end_ms)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._session.next_deadline_ms if self._session else None
        if due is not None and not self._closed:
            delay = max(0.0, (due - self.now_ms()) / 1000)
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        assert self._session is not None
        self._do(self._session.tick(self.now_ms()))

    async def _run_tool(self, command: do.RunTool) -> None:
        assert self._admission is not None
        output = await asyncio.to_thread(
            call_tools.run_tool,
            business_id=self._admission.business_id,
            call_sid=self.call_sid,
            tool_call_id=command.call_id,
            name=command.name,
            arguments=command.arguments,
        )
        self.happened(on.ToolFinished(command.call_id, output))

    # --- the end ------------------------------------------------------------------------------------------------

    async def _hang_up(self, reason: str) -> None:
        """Close the stream, so that Twilio goes on after `<Connect>`; what was said is stored before that."""
        log.info("hanging up", call_sid=self.call_sid, reason=reason)
        await self._hub.writer.flush()
        if not self._closed:
            self._phone.send_close(picows.WSCloseCode.OK, b"the call is over")
            self._phone.disconnect()
        await asyncio.sleep(COMPLETION_NET_S)
        await asyncio.to_thread(complete_if_open, self.call_sid)

    def stream_closed(self) -> None:
        """The phone's socket is gone: let go of everything."""
        if self._closed:
            return
        self._closed, self._live = True, False
        self._early.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._model is not None:
            self._model.close()
        if self._hub.active.pop(self.call_sid, None) is not None:
            log.info("call ended", call_sid=self.call_sid, seconds=round(self.now_ms() / 1000, 1))


class MediaHub:
    """The media bridge of one process: its calls in progress, their tasks, and the turn writer."""

    def __init__(self) -> None:
        self.active: dict[str, Bridge] = {}
        self.writer = TurnWriter(lambda: db.scope(OWNER))
        self._tasks: set[asyncio.Task[None]] = set()

    def open_stream(self) -> MediaStream:
        """A listener for a new media socket."""
        return MediaStream(self)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a call's side task; its failure is logged, once, here."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def close(self) -> None:
        """Store what is still to be stored and stop the writer."""
        for task in tuple(self._tasks):
            task.cancel()
        await self.writer.flush()
        self.writer.stop()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("a call's task failed", error=repr(problem), exc_info=problem)


def admit(token: str, call_sid: str) -> Admission | None:
    """Use up the stream's pass and collect what the call starts with; None for a pass that is no good."""
    business_id = stream_tokens.redeem(token, call_sid)
    if business_id is None:
        return None
    with db.scope(write=False):
        call = CallLog.query.filter_by(call_sid=call_sid).one()
        business = Business.query.filter_by(id=business_id).one()
        contact = db.session.get(Contact, call.contact_id) if call.contact_id else None
        now = ports.current().clock.now()
        plan = SessionPlan(
            greeting=prompts.greeting_instruction(business_id, call.direction),
            context=prompts.caller_context(business_id, contact, now),
            first_audio_ms=int(limits.FIRST_AUDIO_TIMEOUT_S * 1000),
            drain_grace_ms=int(limits.DRAIN_GRACE_S * 1000),
            limit_ms=limits.CALL_LIMIT_S * 1000,
        )
        voice = VoiceConfig(
            instructions=prompts.instructions_for_call(call),
            tools=call_tools.tool_specs(business_id),
            voice=business.voice,
            language=business.language,
            silence_ms=SILENCE_MS,
        )
        return Admission(call_sid, business_id, plan, voice)


def complete_if_open(call_sid: str) -> None:
    """The net under the hang-up: a call the provider has not finished by now is completed by REST."""
    with db.scope(write=False):
        call = CallLog.query.filter_by(call_sid=call_sid).first()
        if call is None or is_final(call.status) or call.disposition in WITHOUT_AGENT:
            return
    try:
        ports.current().telephony.end_call(call_sid)
    except ports.ProviderError as problem:
        log.error("call could not be ended by REST", call_sid=call_sid, error=str(problem))
