"""The media socket of the phone (Twilio Media Streams): its calls, and the writer of what is said in them.

`server.media.bridge` ties a stream to the realtime model; `server.domain.call_session` decides. μ-law goes through both
ways as the base64 it came as.

✅ OWNER: `conversation_turns` (through one bounded, batching writer thread).
❌ NEVER: writes `CallLog.status`, builds a prompt, or touches SQL on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import msgspec
import picows

from server import metrics, ports
from server.config import calls as limits
from server.db import db
from server.domain import events as on
from server.domain.call_ends import WITHOUT_AGENT
from server.domain.call_states import is_final
from server.domain.session_plan import PastTurn, SessionPlan
from server.logging_setup import get_logger
from server.media import wire
from server.media.bridge import Admission, Bridge, Transferring
from server.models_sql import Business, CallLog, Contact, ConversationTurn, Transfer
from server.ports.realtime import VoiceConfig
from server.services import call_tools, call_transfer, stream_tokens, transfers, voice_clips
from server.services import realtime_prompt_builder as prompts
from server.services.turn_writer import TurnWriter
from server.services.voice_clips import VoiceClips
from server.store.calls import turns_of

log = get_logger(__name__)

OWNER: Final = "server.media_ws_ai"
COMPLETION_NET_S = 20.0
"""How long after the stream was closed the provider's final status is waited for before the call is ended by REST; an
apology that Twilio still speaks must fit in."""


CLIP_RETRY_S: Final = (5.0, 15.0, 60.0)
"""After how long the clips are asked for again."""
CLIP_REST_S: Final = 600.0
"""… and, once that was given up, how long no call asks for them: a refusal would be told with each call."""


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
        if self._hub.stopping:
            self.refuse("this server is stopping", picows.WSCloseCode.GOING_AWAY)
            return
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
            message = wire.decode(frame.get_payload_as_memoryview())
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
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
            self._bridge.closed()

    def refuse(self, why: str, code: picows.WSCloseCode) -> None:
        """Close a stream that can't be served, with the reason in the close frame and one line in the log."""
        if self._transport is None or self._transport.is_close_frame_sent:
            return
        log.warning("media stream refused", why=why, call_sid=self._bridge.call_sid if self._bridge else None)
        if self._bridge is not None:
            self._bridge.happened(on.StreamBroken(why))
        self._transport.send_close(code, why.encode()[:120])
        self._transport.disconnect()

    def _control(self, message: wire.Frame) -> None:
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

    def _started(self, start: wire.Start) -> None:
        assert self._transport is not None
        if self._watch is not None:
            self._watch.cancel()
        self._bridge = Bridge(self._hub, self._transport, start.stream_sid, start.call_sid)
        self._hub.spawn(self._admit(self._bridge, start.custom_parameters.get("token", "")))

    async def _admit(self, bridge: Bridge, token: str) -> None:
        """Check the pass in a thread (SQL never runs on the event loop), then start the call."""
        try:
            admission = await asyncio.to_thread(
                admit, token, bridge.call_sid, self._hub.clips, transfer=self._hub.transferring is not None
            )
            if admission is not None:
                bridge.begin(admission)
                self._hub.prepare_voice(admission.voice.voice)
                return
        except Exception as problem:
            # The connection's edge: a caller must never sit in silence because of an error nobody foresaw.
            log.error("call could not be started", call_sid=bridge.call_sid, error=repr(problem), exc_info=problem)
            self.refuse("the call could not be started; see the server's log", picows.WSCloseCode.INTERNAL_ERROR)
            return
        self.refuse("the stream's token is wrong, used or expired", picows.WSCloseCode.POLICY_VIOLATION)


