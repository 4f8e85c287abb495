"""One call, decided: events in, commands out. No socket, no clock, no database.

The session is made of parts, each the owner of one concern: `responses` (when the model speaks), `floor` (the caller's
utterances, barge-in, echo), `tool_runs`, `silence`, `keys`, `reconnect` (the model's connection), `watch` (what stays
away) and `ending`. This module carries each event to the part it concerns. Its host (`server.media_ws_ai`) carries
events in and commands out, tells the time in milliseconds from the call's start, and wakes it at `next_deadline_ms`.

The model's voice detection only reports; the session alone asks for a response and stops one, so that an utterance
can't be answered twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from server.domain import commands as do
from server.domain import events as on
from server.domain.ending import Ending
from server.domain.floor import Floor
from server.domain.keys import Keys
from server.domain.reconnect import Connection
from server.domain.responses import ANSWER, Purpose, Responses
from server.domain.session_core import Core
from server.domain.session_plan import SessionPlan
from server.domain.silence import Silence
from server.domain.tool_runs import ToolRuns
from server.domain.watch import Watch

ENDING_TOOLS = frozenset({"end_call", "transfer_call"})
"""Tools that the session carries out itself, once the last words were heard."""
_AFTER_THE_END = (on.TranscriptDone, on.CallerTranscript)


class CallSession:
    """The decisions of one call.

    ✅ OWNER: greeting, turns' order and text, barge-in, truncation, goodbye and the decision to hang up.
    ❌ NEVER: the call's status (the provider's webhooks own it).
    """

    def __init__(self, plan: SessionPlan) -> None:
        self._core = core = Core(plan)
        self._responses = Responses(core)
        self._tools = ToolRuns(core, self._responses)
        self._ending = Ending(core, self._responses)
        self._silence = Silence(core, self._responses)
        self._floor = Floor(core, self._responses, self._ending, self._silence, self._ask_answer)
        self._keys = Keys(core)
        self._connection = Connection(core, self._responses)
        self._watch = Watch(
            core, self._responses, self._floor, self._connection, self._ending, self._lose_model, self._give_up
        )
        self._dropped = self._floor.dropped
        self._on_time = self._deadline_handlers()

    @property
    def ended(self) -> bool:
        """True once the session asked for the hang-up or the stream stopped."""
        return self._core.ended

    @property
    def playing(self) -> bool:
        """True while the caller still has something of the agent's to hear."""
        return self._core.playback.playing

    @property
    def configured(self) -> bool:
        """True while the model has our configuration: caller's audio may be sent."""
        return self._core.model_up

    @property
    def next_deadline_ms(self) -> float | None:
        """When `tick` must be called at the latest."""
        return None if self._core.ended else self._core.deadlines.next

    def just_played(self, now_ms: float) -> Iterator[tuple[float, str]]:
        """What the caller was given to hear lately: when each piece began, and its base64. For telling echo."""
        return self._core.playback.just_played(now_ms)

    # --- the hot path -------------------------------------------------------------------------------------------

    def agent_audio(self, item_id: str, payload: str, now_ms: float) -> str | None:
        """Agent's audio came (base64 of μ-law): the mark to send after it, or None when it is not to be sent (now)."""
        core, responses = self._core, self._responses
        if core.ended or responses.cancelling or item_id in self._dropped:
            return None
        if not responses.spoke:
            core.now = now_ms
            self._first_audio(item_id)
        if core.playback.paused:
            core.playback.hold(item_id, payload)
            return None
        return core.playback.sent(item_id, payload, now_ms)

    def agent_words(self, item_id: str, delta: str) -> None:
        """Some of the words of an agent's item, as they are generated."""
        turn = self._core.turns.turn(item_id, "assistant", outside=self._outside)
        if not turn.whole:
            turn.text += delta

    # --- everything else ----------------------------------------------------------------------------------------

    def start(self, now_ms: float) -> list[do.Command]:
        """The phone stream is up and the model is being dialled; `now_ms` is 0 unless the call went on before it."""
        core = self._core
        core.now = now_ms
        core.after("first_audio", core.timing.first_audio_ms)
        core.after("greeting_retry", core.timing.first_audio_ms / 2)
        # Counted from the call's start, also where this stream is not its first.
        core.deadlines.set("limit_notice", core.timing.limit_ms - core.timing.limit_notice_ms)
        core.deadlines.set("limit", core.timing.limit_ms + core.timing.limit_overrun_ms)
        return core.take()

    def handle(self, event: on.Event, now_ms: float) -> list[do.Command]:
        """Take one event; returns what is to be done, in order."""
        core = self._core
        if core.ended and not isinstance(event, _AFTER_THE_END):
            return []
        core.now = now_ms
        if isinstance(event, on.MarkReturned):
            core.playback.returned(event.name, now_ms)
            if core.playback.playing:
                return []
        else:
            self._happened(event)
        return self._step_over()

    def tick(self, now_ms: float) -> list[do.Command]:
        """A deadline may have passed."""
        core = self._core
        core.now = now_ms
        while not core.ended and (name := core.deadlines.take_due(now_ms)) is not None:
            self._on_time[name]()
        return self._step_over()

    def _step_over(self) -> list[do.Command]:
        """What holds after every step: an end that is due is carried out, and somebody watches the silence."""
        core = self._core
        if not core.ended:
            self._ending.finish_if_drained(caller_speaks=self._floor.speaking)
        if not core.ended:
            self._watch.look()
            self._silence.watch(quiet=self._quiet)
        return core.take()

    @property
    def _quiet(self) -> bool:
        core = self._core
        said = core.playback.playing or core.playback.paused or self._responses.pending or self._tools.running
        heard = self._floor.goes_on or self._keys.collecting
        return core.model_up and self._ending.reason is None and not (said or heard)

    def _happened(self, event: on.Event) -> None:  # noqa: C901 - one line per kind of event
        match event:
            case on.SpeechStarted():
                self._floor.started(event)
            case on.SpeechStopped():
                self._floor.stopped(event)
            case on.Committed():
                self._floor.committed(event)
            case on.EchoChecked():
                self._floor.echo_checked(event)
            case on.CallerTranscript():
                self._caller_said(event)
            case on.ItemAdded():
                self._item_added(event)
            case on.TranscriptDone():
                self._agent_said(event)
            case on.ResponseCreated():
                self._responses.created(event.response_id)
            case on.ResponseDone():
                self._response_done(event)
            case on.ToolFinished():
                self._tool_finished(event.call_id, event.output)
            case on.Dtmf():
                self._key(event.digit)
            case on.SessionUpdated():
                self._connection.configured()
            case on.ModelFailed():
                self._model_failed(event)
            case on.TransferFailed():
                self._transfer_failed(event.call_id, event.output)
            case on.ServiceStopping():
                self._ending.say_goodbye("service_stopping", self._core.lines.stopping)
            case on.StreamStopped():
                self._stream_stopped()
            case on.StreamBroken():
                self._ending.hang_up("bad_stream", failed=True)

    # --- responses --------------------------------------------------------------------------------------------------

    def _first_audio(self, item_id: str) -> None:
        core = self._core
        turn = core.turns.turn(item_id, "assistant", outside=self._outside)
        self._responses.speaks()
        core.deadlines.clear("first_audio", "greeting_retry")
        if turn.started_ms is None:
            turn.started_ms = int(core.now)
            if core.caller_stopped_at is not None and not turn.outside:
                turn.latency_ms = max(0, int(core.now - core.caller_stopped_at))
                core.caller_stopped_at = None
                core.want(do.Answered(turn.latency_ms))

    @property
    def _outside(self) -> bool:
        return self._responses.purpose is Purpose.BRIDGE

    def _response_done(self, event: on.ResponseDone) -> None:
        if event.response_id != self._responses.active:
            return
        spoke = self._responses.spoke
        unmet = self._responses.done(event)
        if event.status == "failed":
            self._core.note("response_failed", reason=event.reason)
        for call in event.calls if event.status == "completed" else ():
            self._tool_called(call, spoke=spoke)
        self._responses.ask_wanted()
        if unmet is not None:
            self._watch.unanswered(unmet, "empty")
        self._ending.response_over()

    def _ask_answer(self) -> None:
        """The caller said something: one response, now or when what it depends on is there."""
        if self._keys.collecting:
            return
        if not self._core.model_up:
            self._connection.owe(ANSWER)
        elif not self._tools.running:
            self._responses.ask(ANSWER)

    # --- tools ------------------------------------------------------------------------------------------------------

    def _tool_called(self, call: on.FunctionCall, *, spoke: bool) -> None:
        if call.name not in ENDING_TOOLS:
            self._tools.start(call)
        elif not self._ending.called(call, spoke=spoke, caller_goes_on=self._floor.goes_on):
            self._floor.answer()

    def _tool_finished(self, call_id: str, output: str) -> None:
        if self._tools.finish(call_id, output):
            self._floor.answer()

    def _tools_late(self) -> None:
        if self._tools.give_up():
            self._floor.answer()

    def _transfer_failed(self, call_id: str, output: str) -> None:
        if self._ending.transfer_failed(call_id, output):
            self._floor.answer()

    # --- turns ------------------------------------------------------------------------------------------------------

    def _item_added(self, event: on.ItemAdded) -> None:
        if event.kind == "message" and event.role in ("user", "assistant"):
            if event.role == "user" and self._core.turns.dropped(event.item_id):
                return
            self._core.turns.turn(event.item_id, event.role, outside=self._outside)

    def _caller_said(self, event: on.CallerTranscript) -> None:
        if not self._floor.said(event):
            return
        turn = self._core.turns.turn(event.item_id, "user")
        turn.whole = True
        if event.failed:
            self._core.note("transcription_failed", sequence=turn.sequence)
            return
        turn.text = event.text.strip()
        if turn.text:
            self._core.want(self._core.turns.record(turn))

    def _agent_said(self, event: on.TranscriptDone) -> None:
        turn = self._core.turns.turn(event.item_id, "assistant", outside=self._outside)
        turn.text, turn.whole = event.text.strip(), True
        if turn.text:
            self._core.want(self._core.turns.record(turn))

    def _key(self, digit: str) -> None:
        """A key is as good as a word: it stops the agent, and is answered when the input is complete."""
        if not digit or self._ending.reason is not None:
            return
        self._silence.reset()
        first = not self._keys.collecting
        complete = self._keys.press(digit)
        if first:
            self._floor.interrupt()
        if complete:
            self._keys_over()

    def _keys_over(self) -> None:
        self._keys.take()
        self._floor.answer()

    # --- the model's connection -------------------------------------------------------------------------------------

    def _model_failed(self, event: on.ModelFailed) -> None:
        if event.fatal:
            self._lose_model(event.code)
        elif self._responses.is_asked(event.about):
            self._core.note("response_failed", reason=event.code)
            unmet = self._responses.refused()
            self._responses.ask_wanted()
            if unmet is not None:
                self._watch.unanswered(unmet, "refused")
        elif event.code != "response_cancel_not_active":
            self._core.note("model_error", code=event.code)

    def _lose_model(self, code: str) -> None:
        if self._ending.reason is not None:
            self._core.model_up = False
            self._responses.lost()
            self._ending.response_over()
        elif not self._connection.lost:
            owed = self._floor.lost()
            self._connection.lose(code, owed=ANSWER if owed else None)
        elif not self._connection.dial_failed():
            self._give_up()

    def _give_up(self) -> None:
        self._core.model_up = False
        self._responses.lost()
        self._connection.given_up()
        self._ending.model_lost()

    # --- silence, playback and the end ------------------------------------------------------------------------------

    def _silence_due(self) -> None:
        if self._silence.due():
            self._ending.say_goodbye("caller_silent", self._core.lines.caller_silent)

    def _stream_stopped(self) -> None:
        """The line is closed; what was being said was heard so far and no further."""
        core = self._core
        for heard in core.playback.pause(core.now):
            turn = core.turns.turn(heard.item_id, "assistant")
            turn.heard = heard
            if turn.text:
                core.want(core.turns.record(turn))
        core.ended = True
        core.deadlines.clear_all()
        core.note("stream_stopped", barge_ins=core.barge_ins, transferred=self._ending.transferring)

    def _end_due(self) -> None:
        """The wait for the last words, or for the transfer, is over."""
        call_id = self._ending.expired()
        if call_id is not None:
            self._transfer_failed(call_id, self._ending.too_slow)

    def _deadline_handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "first_audio": self._watch.no_first_audio,
            "greeting_retry": self._watch.greet_again,
            "answer": self._watch.answer_late,
            "stalled": self._watch.stalled,
            "long_speech": self._floor.lasts,
            "verdict": self._floor.no_words,
            "endless": self._floor.never_ends,
            "echo": self._floor.echo_due,
            "tool": self._tools_late,
            "tool_bridge": lambda: self._tools.bridge(may_speak=not self._floor.goes_on),
            "redial": self._connection.redial,
            "reconnect_limit": self._give_up,
            "hold_clip": self._connection.hold,
            "keys": self._keys_over,
            "silence": self._silence_due,
            "marks": self._watch.marks_late,
            "end": self._end_due,
            "limit_notice": lambda: self._ending.say_goodbye("time_limit", self._core.lines.time_limit),
            "limit": lambda: self._ending.hang_up("time_limit"),
        }
