"""One call, decided: events in, commands out. No socket, no clock, no database.

The session owns the greeting, the turns, barge-in, truncation, goodbye and hang-up. Its host (`server.media_ws_ai`)
carries events in and commands out, tells the time in milliseconds from the call's start, and wakes it at
`next_deadline_ms`. Utterances are answered by the model's own voice detection, so the session asks for a response only
for the greeting, after tools and for a goodbye: an utterance can't be answered twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from server.domain import commands as do
from server.domain import events as on
from server.domain.playback import Heard, Playback, heard_text

SILENCE_MS = 500
"""The voice detection's `silence_duration_ms`, which we send: how long after the last sound `speech_stopped` comes."""

GOODBYE = "Say a short, friendly goodbye to the caller and nothing else."


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What a call starts with. Times in milliseconds."""

    greeting: str
    context: str
    first_audio_ms: int = 8000
    drain_grace_ms: int = 4000
    limit_ms: int = 3_600_000


@dataclass(slots=True)
class _Turn:
    sequence: int
    speaker: str
    text: str = ""
    started_ms: int | None = None
    latency_ms: int | None = None
    heard: Heard | None = None


@dataclass(slots=True)
class _Response:
    """What the session knows of the response in progress, and what it wants to ask for next."""

    active: str | None = None
    asked: bool = False
    wanted: do.CreateResponse | None = None
    spoke: bool = False


@dataclass(slots=True)
class _Waits:
    """The deadlines that are running, in milliseconds from the call's start; None when not running."""

    first_audio: float | None = None
    drain: float | None = None
    limit: float | None = None


@dataclass(slots=True)
class _Counts:
    barge_ins: int = 0
    tools: int = 0
    latencies: list[int] = field(default_factory=list)


