"""One call in progress: the phone's socket, the model's, the clock, and the session between them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import picows

from server import metrics, ports
from server.domain import commands as do
from server.domain import events as on
from server.domain.call_session import CallSession
from server.domain.session_plan import SessionPlan
from server.logging_setup import OncePerCall, fingerprint, get_logger
from server.media.ears import LONGEST, Ears
from server.media.wire import Outgoing, is_plain
from server.ports.realtime import RealtimeConnection, VoiceConfig
from server.services import call_tools
from server.services.turn_writer import TurnWriter

log = get_logger("server.media_ws_ai")

WAITING_FRAMES: Final = 150
"""Caller audio kept while the model is not there, in frames (3 s at 20 ms): the newest."""
WAITING_CHARS: Final = 64_000
"""… and in characters of base64 (6 s), for phones that send longer frames."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A stream that showed a valid pass: whose call it is and what the session starts with.

    `elapsed_ms` is how long the call has gone on before this stream, where it is not the call's first.
    """

    call_sid: str
    business_id: int
    plan: SessionPlan
    voice: VoiceConfig
    elapsed_ms: float = 0.0


Transferring = Callable[[str, str, str], Awaitable[str | None]]
"""Carries out a transfer: call id, tool call id, the tool's arguments as JSON. JSON for the model when it can't."""


class Hub(Protocol):
    """What a bridge needs of the hub it belongs to."""

    writer: TurnWriter
    transferring: Transferring | None

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a call's side task."""
        ...

    def joined(self, bridge: Bridge) -> None:
        """A call began."""
        ...

    def left(self, bridge: Bridge) -> bool:
        """A call's stream is gone; False when it had not begun."""
        ...

    async def after_hang_up(self, call_sid: str) -> None:
        """The net under the hang-up."""
        ...


