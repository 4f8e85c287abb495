"""The fake realtime model of `bench/bridge.py`: hears nothing, answers by script, tells the load what arrives."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import struct
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import picows

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from phoneaudio import g711

DELTAS = 25
DELTA_S = 0.16
BURST = 4.0
TEXT = picows.WSMsgType.TEXT


def tone(rate_hz: int, seconds: float) -> bytes:
    """A 1 kHz tone as 16-bit PCM."""
    count = int(rate_hz * seconds)
    return struct.pack(f"<{count}h", *(int(20000 * math.sin(2 * math.pi * 1000 * n / rate_hz)) for n in range(count)))


QUIET_FRAME = base64.b64encode(b"\xff" * 160).decode()
LOUD_FRAME = base64.b64encode(g711.ulaw_from_pcm16(tone(8000, 0.02))).decode()
LOUD_PIECE = LOUD_FRAME[:32].encode()
ANSWERS = {
    "audio/pcmu": base64.b64encode(g711.ulaw_from_pcm16(tone(8000, DELTA_S))).decode(),
    "audio/pcm": base64.b64encode(tone(24000, DELTA_S)).decode(),
}


class Phone(Protocol):
    """The other end of the same call."""

    marker_sent: float

    def marker_arrived(self) -> None:
        """The loud frame has reached the model."""

    def answer_sent(self) -> None:
        """The model sends the first audio of an answer."""

    def model_gone(self) -> None:
        """The bridge closed the model's session."""


class Desk(Protocol):
    """Who pairs models with phones."""

    def model_opened(self, side: ModelSide) -> None:
        """A bridge has opened a model session."""

    def spawn(self, work: Any) -> None:
        """Run something beside the rest."""


class ModelSide(picows.WSListener):
    """The fake realtime model of one call."""

    def __init__(self, load: Desk) -> None:
        self._load = load
        self._transport: picows.WSTransport | None = None
        self._number = 0
        self._format = "audio/pcm"
        self._auto = True
        self.call: Phone | None = None
        self.pcm = False

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """A bridge opened its session."""
        self._transport = transport
        self._load.model_opened(self)
        self.send({"type": "session.created", "session": {"type": "realtime", "object": "realtime.session"}})

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The bridge closed it."""
        self._transport = None
        if self.call is not None:
            self.call.model_gone()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Caller's audio is only looked at for the marker; the rest is read."""
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.disconnect()
            return
        data = frame.get_payload_as_bytes()
        if b"input_audio_buffer.append" in data[:200] or b'"audio":"' in data[:16]:
            if self.call is not None and self.call.marker_sent and self._loud(data):
                self.call.marker_arrived()
            return
        self._control(json.loads(data))

    def _loud(self, data: bytes) -> bool:
        if self._format == "audio/pcmu":
            return LOUD_PIECE in data
        pcm = base64.b64decode(json.loads(data)["audio"])
        return max(struct.unpack(f"<{len(pcm) // 2}h", pcm), default=0) > 8000

    def _control(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "input_audio_buffer.append":
            return
        if kind == "session.update":
            self._configure(event["session"])
        elif kind == "conversation.item.create":
            item = {"id": self._id("item"), "object": "realtime.item", "status": "completed"} | event["item"]
            for done in ("conversation.item.added", "conversation.item.done"):
                self.send({"type": done, "previous_item_id": None, "item": item})
        elif kind == "response.create":
            self._load.spawn(self.answer())
        elif kind == "conversation.item.truncate":
            known = {key: event[key] for key in ("item_id", "content_index", "audio_end_ms")}
            self.send({"type": "conversation.item.truncated", **known})

    def _configure(self, session: dict[str, Any]) -> None:
        audio = session.get("audio") or {}
        self._format = ((audio.get("output") or {}).get("format") or {}).get("type", self._format)
        detection = (audio.get("input") or {}).get("turn_detection") or {}
        self._auto = detection.get("create_response", True)
        self.send({"type": "session.updated", "session": {"object": "realtime.session", **session}})

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}_{id(self):x}_{self._number}"

    def send(self, event: dict[str, Any]) -> None:
        """One server event."""
        if self._transport is not None:
            self._transport.send(TEXT, json.dumps({"event_id": self._id("event"), **event}).encode())

    def speech(self, *, started: bool, item: str) -> None:
        """The caller begins or ends to speak."""
        if started:
            self.send({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": item})
            return
        self.send({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 0, "item_id": item})
        self.send({"type": "input_audio_buffer.committed", "previous_item_id": None, "item_id": item})
        content = [{"type": "input_audio", "transcript": None}]
        wire = {"id": item, "object": "realtime.item", "type": "message", "status": "completed", "role": "user"}
        for kind in ("conversation.item.added", "conversation.item.done"):
            self.send({"type": kind, "previous_item_id": None, "item": wire | {"content": content}})
        said = {"transcript": "What are your opening hours on Saturday?", "usage": {"type": "duration", "seconds": 2.0}}
        kind = "conversation.item.input_audio_transcription.completed"
        self.send({"type": kind, "item_id": item, "content_index": 0, **said})
        if self._auto:
            self._load.spawn(self.answer())

    async def answer(self) -> None:
        """One spoken response of 4 s, sent at four times its speed."""
        response, item = self._id("resp"), self._id("item")
        base = {"object": "realtime.response", "id": response, "status_details": None, "metadata": None, "usage": None}
        message = {"id": item, "object": "realtime.item", "type": "message", "role": "assistant", "content": []}
        where = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        placed = {"response_id": response, "output_index": 0}
        self.send({"type": "response.created", "response": {**base, "status": "in_progress", "output": []}})
        opened = message | {"status": "in_progress"}
        self.send({"type": "response.output_item.added", **placed, "item": opened})
        self.send({"type": "conversation.item.added", "previous_item_id": None, "item": opened})
        self.send({"type": "response.content_part.added", **where, "part": {"type": "audio", "transcript": ""}})
        audio = ANSWERS[self._format]
        began = time.perf_counter()
        for n in range(DELTAS):
            self.send({"type": "response.output_audio_transcript.delta", **where, "delta": " word"})
            if n == 0 and self.call is not None:
                self.call.answer_sent()
            self.send({"type": "response.output_audio.delta", **where, "delta": audio})
            await asyncio.sleep(max(0.0, began + (n + 1) * DELTA_S / BURST - time.perf_counter()))
        words = " word" * DELTAS
        self.send({"type": "response.output_audio.done", **where})
        self.send({"type": "response.output_audio_transcript.done", **where, "transcript": words})
        self.send({"type": "response.content_part.done", **where, "part": {"type": "audio", "transcript": words}})
        done = message | {"status": "completed", "content": [{"type": "output_audio", "transcript": words}]}
        self.send({"type": "conversation.item.done", "previous_item_id": None, "item": done})
        self.send({"type": "response.output_item.done", **placed, "item": done})
        self.send({"type": "response.done", "response": {**base, "status": "completed", "output": [done]}})
