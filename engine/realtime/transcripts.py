"""The callers' words: transcriptions in the background, begun early when a turn is likely over."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable

from engine.realtime.audio_format import AudioFormat
from engine.realtime.conversation import Item
from engine.realtime.protocol import ClientError, Event
from engine.speech.bank import Speech
from engine.speech.mel import Float
from engine.speech.recognizer import Heard
from phoneaudio.resample import float_from_pcm16


class Transcripts:
    """✅ OWNER of the transcriptions of one session and of their events (only sent when `announced`)."""

    def __init__(self, speech: Speech, emit: Callable[[Event], None]) -> None:
        self._speech = speech
        self._emit = emit
        self.announced = False
        self._early: asyncio.Task[Heard] | None = None
        self._running: set[asyncio.Task[str]] = set()

    def begin_early(self, samples: Float, rate_hz: int) -> None:
        """Start on a turn that is likely over: its remaining silence hides most of the work."""
        self.drop_early()
        self._early = asyncio.create_task(self._speech.hear(samples, rate_hz))

    def drop_early(self) -> None:
        """The caller went on: what was begun is of no use."""
        if self._early is not None:
            self._early.cancel()
            self._early = None

    def finish(self, item: Item, samples: Float, rate_hz: int) -> None:
        """Transcribe a committed item, with the early result when there is one."""
        hearing = self._early or asyncio.create_task(self._speech.hear(samples, rate_hz))
        self._early = None
        item.pending = asyncio.create_task(self._complete(item, hearing, samples.size / rate_hz))
        self._running.add(item.pending)
        item.pending.add_done_callback(self._running.discard)

    def hear_client_item(self, item: Item, wire: AudioFormat) -> None:
        """Transcribe the audio in a user message that the client created itself."""
        for part in item.wire.get("content") or []:
            if part.get("type") == "input_audio" and part.get("audio"):
                try:
                    data = base64.b64decode(part["audio"], validate=True)
                except (binascii.Error, TypeError) as problem:
                    raise ClientError(
                        "invalid_value", "Invalid 'item.content.audio': expected base64-encoded bytes.", "item.content"
                    ) from problem
                part.pop("audio")
                samples = float_from_pcm16(wire.to_pcm16(data))
                item.audio_ms = wire.ms(len(data))
                self.finish(item, samples, wire.rate_hz)

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

    async def _complete(self, item: Item, hearing: asyncio.Task[Heard], seconds: float) -> str:
        where = {"item_id": item.id, "content_index": 0}
        try:
            heard = await hearing
        except Exception as problem:  # noqa: BLE001 - the job's edge: told to the client, whose call goes on
            error = {
                "type": "server_error",
                "code": "audio_unintelligible",
                "message": f"{type(problem).__name__}: {problem}",
                "param": None,
            }
            self._announce({"type": f"{_PREFIX}.failed", **where, "error": error})
            return ""
        _write_transcript(item, heard.text)
        if heard.text:
            self._announce({"type": f"{_PREFIX}.delta", **where, "delta": heard.text})
        usage = {"type": "duration", "seconds": round(seconds, 3)}
        self._announce({"type": f"{_PREFIX}.completed", **where, "transcript": heard.text, "usage": usage})
        return heard.text

    def _announce(self, event: Event) -> None:
        if self.announced:
            self._emit(event)


_PREFIX = "conversation.item.input_audio_transcription"


def _write_transcript(item: Item, text: str) -> None:
    for part in item.wire["content"]:
        if part["type"] == "input_audio":
            part["transcript"] = text