class Bridge:
    """Carries one call's events in and its commands out, and decides nothing."""

    def __init__(self, hub: Hub, phone: picows.WSTransport, stream_sid: str, call_sid: str) -> None:
        self.call_sid = call_sid
        self._hub = hub
        self._phone = phone
        self._out = Outgoing(phone, stream_sid)
        self._loop = asyncio.get_running_loop()
        self._zero = time.monotonic()
        self._session: CallSession | None = None
        self._model: RealtimeConnection | None = None
        self._admission: Admission | None = None
        self._dialling: asyncio.Task[None] | None = None
        self._ears = Ears()
        self._waiting: deque[str] = deque(maxlen=WAITING_FRAMES)
        self._live = False
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._once = OncePerCall()

    def now_ms(self) -> float:
        """Milliseconds since the call's first stream started."""
        return (time.monotonic() - self._zero) * 1000

    def begin(self, admission: Admission) -> None:
        """Let the session begin, and dial the model."""
        if self._closed:
            return
        self._admission = admission
        self._zero -= admission.elapsed_ms / 1000
        self._session = CallSession(admission.plan)
        self._hub.joined(self)
        log.info(
            "call answered", call_sid=self.call_sid, business_id=admission.business_id,
            prompt=fingerprint(admission.voice.instructions),
        )  # fmt: skip
        self._do(self._session.start(self.now_ms()))
        self._dial()

    # --- the hot path -------------------------------------------------------------------------------------------

    def caller_audio(self, payload: str) -> None:
        """A frame from the phone: to the model as it is."""
        if not payload or not is_plain(payload):
            return
        self._ears.keep(payload)
        if len(payload) > LONGEST:
            self._ears.bound()
        if self._live:
            self._model.caller_audio(payload)  # type: ignore[union-attr]
        elif not self._closed:
            self._wait(payload)

    def agent_audio(self, item_id: str, payload: str) -> None:
        """Audio from the model: to the phone as it is, with a mark behind it."""
        session = self._session
        if session is None or self._closed:
            return
        mark = session.agent_audio(item_id, payload, self.now_ms())
        if mark is not None:
            self._out.audio(payload, mark)

    def agent_words(self, item_id: str, delta: str) -> None:
        """Words from the model."""
        if self._session is not None:
            self._session.agent_words(item_id, delta)

    # --- events and commands ------------------------------------------------------------------------------------

    def model_event(self, event: on.Event) -> None:
        """Something happened at the model."""
        if isinstance(event, on.SpeechStarted):
            # Only over the agent: just behind it, "yes" is too much like the word that it answers.
            event = replace(event, echo=self._session is not None and self._session.playing and self._hears_itself())
        elif isinstance(event, on.ModelFailed) and self._once.once(event.code):
            log.warning("realtime model error", call_sid=self.call_sid, code=event.code, error=event.message)
        self.happened(event)

    def happened(self, event: on.Event) -> None:
        """Let the session decide about an event, and do what it wants."""
        session = self._session
        if session is None:
            return
        self._do(session.handle(event, self.now_ms()))
        if session.configured is not self._live and not self._closed:
            self._model_came_or_went(session.configured)

    def _model_came_or_went(self, up: bool) -> None:
        self._live = up and self._model is not None
        if self._live:
            for payload in self._waiting:
                self._model.caller_audio(payload)  # type: ignore[union-attr]
            self._waiting.clear()

    def _wait(self, payload: str) -> None:
        self._waiting.append(payload)
        while len(self._waiting) > 1 and sum(map(len, self._waiting)) > WAITING_CHARS:
            self._waiting.popleft()

    def _hears_itself(self) -> bool:
        """Also of what has just been played to its end: an echo comes later, and its end later still."""
        now = self.now_ms()
        return self._session is not None and self._ears.sounds_like(self._session.just_played(now), now)

    def _do(self, commands: list[do.Command]) -> None:
        for command in commands:
            self._do_one(command)
        self._set_timer()

    def _do_one(self, command: do.Command) -> None:
        match command:
            case do.RecordTurn() | do.Note():
                self._keep(command)
            case do.ClearPlayback():
                if not self._closed:
                    self._out.clear()
            case do.Play():
                self._play(command)
            case do.CheckEcho():
                self.happened(on.EchoChecked(command.item_id, self._hears_itself()))
            case do.Answered():
                metrics.ANSWER_LATENCY.observe(command.latency_ms)
            case do.RunTool():
                self._hub.spawn(self._run_tool(command))
            case do.Reconnect():
                self._dial()
            case do.Transfer():
                self._hub.spawn(self._transfer(command))
            case do.HangUp():
                self._hub.spawn(self._hang_up(command.reason))
            case _:
                if self._model is not None and not self._closed:
                    self._model.tell(command)

    def _keep(self, command: do.RecordTurn | do.Note) -> None:
        assert self._admission is not None
        if isinstance(command, do.Note):
            metrics.noted(command.kind, command.detail)
        self._hub.writer.put(self.call_sid, self._admission.business_id, command)

    def _play(self, command: do.Play) -> None:
        if not self._closed:
            for mark, payload in command.pieces:
                self._out.audio(payload, mark)

    # --- time -----------------------------------------------------------------------------------------------------

    def _set_timer(self) -> None:
        """Be woken at the next deadline. A timer that fires too early is cheaper than one that is always moved."""
        due = self._session.next_deadline_ms if self._session is not None and not self._closed else None
        if due is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        at = self._zero + due / 1000
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_later(max(0.0, at - time.monotonic()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        session = self._session
        if session is None or self._closed:
            return
        self._do(session.tick(self.now_ms()))
        if session.configured is not self._live:
            self._model_came_or_went(session.configured)

    # --- the model's connection -----------------------------------------------------------------------------------

    def _dial(self) -> None:
        """Let go of the old connection, whose events are of no interest any more, and dial a new one."""
        self._live = False
        if self._model is not None:
            self._model.close()
            self._model = None
        if self._dialling is not None:
            self._dialling.cancel()
        self._dialling = self._hub.spawn(self._connect())

    async def _connect(self) -> None:
        realtime = ports.current().realtime
        assert realtime is not None, "bootstrap installs the realtime port in every server process"
        assert self._admission is not None
        try:
            model = await realtime.connect(self._admission.voice, self)
        except Exception as problem:
            # The connection's edge: a caller must never sit in silence because of an error nobody foresaw.
            self._dialling = None
            if self._once.once("unavailable"):
                foreseen = isinstance(problem, ports.ProviderError)
                log.error(
                    "realtime model unavailable", call_sid=self.call_sid, error=str(problem) or repr(problem),
                    exc_info=None if foreseen else problem,
                )  # fmt: skip
            self.happened(on.ModelFailed("connect_failed", str(problem), fatal=True))
            return
        self._dialling = None
        if self._closed:
            model.close()
        else:
            self._model = model

    # --- side tasks -----------------------------------------------------------------------------------------------

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

    async def _transfer(self, command: do.Transfer) -> None:
        """Have the transfer carried out by whoever was given to the hub for that."""
        carry_out = self._hub.transferring
        output: str | None = '{"ok": false, "message": "This line can not transfer calls. Offer to take a message."}'
        if carry_out is not None:
            output = await carry_out(self.call_sid, command.call_id, command.arguments)
        if output is not None:
            self.happened(on.TransferFailed(command.call_id, output))

    async def _hang_up(self, reason: str) -> None:
        """Close the stream, so that Twilio goes on after `<Connect>`; what was said is stored before that."""
        log.info("hanging up", call_sid=self.call_sid, reason=reason)
        await self._hub.writer.flush()
        if not self._closed:
            self._phone.send_close(picows.WSCloseCode.OK, b"the call is over")
            self._phone.disconnect()
        await self._hub.after_hang_up(self.call_sid)

    def closed(self) -> None:
        """The phone's socket is gone: let go of everything."""
        if self._closed:
            return
        self._closed, self._live = True, False
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._dialling is not None:
            self._dialling.cancel()
        if self._model is not None:
            self._model.close()
        if self._hub.left(self):
            log.info("call ended", call_sid=self.call_sid, seconds=round(self.now_ms() / 1000, 1))
