"""One response: its items, their deltas, and a clean end whether it completes, fails or is cancelled."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.realtime.audio_format import FORMATS, AudioFormat, Encoder
from engine.realtime.brain import BrainFailed, Call, Output
from engine.realtime.conversation import Item
from engine.realtime.protocol import Event, new_id
from engine.realtime.tokens import Budget, OutOfTokens, usage
from engine.speech.voice import sentences

log = logging.getLogger("engine")

_ARGUMENT_PIECE = 24
# The local engine has no quota; clients expect the event, so it says that everything remains.
_RATE_LIMITS = [
    {"name": "requests", "limit": 10000, "remaining": 10000, "reset_seconds": 0.0},
    {"name": "tokens", "limit": 1000000, "remaining": 1000000, "reset_seconds": 0.0},
]


class Outlet(Protocol):
    """Where a response's events and items go: its session."""

    def emit(self, event: Event) -> None:
        """Send one event."""
        ...

    async def room(self) -> None:
        """Wait while the client is behind in reading."""
        ...

    def keep(self, item: Item) -> str | None:
        """Add an output item to the conversation and give the id of the one before it."""
        ...

    async def say(self, sentence: str, speed: float) -> bytes:
        """One sentence as 16-bit PCM at 24 kHz."""
        ...


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """The settings a response was created with, frozen when it begins."""

    modalities: list[str]
    audio: dict[str, Any]
    max_tokens: int | str = "inf"
    metadata: dict[str, str] | None = None
    in_conversation: bool = True
    conversation_id: str | None = None


@dataclass(slots=True)
class _Part:
    """The message being said: what has left so far."""

    item: Item
    index: int
    encoder: Encoder
    text: str = ""
    audio_bytes: int = 0


