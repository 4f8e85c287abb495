"""The callers' words: transcriptions in the background, begun early when a turn is likely over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from engine.realtime.conversation import Item
from engine.realtime.protocol import Event
from engine.speech.bank import Speech
from engine.speech.mel import Float
from engine.speech.recognizer import Heard
from phoneaudio.resample import float_from_pcm16

log = logging.getLogger("engine")

_PREFIX = "conversation.item.input_audio_transcription"


@dataclass(frozen=True, slots=True)
class _Hearing:
    """One content part being transcribed."""

    index: int
    seconds: float
    task: asyncio.Task[Heard]


class Transcripts:
    """✅ OWNER of the transcriptions of one session and of their events (only sent when `announced`)."""

    def __init__(self, speech: Speech, emit: Callable[[Event], None]) -> None:
        self._speech = speech
        self._emit = emit
        self.announced = False
        self._early: asyncio.Task[Heard] | None = None
        self._running: set[asyncio.Task[None]] = set()

    def begin_early(self, samples: Float, rate_hz: int) -> asyncio.Task[Heard]:
        """Start on a turn that is likely over: its remaining silence hides most of the work."""
        self.drop_early()
        self._early = self._hear(samples, rate_hz)
        return self._early

    def drop_early(self) -> None:
        """The caller went on: what was begun is of no use."""
        if self._early is not None:
            self._early.cancel()
            self._early = None

    def finish(self, item: Item, samples: Float, rate_hz: int) -> None:
        """Transcribe a committed item, with the early result when there is one."""
        task = self._early or self._hear(samples, rate_hz)
        self._early = None
        self._follow(item, [_Hearing(0, samples.size / rate_hz, task)], announced=True)

    def hear_parts(self, item: Item, *, announced: bool) -> None:
        """Transcribe the audio of an item that the client created itself."""
        wire = item.audio_format
        hearings = [
            _Hearing(
                index, wire.ms(len(data)) / 1000, self._hear(float_from_pcm16(wire.to_pcm16(bytes(data))), wire.rate_hz)
            )
            for index, data in item.audio.items()
            if data
        ]
        if hearings:
            self._follow(item, hearings, announced=announced)

    async def settled(self, items: list[Item]) -> None:
        """Wait until these items' words are known (or have failed)."""
        for item in items:
            if item.pending is not None:
                await asyncio.wait({item.pending})

    def close(self) -> None:
        """Abandon everything: the session is over."""
        self.drop_early()
        for task in list(self._running):
            task.cancel()

    def _hear(self, samples: Float, rate_hz: int) -> asyncio.Task[Heard]:
        task = asyncio.create_task(self._speech.hear(samples, rate_hz))
        # A result that nobody waits for any more (the caller went on) may also fail: that is no one's problem.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    def _follow(self, item: Item, hearings: list[_Hearing], *, announced: bool) -> None:
        item.pending = asyncio.create_task(self._complete(item, hearings, announced))
        self._running.add(item.pending)
        item.pending.add_done_callback(self._running.discard)

    async def _complete(self, item: Item, hearings: list[_Hearing], announced: bool) -> None:
        try:
            for one in hearings:
                await self._complete_part(item, one, announced)
        finally:
            for one in hearings:
                one.task.cancel()

    async def _complete_part(self, item: Item, one: _Hearing, announced: bool) -> None:
        where = {"item_id": item.id, "content_index": one.index}
        try:
            heard = await one.task
        except Exception as problem:  # noqa: BLE001 - the job's edge: told to the client, whose call goes on
            log.warning("a turn could not be transcribed: %s", problem)
            self._announce(announced, {"type": f"{_PREFIX}.failed", **where, "error": _failure(problem)})
            return
        item.wire["content"][one.index]["transcript"] = heard.text
        if heard.text:
            self._announce(announced, {"type": f"{_PREFIX}.delta", **where, "delta": heard.text})
        usage = {"type": "duration", "seconds": round(one.seconds, 3)}
        done = {"type": f"{_PREFIX}.completed", **where, "transcript": heard.text, "usage": usage}
        self._announce(announced, done)

    def _announce(self, wanted: bool, event: Event) -> None:
        if wanted and self.announced:
            self._emit(event)


def _failure(problem: Exception) -> Event:
    message = f"Input transcription failed: {type(problem).__name__}: {problem}"
    return {"type": "server_error", "code": "audio_unintelligible", "message": message, "param": None}
