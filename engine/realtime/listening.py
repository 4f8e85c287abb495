"""The caller's audio in a session: appended, cut into turns, committed, and missed when it stays away."""

from __future__ import annotations

import asyncio

from engine.realtime.audio_format import FORMATS
from engine.realtime.audio_input import AudioInput
from engine.realtime.client_items import decoded_audio
from engine.realtime.conversation import Item
from engine.realtime.protocol import ClientError, Event, new_id, required
from engine.realtime.responses import Responses
from engine.realtime.session_config import turn_rules
from engine.realtime.state import SessionState
from engine.realtime.transcripts import Transcripts
from engine.speech.turns import TurnChange
from engine.speech.vad import SpeechProbability
from phoneaudio.resample import pcm16_from_float

_SHORTEST_COMMIT_MS = 100
_WINDOWS_PER_STEP = 64


class Listening:
    """✅ OWNER of the input buffer, the turn in progress and the idle timeout."""

    def __init__(
        self, state: SessionState, vad: SpeechProbability, transcripts: Transcripts, responses: Responses
    ) -> None:
        self._state = state
        self._transcripts = transcripts
        self._responses = responses
        rules = turn_rules(state.detection) if state.detection else None
        self._input = AudioInput(vad, FORMATS[state.config["audio"]["input"]["format"]["type"]], rules)
        self._turn_item = ""
        self._played_until_ms = 0
        self._idle_armed = False

    def configure(self) -> None:
        """Follow a changed session."""
        detection = self._state.detection
        if detection is None:
            self._transcripts.drop_early()
        wire = FORMATS[self._state.config["audio"]["input"]["format"]["type"]]
        self._input.configure(wire, turn_rules(detection) if detection else None)

    async def append(self, event: Event) -> None:
        """`input_audio_buffer.append`: any number of bytes; answered only by what they change."""
        audio = decoded_audio(required(event, "audio", str), "audio")
        for n, change in enumerate(self._input.append(audio)):
            if change is not None:
                self._turn_changed(change)
            elif self._idle_armed:
                self._watch_idle()
            if n % _WINDOWS_PER_STEP == _WINDOWS_PER_STEP - 1:
                await asyncio.sleep(0)

    def commit_by_hand(self, event: Event) -> None:
        """`input_audio_buffer.commit`. Raises `ClientError` when there is next to nothing to commit."""
        buffered = self._input.buffered_ms
        if buffered < _SHORTEST_COMMIT_MS:
            raise ClientError(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{_SHORTEST_COMMIT_MS}ms of audio, but buffer only has {buffered:.2f}ms of audio.",
            )
        self._transcripts.drop_early()
        self._commit(self._turn_item if self._input.speaking else new_id("item"))

    def clear(self, event: Event) -> None:
        """`input_audio_buffer.clear`."""
        self._transcripts.drop_early()
        self._input.clear()
        self._state.emit({"type": "input_audio_buffer.cleared"})

    def response_over(self, playing_ms: int) -> None:
        """Wait for the caller from when they have heard it all: the idle timeout counts from there."""
        self._played_until_ms = max(self._played_until_ms, self._input.judged_ms) + playing_ms
        self._idle_armed = True

    def playback_stopped(self) -> None:
        """The caller speaks, or the client has cut what they hear: nothing more is played."""
        self._played_until_ms = min(self._played_until_ms, self._input.judged_ms)

    def _turn_changed(self, change: TurnChange) -> None:
        if change is TurnChange.STARTED:
            self._speech_started()
        elif change is TurnChange.LIKELY_OVER:
            self._responses.foresee(self._transcripts.begin_early(*self._input.take()))
        elif change is TurnChange.RESUMED:
            self._transcripts.drop_early()
            self._responses.forget()
        else:
            self._speech_stopped()

    def _speech_started(self) -> None:
        self._turn_item = new_id("item")
        self._idle_armed = False
        start = self._input.speech_start_ms
        self._turn_event("input_audio_buffer.speech_started", "audio_start_ms", start)
        if self._state.detection and self._state.detection["interrupt_response"]:
            self.playback_stopped()
            self._responses.interrupt()

    def _speech_stopped(self) -> None:
        self._turn_event("input_audio_buffer.speech_stopped", "audio_end_ms", self._input.judged_ms)
        self._commit(self._turn_item)
        if self._state.detection and self._state.detection["create_response"]:
            self._answer()

    def _turn_event(self, kind: str, clock: str, at_ms: int) -> None:
        self._state.emit({"type": kind, clock: at_ms, "item_id": self._turn_item})

    def _answer(self) -> None:
        if self._state.config["type"] == "realtime":
            self._responses.answer()

    def _commit(self, item_id: str) -> None:
        samples, rate = self._input.take()
        self._input.drop_taken()
        item = Item(
            {
                "id": item_id,
                "object": "realtime.item",
                "type": "message",
                "status": "completed",
                "role": "user",
                "content": [{"type": "input_audio", "transcript": None}],
            }
        )
        wire = FORMATS[self._state.config["audio"]["input"]["format"]["type"]]
        item.hold(0, wire.from_pcm16(pcm16_from_float(samples)), wire)
        previous = self._state.conversation.add(item)
        self._state.emit({"type": "input_audio_buffer.committed", "previous_item_id": previous, "item_id": item_id})
        self._state.announce(item)
        self._transcripts.finish(item, samples, rate)

    def _watch_idle(self) -> None:
        limit = (self._state.detection or {}).get("idle_timeout_ms")
        now = self._input.judged_ms
        if limit is None or self._responses.busy or now < self._played_until_ms + limit:
            return
        self._idle_armed = False
        item_id = new_id("item")
        self._state.emit(
            {
                "type": "input_audio_buffer.timeout_triggered",
                "audio_start_ms": self._played_until_ms,
                "audio_end_ms": now,
                "item_id": item_id,
            }
        )
        self._commit(item_id)
        self._answer()