class MediaHub:
    """The media bridge of one process: its calls in progress, their tasks, and the turn writer."""

    def __init__(self) -> None:
        self.active: dict[str, Bridge] = {}
        self.writer = TurnWriter(lambda: db.scope(OWNER))
        self.clips = VoiceClips()
        self.transferring: Transferring | None = None
        """Who carries out `transfer_call`; without one the model is told that this line can't transfer."""
        self.stopping = False
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._preparing: set[str] = set()
        self._clips_rest: dict[str, float] = {}

    def open_stream(self) -> MediaStream:
        """A listener for a new media socket."""
        return MediaStream(self)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a call's side task; its failure is logged, once, here."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    # --- calls ------------------------------------------------------------------------------------------------------

    def joined(self, bridge: Bridge) -> None:
        """A call began, or came back before its old stream was seen to be gone."""
        if bridge.call_sid not in self.active:
            metrics.CALLS_ACTIVE.inc()
        self.active[bridge.call_sid] = bridge

    def left(self, bridge: Bridge) -> bool:
        """A call's stream is gone; False when it had not begun."""
        if self.active.get(bridge.call_sid) is not bridge:
            return False
        del self.active[bridge.call_sid]
        metrics.CALLS_ACTIVE.dec()
        return True

    async def put_through(self, call_sid: str, tool_call_id: str, arguments: str) -> str | None:
        """Carry out a transfer; JSON for the model when it can't be. What was said is stored before the stream ends,
        because the agent may get the call back."""
        await self.writer.flush()
        return await asyncio.to_thread(call_transfer.carry_out, call_sid, tool_call_id, arguments)

    async def after_hang_up(self, call_sid: str) -> None:
        """The net under the hang-up: a call the provider has not finished by then is completed by REST."""
        await asyncio.sleep(COMPLETION_NET_S)
        await asyncio.to_thread(complete_if_open, call_sid)

    # --- clips ------------------------------------------------------------------------------------------------------

    def prepare_voice(self, voice: str) -> None:
        """Have a voice's clips made in the background, once at a time."""
        now = self._loop.time()
        if self.clips.missing(voice) and voice not in self._preparing and now >= self._clips_rest.get(voice, now):
            self._preparing.add(voice)
            self.spawn(self._prepare(voice))

    def prepare_voices(self) -> None:
        """Have every voice's clips made in the background, at the process's start."""
        self.spawn(self._prepare_all())

    async def _prepare_all(self) -> None:
        for voice in await asyncio.to_thread(voice_clips.voices):
            self.prepare_voice(voice)

    async def _prepare(self, voice: str) -> None:
        """The model's server may start later than this process, so it is asked more than once before that is news."""
        try:
            for wait in (*CLIP_RETRY_S, None):
                try:
                    await asyncio.to_thread(self.clips.prepare, voice)
                    return
                except ports.ProviderError as problem:
                    if wait is None or not problem.retryable:
                        self._clips_rest[voice] = self._loop.time() + CLIP_REST_S
                        log.warning("spoken clips could not be made", voice=voice, error=str(problem))
                        return
                    await asyncio.sleep(wait)
        finally:
            self._preparing.discard(voice)

    # --- the process's end --------------------------------------------------------------------------------------------

    def stop_soon(self) -> None:
        """The process was told to stop: no new streams; calls go on for a while, then they are told goodbye.

        May be called from a signal handler.
        """
        self.stopping = True
        self._loop.call_soon_threadsafe(self._loop.call_later, limits.STOP_DRAIN_S, self._say_goodbye)

    def _say_goodbye(self) -> None:
        for bridge in tuple(self.active.values()):
            bridge.happened(on.ServiceStopping())

    async def close(self) -> None:
        """Store what is still to be stored and stop the writer."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.writer.flush()
        self.writer.stop()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("a call's task failed", error=repr(problem), exc_info=problem)


def admit(token: str, call_sid: str, clips: VoiceClips, *, transfer: bool = False) -> Admission | None:
    """Use up the stream's pass and collect what the call starts with; None for a pass that is no good.

    `transfer` says whether somebody carries out transfers. A call that comes back from one is gone on with.
    """
    business_id = stream_tokens.redeem(token, call_sid)
    if business_id is None:
        return None
    with db.scope(write=False):
        call = CallLog.query.filter_by(call_sid=call_sid).one()
        business = Business.query.filter_by(id=business_id).one()
        contact = db.session.get(Contact, call.contact_id) if call.contact_id else None
        now = ports.current().clock.now()
        back, may_transfer = transfers.came_back(call_sid), transfer and transfers.left(call_sid) > 0
        plan = SessionPlan(
            greeting=_first_words(call, back, may_transfer),
            context=prompts.caller_context(business_id, contact, now),
            timing=limits.TIMING,
            clips=clips.of(business.voice),
            resumed=tuple(_past(turn) for turn in turns_of(call_sid)) if back is not None else (),
        )
        voice = VoiceConfig(
            instructions=prompts.instructions_for_call(call),
            tools=call_tools.tool_specs(business_id, transfers=may_transfer, caller_known=contact is not None),
            voice=business.voice,
            language=business.language,
            silence_ms=limits.TIMING.silence_ms,
        )
        began = stream_tokens.first_used(call_sid) if back is not None else None
        elapsed_ms = (now - began).total_seconds() * 1000 if began is not None else 0.0
        return Admission(call_sid, business_id, plan, voice, max(0.0, elapsed_ms))


def _first_words(call: CallLog, back: Transfer | None, may_transfer: bool) -> str:
    if back is None:
        return prompts.greeting_instruction(call.business_id, call.direction)
    return prompts.came_back_instruction(back.name, back.state, again=may_transfer)


def _past(turn: ConversationTurn) -> PastTurn:
    """A stored turn, as it was heard."""
    text = turn.message if turn.heard is None else turn.heard
    return PastTurn(turn.item_id or f"turn_{turn.sequence}", turn.sequence, turn.speaker, text)


def complete_if_open(call_sid: str) -> None:
    """The net under the hang-up: a call the provider has not finished by now is completed by REST."""
    with db.scope(write=False):
        call = CallLog.query.filter_by(call_sid=call_sid).first()
        if call is None or is_final(call.status) or call.disposition in WITHOUT_AGENT:
            return
        if transfers.under_way(call_sid) is not None:
            return
    try:
        ports.current().telephony.end_call(call_sid)
    except ports.ProviderError as problem:
        log.error("call could not be ended by REST", call_sid=call_sid, error=str(problem))
