"""One realtime session: client events in, server events out. Knows no socket and no model by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from engine.realtime.audio_format import FORMATS
from engine.realtime.brain import Brain
from engine.realtime.client_items import item_from_client
from engine.realtime.listening import Listening
from engine.realtime.protocol import ClientError, Event, new_id, of_type, optional, required, unsupported
from engine.realtime.responses import Responses
from engine.realtime.session_config import default_config, merged, wire_session
from engine.realtime.state import SessionState
from engine.realtime.transcripts import Transcripts
from engine.speech.bank import Speech


class RealtimeSession:
    """✅ OWNER of one session's parts and of which of them does what a client event asks.

    ❌ NEVER shared between calls. All methods run on the event loop; the models' work is awaited, not done here.
    """

    def __init__(
        self,
        model: str,
        speech: Speech,
        brain: Brain,
        send: Callable[[Event], None],
        room: Callable[[], Awaitable[None]],
        *,
        kind: str = "realtime",
        expires_at: int = 0,
    ) -> None:
        self.id = new_id("sess")
        self._expires_at = expires_at
        self._speech = speech
        self._state = SessionState(default_config(model, kind), send)
        self._vad = speech.borrow_vad()
        self._transcripts = Transcripts(speech, self.emit)
        self._responses = Responses(self._state, speech, brain, self._transcripts, room, self._response_over)
        self._listening = Listening(self._state, self._vad, self._transcripts, self._responses)
        self._follow_config()
        self._handlers: dict[str, Callable[[Event], Any]] = {
            "session.update": self._update,
            "input_audio_buffer.commit": self._listening.commit_by_hand,
            "input_audio_buffer.clear": self._listening.clear,
            "conversation.item.create": self._item_create,
            "conversation.item.delete": self._item_delete,
            "conversation.item.retrieve": self._item_retrieve,
            "conversation.item.truncate": self._item_truncate,
            "response.create": self._responses.create,
            "response.cancel": self._responses.cancel,
        }

    def open(self) -> None:
        """Greet the client with `session.created`."""
        self.emit({"type": "session.created", "session": self._wire_session()})
        conversation = {"id": self._state.conversation.id, "object": "realtime.conversation"}
        self.emit({"type": "conversation.created", "conversation": conversation})

    def close(self) -> None:
        """End what is running and give the detector back."""
        self._responses.close()
        self._transcripts.close()
        self._speech.return_vad(self._vad)

    async def handle(self, event: Event) -> None:
        """Do what one client event asks. Raises `ClientError`."""
        kind = required(event, "type", str)
        optional(event, "event_id", str)
        if kind == "input_audio_buffer.append":
            await self._listening.append(event)
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
        self._state.emit(event)

    # -- session ----------------------------------------------------------------------------------------------------

    def _wire_session(self) -> Event:
        return wire_session(self._state.config, self.id, self._expires_at)

    def _update(self, event: Event) -> None:
        change = required(event, "session", dict)
        self._state.config = merged(self._state.config, change, voice_frozen=self._responses.spoke)
        self._follow_config()
        self.emit({"type": "session.updated", "session": self._wire_session()})

    def _follow_config(self) -> None:
        config = self._state.config
        self._listening.configure()
        wanted = config["audio"]["input"]["transcription"] is not None
        self._transcripts.announced = wanted or config["type"] == "transcription"

    def _response_over(self, playing_ms: int) -> None:
        self._listening.response_over(playing_ms)

    # -- items ------------------------------------------------------------------------------------------------------

    def _item_create(self, event: Event) -> None:
        wire = FORMATS[self._state.config["audio"]["input"]["format"]["type"]]
        item = item_from_client(required(event, "item", dict), wire)
        self._state.conversation.add(item, optional(event, "previous_item_id", str))
        self._state.announce(item)
        self._transcripts.hear_parts(item, announced=True)

    def _item_delete(self, event: Event) -> None:
        item = self._state.conversation.find(required(event, "item_id", str), "delete")
        self._state.conversation.remove(item)
        self.emit({"type": "conversation.item.deleted", "item_id": item.id})

    def _item_retrieve(self, event: Event) -> None:
        item = self._state.conversation.find(required(event, "item_id", str), "retrieve")
        self.emit({"type": "conversation.item.retrieved", "item": item.with_audio()})

    def _item_truncate(self, event: Event) -> None:
        item = self._state.conversation.find(required(event, "item_id", str), "truncate")
        end_ms = required(event, "audio_end_ms", int)
        index = of_type(required(event, "content_index", int), "content_index", int)
        if item.wire.get("role") != "assistant" or item.audio_ms is None:
            raise ClientError("invalid_value", "Only model output audio messages can be truncated.", "item_id")
        if index != 0:
            raise ClientError(
                "invalid_value", f"The item has no content part {str(index)[:20]}: set 0.", "content_index"
            )
        if end_ms < 0:
            raise ClientError("invalid_value", "Invalid 'audio_end_ms': it cannot be negative.", "audio_end_ms")
        if end_ms > item.audio_ms:
            raise ClientError(
                "invalid_value",
                f"Audio content of {item.audio_ms}ms is already shorter than {str(end_ms)[:20]}ms.",
                "audio_end_ms",
            )
        item.truncate(end_ms)
        self._listening.playback_stopped()
        self.emit(
            {"type": "conversation.item.truncated", "item_id": item.id, "content_index": 0, "audio_end_ms": end_ms}
        )