@dataclass(slots=True)
class ResponseRun:
    """✅ OWNER of one response's events, from `response.created` to `response.done`.

    Exactly one `response.done` leaves, whichever of `run` and `cancel` comes first to its end.
    """

    outlet: Outlet
    options: ResponseOptions
    input_audio_ms: int = 0
    input_text: str = ""
    id: str = field(default_factory=lambda: new_id("resp"))
    done: bool = False
    audio_ms: int = 0
    output_items: list[Item] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    _part: _Part | None = None
    _budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self._budget = Budget(self.options.max_tokens)

    def start(self, replying: Replying, after: Callable[[ResponseRun], None]) -> None:
        """Announce the response and work on it; `after` is called once when it has ended by itself."""
        self.outlet.emit({"type": "response.created", "response": self._wire("in_progress", None)})
        self.task = asyncio.create_task(self._run(replying, after))

    def cancel(self, reason: str) -> None:
        """End it now (`reason`: turn_detected or client_cancelled). What was said so far stays, marked incomplete."""
        if self.task is not None:
            self.task.cancel()
        if not self.done:
            self._close_part("incomplete")
            self._finish("cancelled", {"type": "cancelled", "reason": reason})

    async def _run(self, replying: Replying, after: Callable[[ResponseRun], None]) -> None:
        try:
            async with aclosing(await replying(self)) as outputs:
                async for output in outputs:
                    await self._output(output)
            self._end_message()
            self._finish("completed", None)
        except OutOfTokens:
            self._close_part("incomplete")
            self._finish("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
        except Exception as problem:  # noqa: BLE001 - a response's edge: the caller's client must learn that it failed
            self._fail(problem)
        finally:
            after(self)

    async def _output(self, output: Output) -> None:
        if isinstance(output, Call):
            self._end_message()
            self._call(output)
        elif output.text:
            part = self._part or self._begin_message()
            await (self._speak(part, output.text) if self._spoken else self._write(part, output.text))
        await self.outlet.room()

    @property
    def _spoken(self) -> bool:
        return self.options.modalities == ["audio"]

    def _begin_message(self) -> _Part:
        item = Item(_fresh_item("message", role="assistant", content=[]))
        index = self._open_item(item)
        self._part = part = _Part(item, index, Encoder(self._wire_format))
        shape: Event = {"type": "audio", "transcript": ""} if self._spoken else {"type": "text", "text": ""}
        self._emit_part("response.content_part.added", part=shape)
        return part

    def _end_message(self) -> None:
        """Send the last of the message's audio and close it."""
        if self._part is not None and self._spoken:
            self._audio_deltas(self._part, self._part.encoder.feed(b"", last=True))
        self._close_part("completed")

    @property
    def _wire_format(self) -> AudioFormat:
        return FORMATS[self.options.audio["format"]["type"]]

    async def _speak(self, part: _Part, text: str) -> None:
        for sentence in sentences(text):
            pcm = await self.outlet.say(sentence, float(self.options.audio.get("speed") or 1.0))
            self._text_delta(part, "response.output_audio_transcript.delta", f" {sentence}" if part.text else sentence)
            self._audio_deltas(part, part.encoder.feed(pcm))
            await self.outlet.room()

    async def _write(self, part: _Part, text: str) -> None:
        for word in text.split(" "):
            self._text_delta(part, "response.output_text.delta", f" {word}" if part.text else word)

    def _audio_deltas(self, part: _Part, chunks: list[bytes]) -> None:
        for chunk in chunks:
            self._budget.take_audio(self._wire_format.ms(len(chunk)))
            self._emit_part("response.output_audio.delta", delta=base64.b64encode(chunk).decode())
            part.audio_bytes += len(chunk)
            part.item.hold(0, chunk, self._wire_format)

    def _text_delta(self, part: _Part, kind: str, delta: str) -> None:
        fitting = self._budget.fit(delta)
        if fitting:
            part.text += fitting
            self._emit_part(kind, delta=fitting)
        if fitting != delta:
            raise OutOfTokens

    def _call(self, call: Call) -> None:
        item = Item(_fresh_item("function_call", name=call.name, call_id=new_id("call"), arguments=""))
        index = self._open_item(item)
        where = {"response_id": self.id, "item_id": item.id, "output_index": index, "call_id": item.wire["call_id"]}
        for at in range(0, len(call.arguments), _ARGUMENT_PIECE):
            piece = call.arguments[at : at + _ARGUMENT_PIECE]
            if self._budget.fit(piece) != piece:
                # Half an object is no call: without `…arguments.done` no client runs it.
                self._close_item(index, item, "incomplete")
                raise OutOfTokens
            item.wire["arguments"] += piece
            self.outlet.emit({"type": "response.function_call_arguments.delta", **where, "delta": piece})
        done = {"arguments": call.arguments, "name": call.name}
        self.outlet.emit({"type": "response.function_call_arguments.done", **where, **done})
        self._close_item(index, item, "completed")

    def _open_item(self, item: Item) -> int:
        """Announce an item; gives its place in the response's output."""
        index = len(self.output_items)
        self.output_items.append(item)
        where = {"response_id": self.id, "output_index": index}
        self.outlet.emit({"type": "response.output_item.added", **where, "item": item.announced()})
        if self.options.in_conversation:
            previous = self.outlet.keep(item)
            self.outlet.emit(
                {"type": "conversation.item.added", "previous_item_id": previous, "item": item.announced()}
            )
        return index

    def _close_item(self, index: int, item: Item, status: str) -> None:
        item.wire["status"] = status
        if self.options.in_conversation:
            self.outlet.emit(
                {"type": "conversation.item.done", "previous_item_id": item.previous, "item": item.announced()}
            )
        where = {"response_id": self.id, "output_index": index}
        self.outlet.emit({"type": "response.output_item.done", **where, "item": item.announced()})

    def _close_part(self, status: str) -> None:
        part = self._part
        if part is None:
            return
        ended: Event = {"type": "text", "text": part.text}
        if self._spoken:
            ended = {"type": "audio", "transcript": part.text}
            self._emit_part("response.output_audio.done")
            self._emit_part("response.output_audio_transcript.done", transcript=part.text)
        else:
            self._emit_part("response.output_text.done", text=part.text)
        self._emit_part("response.content_part.done", part=ended)
        if part.item.cut_ms is None:  # a truncation that came while it was still being said stands
            part.item.wire["content"] = [{**ended, "type": f"output_{ended['type']}"}]
        self._part = None
        self.audio_ms += self._wire_format.ms(part.audio_bytes)
        self._close_item(part.index, part.item, status)

    def _emit_part(self, kind: str, **fields: Any) -> None:
        part = self._part
        if part is not None:
            where = {"response_id": self.id, "item_id": part.item.id, "output_index": part.index, "content_index": 0}
            self.outlet.emit({"type": kind, **where, **fields})

    def _fail(self, problem: Exception) -> None:
        if self.done:
            return
        if isinstance(problem, BrainFailed):
            log.warning("response %s failed: %s", self.id, problem)
            code, message = problem.code, str(problem)
        else:
            log.error("response %s failed", self.id, exc_info=problem)
            code, message = "engine_error", f"{type(problem).__name__}: {problem}"
        self._close_part("incomplete")
        error = {"type": "server_error", "code": code, "message": message}
        self._finish("failed", {"type": "failed", "error": error})

    def _finish(self, status: str, details: Event | None) -> None:
        if self.done:
            return
        self.done = True
        self.outlet.emit({"type": "response.done", "response": self._wire(status, details)})
        self.outlet.emit({"type": "rate_limits.updated", "rate_limits": _RATE_LIMITS})

    def _wire(self, status: str, details: Event | None) -> Event:
        voice = self.options.audio["voice"]
        output = {
            "format": self.options.audio["format"],
            "voice": voice["id"] if isinstance(voice, dict) else voice,
        }
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [item.announced() for item in self.output_items],
            "conversation_id": self.options.conversation_id,
            "output_modalities": self.options.modalities,
            "max_output_tokens": self.options.max_tokens,
            "audio": {"output": output},
            "metadata": self.options.metadata,
            "usage": None if status == "in_progress" else self._usage(),
        }

    def _usage(self) -> Event:
        written = [item.text() + str(item.wire.get("arguments", "")) for item in self.output_items]
        return usage(heard_ms=self.input_audio_ms, read=self.input_text, spoken_ms=self.audio_ms, written=written)


# Asked once, when the response has been announced: the reply as it comes.
Replying = Callable[[ResponseRun], Awaitable[AsyncGenerator[Output, None]]]


def _fresh_item(kind: str, **fields: Any) -> Event:
    return {"id": new_id("item"), "object": "realtime.item", "type": kind, "status": "in_progress", **fields}