class CallSession:
    """The decisions of one call.

    ✅ OWNER: greeting, turns' order and text, barge-in, truncation, goodbye and the decision to hang up.
    ❌ NEVER: the call's status (the provider's webhooks own it).
    """

    def __init__(self, plan: SessionPlan) -> None:
        self._plan = plan
        self._playback = Playback()
        self._turns: dict[str, _Turn] = {}
        self._response = _Response()
        self._waits = _Waits(limit=plan.limit_ms)
        self._counts = _Counts()
        self._dropped: set[str] = set()
        self._tools_running: set[str] = set()
        self._caller_stopped_at: float | None = None
        self._speech_started: dict[str, float] = {}
        self._configured = False
        self._ending: str | None = None
        self._ended = False

    @property
    def ended(self) -> bool:
        """True once the session asked for the hang-up or the stream stopped."""
        return self._ended

    @property
    def configured(self) -> bool:
        """True once the model took the configuration: caller's audio may be sent."""
        return self._configured

    @property
    def next_deadline_ms(self) -> float | None:
        """When `tick` must be called at the latest."""
        running = [at for at in (self._waits.first_audio, self._waits.drain, self._waits.limit) if at is not None]
        return min(running) if running and not self._ended else None

    # --- the hot path -------------------------------------------------------------------------------------------

    def agent_audio(self, item_id: str, size_bytes: int, now_ms: float) -> str | None:
        """Agent's audio came (μ-law bytes): the mark to send after it, or None when it must be dropped."""
        if item_id in self._dropped or self._ended:
            return None
        if not self._response.spoke:
            self._first_audio(item_id, now_ms)
        return self._playback.sent(item_id, size_bytes, now_ms)

    # --- everything else ----------------------------------------------------------------------------------------

    def start(self, now_ms: float) -> list[do.Command]:
        """The phone stream is up and the model is being configured."""
        self._waits.first_audio = now_ms + self._plan.first_audio_ms
        return []

    def handle(self, event: on.Event, now_ms: float) -> list[do.Command]:  # noqa: C901 - one line per kind of event
        """Take one event; returns what is to be done, in order."""
        if self._ended and not isinstance(event, on.TranscriptDone | on.CallerTranscript | on.ItemAdded):
            return []
        match event:
            case on.MarkReturned():
                self._playback.returned(event.name, now_ms)
                return self._finish_if_drained()
            case on.SpeechStarted():
                return self._speech_started_by_caller(event, now_ms)
            case on.SpeechStopped():
                self._caller_stopped_at = now_ms - SILENCE_MS
                return []
            case on.ItemAdded():
                return self._item_added(event)
            case on.CallerTranscript():
                return self._caller_said(event)
            case on.TranscriptDone():
                return self._agent_said(event)
            case on.ResponseCreated():
                self._response.active, self._response.asked, self._response.spoke = event.response_id, False, False
                return []
            case on.ResponseDone():
                return self._response_done(event, now_ms)
            case on.ToolFinished():
                return self._tool_finished(event)
            case on.SessionUpdated():
                return self._session_updated()
            case on.ModelFailed():
                return self._model_failed(event)
            case on.StreamStopped():
                self._ended = True
                return [do.Note("stream_stopped", {"barge_ins": self._counts.barge_ins})]
            case on.Dtmf():
                return [do.Note("dtmf", {"digit": event.digit})]

    def tick(self, now_ms: float) -> list[do.Command]:
        """A deadline may have passed."""
        if self._ended:
            return []
        waits = self._waits
        if waits.first_audio is not None and now_ms >= waits.first_audio:
            return self._hang_up("no_first_audio", failed=True)
        if waits.drain is not None and now_ms >= waits.drain:
            return [do.Note("marks_lost", {}), *self._hang_up(self._ending or "goodbye")]
        if waits.limit is not None and now_ms >= waits.limit:
            return self._hang_up("time_limit")
        return []

    # --- greeting and responses ---------------------------------------------------------------------------------

    def _session_updated(self) -> list[do.Command]:
        if self._configured:
            return []
        self._configured = True
        return [do.AddContext(self._plan.context), *self._ask(do.CreateResponse(self._plan.greeting, tools=False))]

    def _ask(self, wanted: do.CreateResponse) -> list[do.Command]:
        """Ask for one response; while another is in progress the wish waits for its end."""
        if self._response.active or self._response.asked:
            self._response.wanted = wanted
            return []
        self._response.asked = True
        self._response.wanted = None
        return [wanted]

    def _first_audio(self, item_id: str, now_ms: float) -> None:
        self._response.spoke = True
        self._waits.first_audio = None
        turn = self._turn(item_id, "assistant")
        turn.started_ms = int(now_ms)
        if self._caller_stopped_at is not None:
            turn.latency_ms = max(0, int(now_ms - self._caller_stopped_at))
            self._counts.latencies.append(turn.latency_ms)
            self._caller_stopped_at = None

    def _response_done(self, event: on.ResponseDone, now_ms: float) -> list[do.Command]:
        spoke = self._response.spoke
        self._response.active, self._response.asked = None, False
        result: list[do.Command] = []
        if event.status == "failed":
            result.append(do.Note("response_failed", {"reason": event.reason}))
        for call in event.calls if event.status == "completed" else ():
            result.extend(self._tool_called(call, spoke=spoke))
        if self._response.wanted is not None and not self._tools_running:
            result.extend(self._ask(self._response.wanted))
        self._await_drain(now_ms)
        return result + self._finish_if_drained()

    # --- tools --------------------------------------------------------------------------------------------------

    def _tool_called(self, call: on.FunctionCall, *, spoke: bool) -> list[do.Command]:
        if call.name == "end_call":
            return self._end_called(call, spoke=spoke)
        self._tools_running.add(call.call_id)
        self._counts.tools += 1
        return [do.RunTool(call.call_id, call.name, call.arguments)]

    def _end_called(self, call: on.FunctionCall, *, spoke: bool) -> list[do.Command]:
        """The model ends the call: after the goodbye it just spoke, or after one it is asked for now."""
        if self._ending is not None:
            return []
        self._ending = "goodbye"
        if spoke:
            return []
        return [do.ReturnToolOutput(call.call_id, '{"ok": true}'), *self._ask(do.CreateResponse(GOODBYE, tools=False))]

    def _tool_finished(self, event: on.ToolFinished) -> list[do.Command]:
        if event.call_id not in self._tools_running:
            return []
        self._tools_running.discard(event.call_id)
        output = do.ReturnToolOutput(event.call_id, event.output)
        return [output] if self._tools_running else [output, *self._ask(do.CreateResponse())]

    # --- turns --------------------------------------------------------------------------------------------------

    def _turn(self, item_id: str, speaker: str) -> _Turn:
        turn = self._turns.get(item_id)
        if turn is None:
            turn = self._turns[item_id] = _Turn(len(self._turns) + 1, speaker)
        return turn

    def _item_added(self, event: on.ItemAdded) -> list[do.Command]:
        if event.kind == "message" and event.role in ("user", "assistant"):
            self._turn(event.item_id, event.role)
        return []

    def _caller_said(self, event: on.CallerTranscript) -> list[do.Command]:
        turn = self._turn(event.item_id, "user")
        started = self._speech_started.pop(event.item_id, None)
        turn.started_ms = int(started) if started is not None else None
        if event.failed:
            return [do.Note("transcription_failed", {"sequence": turn.sequence})]
        turn.text = event.text.strip()
        return [self._record(event.item_id, turn)] if turn.text else []

    def _agent_said(self, event: on.TranscriptDone) -> list[do.Command]:
        turn = self._turn(event.item_id, "assistant")
        turn.text = event.text.strip()
        return [self._record(event.item_id, turn)] if turn.text else []

    def _record(self, item_id: str, turn: _Turn) -> do.RecordTurn:
        heard = turn.heard
        text = heard_text(turn.text, heard.heard_ms, heard.sent_ms) if heard else None
        heard_ms = heard.heard_ms if heard else None
        return do.RecordTurn(
            item_id, turn.sequence, turn.speaker, turn.text, turn.started_ms, turn.latency_ms, text, heard_ms
        )

    # --- barge-in -----------------------------------------------------------------------------------------------

    def _speech_started_by_caller(self, event: on.SpeechStarted, now_ms: float) -> list[do.Command]:
        self._speech_started[event.item_id] = now_ms
        self._caller_stopped_at = None
        if not self._playback.playing or self._ending is not None:
            return []
        result: list[do.Command] = [do.ClearPlayback()]
        for heard in self._playback.interrupt(now_ms):
            result.extend(self._cut(heard))
        self._counts.barge_ins += 1
        return result

    def _cut(self, heard: Heard) -> list[do.Command]:
        """The listener heard this much of an item: tell the model, and keep it with the turn."""
        self._dropped.add(heard.item_id)
        turn = self._turn(heard.item_id, "assistant")
        turn.heard = heard
        result: list[do.Command] = [
            do.Truncate(heard.item_id, heard.heard_ms),
            do.Note("barge_in", {"sequence": turn.sequence, "heard_ms": heard.heard_ms, "sent_ms": heard.sent_ms}),
        ]
        return [*result, self._record(heard.item_id, turn)] if turn.text else result

    # --- the end ------------------------------------------------------------------------------------------------

    def _await_drain(self, now_ms: float) -> None:
        if self._ending is not None and self._waits.drain is None and not self._goodbye_is_coming():
            self._waits.drain = now_ms + self._playback.remaining_ms(now_ms) + self._plan.drain_grace_ms

    def _goodbye_is_coming(self) -> bool:
        return self._response.asked or self._response.active is not None

    def _finish_if_drained(self) -> list[do.Command]:
        if self._ending is None or self._ended or self._playback.playing or self._goodbye_is_coming():
            return []
        return self._hang_up(self._ending)

    def _model_failed(self, event: on.ModelFailed) -> list[do.Command]:
        if event.fatal:
            return [do.Note("model_lost", {"code": event.code}), *self._hang_up("model_unavailable", failed=True)]
        if event.code == "conversation_already_has_active_response":
            self._response.asked = False
            return []
        return [do.Note("model_error", {"code": event.code})]

    def _hang_up(self, reason: str, *, failed: bool = False) -> list[do.Command]:
        """The one place that ends a call."""
        self._ended = True
        kind = "call_failed" if failed else "hang_up"
        return [do.Note(kind, {"reason": reason, "barge_ins": self._counts.barge_ins}), do.HangUp(reason)]
