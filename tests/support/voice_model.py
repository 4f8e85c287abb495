"""A realtime model without speech: it hears where sound begins and ends, and answers each utterance from a table.

An utterance's length says what it means, so that callers need no voice: one of about three seconds is the
goodbye, any other a question. Time is counted in the caller's audio, so that a call may run at any speed.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import picows

from simulator.sounds import hum

QUESTION: Final = "When are you open on Saturday?"
GOODBYE: Final = "Thank you, goodbye."
ANSWER: Final = "On Saturday we are open from ten to four."
QUESTION_AUDIO: Final = hum(700)
GOODBYE_AUDIO: Final = hum(2600)
_GOODBYE_MS: Final = (1500, 3300)
_STARTS_MS: Final = 60
_SILENCE_MS: Final = 500
_SPEECH_MS: Final = 1600
_SPEECH: Final = b"\x9f\x9f\x1f\x1f" * (2 * _SPEECH_MS)
"""The agent's voice has no ups and downs, so that no caller's is like it."""
_PIECE: Final = 1600
_QUIET: Final = frozenset({*range(0x60, 0x80), *range(0xE0, 0x100)})
"""μ-law bytes that are hardly any sound."""


class VoiceModel:
    """The server; `sessions` are all that it ever had, `down` refuses new ones."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.down = False
        self.port = 0
        self._server: Any = None

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await picows.ws_create_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def open(self) -> int:
        """How many sessions are connected."""
        return sum(session.transport is not None for session in self.sessions)

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    def _accept(self, request: picows.WSUpgradeRequest) -> Any:
        if self.down:
            refusal = picows.WSUpgradeResponse.create_error_response(503, b"the model is down")
            return picows.WSUpgradeResponseWithListener(refusal, None)
        self.sessions.append(Session())
        return self.sessions[-1]


class Session(picows.WSListener):
    """One session: its voice detection, its conversation and its answers."""

    def __init__(self) -> None:
        self.transport: picows.WSTransport | None = None
        self.asked: list[str] = []
        """The types of what it was sent, but audio."""
        self._voiced = self._silent = self._length = 0.0
        self._utterance: str | None = None
        self._numbers = 0
        self._next: str | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.transport = None

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()
        elif frame.msg_type == picows.WSMsgType.TEXT:
            self._event(json.loads(frame.get_payload_as_utf8_text()))

    def _event(self, event: dict[str, Any]) -> None:
        if event["type"] == "input_audio_buffer.append":
            self._hear(base64.b64decode(event["audio"]))
            return
        self.asked.append(event["type"])
        if event["type"] == "session.update":
            self._say("session.updated", session={})
        elif event["type"] == "response.create":
            self._respond(event["response"])

    def _hear(self, audio: bytes) -> None:
        """Voice detection, 1 ms at a time as far as whole ones came."""
        for at in range(0, len(audio), 8):
            piece = audio[at : at + 8]
            voiced = sum(byte not in _QUIET for byte in piece) * 2 > len(piece)
            ms = len(piece) / 8
            self._voiced = self._voiced + ms if voiced else 0
            self._silent = 0 if voiced else self._silent + ms
            self._length += ms
            self._turn()

    def _turn(self) -> None:
        if self._utterance is None and self._voiced >= _STARTS_MS:
            self._utterance, self._length = self._new("item"), self._voiced
            self._say("input_audio_buffer.speech_started", item_id=self._utterance, audio_start_ms=0)
        elif self._utterance is not None and self._silent >= _SILENCE_MS:
            item, self._utterance = self._utterance, None
            words = GOODBYE if _GOODBYE_MS[0] < self._length - _SILENCE_MS < _GOODBYE_MS[1] else QUESTION
            self._next = words
            self._say("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=0)
            self._say("input_audio_buffer.committed", item_id=item, previous_item_id=None)
            self._say("conversation.item.input_audio_transcription.completed", item_id=item, transcript=words)

    def _respond(self, asked: dict[str, Any]) -> None:
        response, item = self._new("resp"), self._new("said")
        words, calls = self._words(asked)
        self._say("response.created", response={"id": response})
        place = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        self._say("response.output_item.added", item={"id": item, "type": "message", "role": "assistant"})
        for at in range(0, len(_SPEECH), _PIECE):
            delta = base64.b64encode(_SPEECH[at : at + _PIECE]).decode()
            self._say("response.output_audio.delta", **place, delta=delta)
        self._say("response.output_audio_transcript.done", **place, transcript=words)
        self._say("response.done", response={"id": response, "status": "completed", "output": calls})

    def _words(self, asked: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        """What is said, and the tools that are called."""
        heard, self._next = self._next, None
        if heard == GOODBYE:
            end = {"type": "function_call", "call_id": self._new("call"), "name": "end_call", "arguments": "{}"}
            return "Thank you for calling. Goodbye.", [end]
        if heard == QUESTION:
            return ANSWER, []
        return "Thank you for calling Harbour Hair.", []

    def _new(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}_{id(self)}_{self._numbers}"

    def _say(self, kind: str, **values: Any) -> None:
        if self.transport is not None:
            self.transport.send(picows.WSMsgType.TEXT, json.dumps({"type": kind, **values}).encode())
