"""One realtime session: client events in, server events out. Knows no socket and no model by name."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator, Callable
from typing import Any

from engine.realtime.audio_format import FORMATS
from engine.realtime.audio_input import AudioInput
from engine.realtime.brain import Ask, Brain, Output, Turn
from engine.realtime.conversation import Conversation, Item, item_from_client
from engine.realtime.protocol import ClientError, Event, new_id, optional, required, unsupported
from engine.realtime.response import ResponseOptions, ResponseRun
from engine.realtime.session_config import default_config, merged, turn_rules
from engine.realtime.transcripts import Transcripts
from engine.speech.bank import Speech
from engine.speech.turns import TurnChange

APPEND_LIMIT = 15 << 20
_SHORTEST_COMMIT_MS = 100
_WINDOWS_PER_STEP = 64


class RealtimeSession:
    """✅ OWNER of one session's state: config, conversation, input buffer, the one active response.

    ❌ NEVER shared between calls. All methods run on the event loop; the models' work is awaited, not done here.
    """

    def __init__(
        self, model: str, speech: Speech, brain: Brain, send: Callable[[Event], None], room: Callable[[], Any]
    ) -> None:
        self._speech = speech
        self._brain = brain
        self._send = send
        self._room = room
        self.id = new_id("sess")
        self.config = default_config(model)
        self._conversation = Conversation()
        self._vad = speech.borrow_vad()
        self._input = AudioInput(self._vad, FORMATS["audio/pcm"], turn_rules(self._detection or {}))
        self._transcripts = Transcripts(speech, self.emit)
        self._turn_item = ""
        self._active: ResponseRun | None = None
        self._answer_next = False
        self._played_until_ms = 0
        self._idle_armed = False
        self._spoke = False
        self._handlers: dict[str, Callable[[Event], Any]] = {
            "session.update": self._update,
            "input_audio_buffer.commit": self._commit_by_hand,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._item_create,
            "conversation.item.delete": self._item_delete,
            "conversation.item.retrieve": self._item_retrieve,
            "conversation.item.truncate": self._item_truncate,
            "response.create": self._response_create,
            "response.cancel": self._response_cancel,
        }

    # -- edges ------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Greet the client with `session.created`."""
        self.emit({"type": "session.created", "session": self._wire_session()})
        conversation = {"id": self._conversation.id, "object": "realtime.conversation"}
        self.emit({"type": "conversation.created", "conversation": conversation})

    def close(self) -> None:
        """End what is running and give the detector back."""
        if self._active is not None:
            self._active.cancel("client_cancelled")
        self._transcripts.close()
        self._speech.return_vad(self._vad)

    async def handle(self, event: Event) -> None:
        """Do what one client event asks. Raises `ClientError`."""
        kind = required(event, "type", str)
        if kind == "input_audio_buffer.append":
            await self._append(event)
        elif kind in self._handlers:
            self._handlers[kind](event)
        elif kind == "output_audio_buffer.clear":
            raise ClientError(
                "invalid_value", "'output_audio_buffer.clear' is only supported over WebRTC and SIP.", "type"
            )
        else:
            raise unsupported("type", kind, ["input_audio_buffer.append", *self._handlers])

    def emit(self, event: Event) -> None:
        """Send one server event, with an id of its own."""
        self._send({"event_id": new_id("event"), **event})

    async def room(self) -> None:
        """Wait while the client reads slower than we write."""
        await self._room()

    def keep(self, item: Item) -> str | None:
        """Add a response's item to the conversation."""
        return self._conversation.add(item)

    async def say(self, sentence: str, speed: float) -> bytes:
        """One sentence as 16-bit PCM at 24 kHz."""
        self._spoke = True
        return await self._speech.say(sentence, speed)

    # -- session ----------------------------------------------------------------------------------------------------

    @property
    def _detection(self) -> dict[str, Any] | None:
        detection: dict[str, Any] | None = self.config["audio"]["input"]["turn_detection"]
        return detection

    def _wire_session(self) -> Event:
        return {"object": "realtime.session", "id": self.id, **self.config}

    def _update(self, event: Event) -> None:
        self.config = merged(self.config, required(event, "session", dict), voice_frozen=self._spoke)
        wire = FORMATS[self.config["audio"]["input"]["format"]["type"]]
        self._input.configure(wire, turn_rules(self._detection) if self._detection else None)
        self._transcripts.announced = self.config["audio"]["input"]["transcription"] is not None
        self.emit({"type": "session.updated", "session": self._wire_session()})

    # -- the caller's audio -----------------------------------------------------------------------------------------

    async def _append(self, event: Event) -> None:
        coded = required(event, "audio", str)
        if len(coded) * 3 // 4 > APPEND_LIMIT:
            raise ClientError("invalid_value", f"Invalid 'audio': at most {APPEND_LIMIT} bytes in one append.", "audio")
        try:
            audio = base64.b64decode(coded, validate=True)
        except binascii.Error as problem:
            raise ClientError(
                "invalid_value", f"Invalid 'audio': expected base64-encoded bytes ({problem}).", "audio"
            ) from problem
        for n, change in enumerate(self._input.append(audio)):
            if change is not None:
                self._turn_changed(change)
            elif self._idle_armed:
                self._watch_idle()
            if n % _WINDOWS_PER_STEP == _WINDOWS_PER_STEP - 1:
                await asyncio.sleep(0)

    def _turn_changed(self, change: TurnChange) -> None:
        if change is TurnChange.STARTED:
            self._speech_started()
        elif change is TurnChange.LIKELY_OVER:
            self._transcripts.begin_early(*self._input.take())
        elif change is TurnChange.RESUMED:
            self._transcripts.drop_early()
        else:
            self._speech_stopped()

    def _speech_started(self) -> None:
        self._turn_item = new_id("item")
        self._idle_armed = False
        self.emit(
            {
                "type": "input_audio_buffer.speech_started",
                "audio_start_ms": self._input.speech_start_ms,
                "item_id": self._turn_item,
            }
        )
        if self._active is not None and self._detection and self._detection["interrupt_response"]:
            self._cancel_active("turn_detected")

    def _speech_stopped(self) -> None:
        self.emit(
            {
                "type": "input_audio_buffer.speech_stopped",
                "audio_end_ms": self._input.judged_ms,
                "item_id": self._turn_item,
            }
        )
        self._commit(self._turn_item)
        if self._detection and self._detection["create_response"]:
            self._answer()

    def _commit(self, item_id: str) -> None:
        samples, rate = self._input.take()
        self._input.drop_taken()
        content = [{"type": "input_audio", "transcript": None}]
        item = Item(
            {
                "id": item_id,
                "object": "realtime.item",
                "type": "message",
                "status": "completed",
                "role": "user",
                "content": content,
            }
        )
        item.audio_ms = samples.size * 1000 // rate
        previous = self._conversation.add(item)
        self.emit({"type": "input_audio_buffer.committed", "previous_item_id": previous, "item_id": item_id})
        self._announce(item)
        self._transcripts.finish(item, samples, rate)

    def _commit_by_hand(self, event: Event) -> None:
        if self._input.buffered_ms < _SHORTEST_COMMIT_MS:
            raise ClientError(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{_SHORTEST_COMMIT_MS}ms of audio, but buffer only has {self._input.buffered_ms:.2f}ms of audio.",
            )
        self._transcripts.drop_early()
        self._commit(self._turn_item if self._input.speaking else new_id("item"))

    def _clear(self, event: Event) -> None:
        self._transcripts.drop_early()
        self._input.clear()
        self.emit({"type": "input_audio_buffer.cleared"})

    def _watch_idle(self) -> None:
        limit = (self._detection or {}).get("idle_timeout_ms")
        now = self._input.judged_ms
        if limit is None or self._active is not None or now < self._played_until_ms + limit:
            return
        self._idle_armed = False
        item_id = new_id("item")
        self.emit(
            {
                "type": "input_audio_buffer.timeout_triggered",
                "audio_start_ms": self._played_until_ms,
                "audio_end_ms": now,
                "item_id": item_id,
            }
        )
        self._commit(item_id)
        self._answer()

    # -- items ------------------------------------------------------------------------------------------------------

    def _announce(self, item: Item) -> None:
        for kind in ("conversation.item.added", "conversation.item.done"):
            self.emit({"type": kind, "previous_item_id": item.previous, "item": dict(item.wire)})

    def _item_create(self, event: Event) -> None:
        item = item_from_client(required(event, "item", dict))
        self._conversation.add(item, optional(event, "previous_item_id", str))
        self._announce(item)
        self._transcripts.hear_client_item(item, FORMATS[self.config["audio"]["input"]["format"]["type"]])

    def _item_delete(self, event: Event) -> None:
        item = self._conversation.find(required(event, "item_id", str), "delete")
        self._conversation.remove(item)
        self.emit({"type": "conversation.item.deleted", "item_id": item.id})

    def _item_retrieve(self, event: Event) -> None:
        item = self._conversation.find(required(event, "item_id", str), "retrieve")
        self.emit({"type": "conversation.item.retrieved", "item": dict(item.wire)})

    def _item_truncate(self, event: Event) -> None:
        item = self._conversation.find(required(event, "item_id", str), "truncate")
        end_ms = required(event, "audio_end_ms", int)
        index = required(event, "content_index", int)
        if item.wire.get("role") != "assistant" or item.audio_ms is None or index != 0:
            raise ClientError("invalid_value", "Only model output audio messages can be truncated.", "item_id")
        if end_ms > item.audio_ms:
            raise ClientError(
                "invalid_value",
                f"Audio content of {item.audio_ms}ms is already shorter than {end_ms}ms.",
                "audio_end_ms",
            )
        # The protocol drops the transcript: nobody knows which of its words were heard.
        item.audio_ms = max(0, end_ms)
        item.wire["content"] = [{"type": "output_audio", "transcript": ""}]
        self.emit(
            {
                "type": "conversation.item.truncated",
                "item_id": item.id,
                "content_index": 0,
                "audio_end_ms": item.audio_ms,
            }
        )

    # -- responses --------------------------------------------------------------------------------------------------

    def _response_create(self, event: Event) -> None:
        if self._active is not None:
            raise ClientError(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self._active.id}. "
                "Wait until the response is finished.",
            )
        self._begin(optional(event, "response", dict) or {})

    def _response_cancel(self, event: Event) -> None:
        chosen = optional(event, "response_id", str)
        if self._active is None or chosen not in (None, self._active.id):
            raise ClientError("response_cancel_not_active", "Cancellation failed: no active response found.")
        self._cancel_active("client_cancelled")

    def _answer(self) -> None:
        """Respond to a committed turn: now, or when a response that may not be interrupted has ended."""
        if self._active is None:
            self._begin({})
        else:
            self._answer_next = True

    def _begin(self, asked: Event) -> None:
        in_conversation = asked.get("conversation", "auto") != "none"
        change = {
            key: value
            for key, value in asked.items()
            if key in ("output_modalities", "tools", "tool_choice", "max_output_tokens", "audio")
        }
        config = merged(self.config, change, voice_frozen=self._spoke) if change else self.config
        extra = [item_from_client(raw) for raw in asked["input"]] if isinstance(asked.get("input"), list) else None
        items = list(self._conversation.items) if extra is None else extra
        options = ResponseOptions(
            config["output_modalities"],
            config["audio"]["output"],
            config["max_output_tokens"],
            optional(asked, "metadata", dict),
            in_conversation,
            self._conversation.id if in_conversation else None,
        )
        once = optional(asked, "instructions", str)
        self._idle_armed = False
        self._active = ResponseRun(self, options)
        self._active.start(lambda: self._think(items, config, once), self._ended)

    async def _think(self, items: list[Item], config: dict[str, Any], once: str | None) -> AsyncGenerator[Output, None]:
        """The reply as it comes, once the caller's words are known."""
        run = self._active
        await self._transcripts.settled(items)
        turns = tuple(turn for item in items if (turn := _turn_of(item)) is not None)
        if run is not None:
            run.input_audio_ms = sum(item.audio_ms or 0 for item in items if item.wire.get("role") == "user")
            run.input_text = (config["instructions"] or "") + "".join(
                turn.text for turn in turns if turn.role != "user"
            )
        ask = Ask(config["instructions"] or "", turns, tuple(config["tools"] or ()), config["tool_choice"], once)
        return self._brain.reply(ask)

    def _cancel_active(self, reason: str) -> None:
        run, self._active = self._active, None
        if run is not None:
            run.cancel(reason)
            self._after(run)

    def _ended(self, run: ResponseRun) -> None:
        if run is not self._active:
            return
        self._active = None
        self._after(run)
        if self._answer_next:
            self._answer_next = False
            self._begin({})

    def _after(self, run: ResponseRun) -> None:
        self._played_until_ms = max(self._played_until_ms, self._input.judged_ms) + run.audio_ms
        self._idle_armed = True


def _turn_of(item: Item) -> Turn | None:
    wire = item.wire
    if wire["type"] == "message":
        return Turn(wire["role"], item.text())
    if wire["type"] == "function_call":
        return Turn("call", wire["arguments"], wire["name"], wire["call_id"])
    return Turn("result", wire["output"], call_id=wire["call_id"])
