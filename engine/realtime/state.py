"""What the parts of one session share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.realtime.conversation import Conversation, Item
from engine.realtime.protocol import Event, new_id
from engine.realtime.session_config import Config


@dataclass(slots=True)
class SessionState:
    """✅ OWNER of one session's config and conversation. `send` takes events in the order they must leave."""

    config: Config
    send: Callable[[Event], None]
    conversation: Conversation = field(default_factory=Conversation)

    @property
    def detection(self) -> dict[str, Any] | None:
        """The session's turn detection, complete; None when the client commits by hand."""
        detection: dict[str, Any] | None = self.config["audio"]["input"]["turn_detection"]
        return detection

    def emit(self, event: Event) -> None:
        """Send one server event, with an id of its own."""
        self.send({"event_id": new_id("event"), **event})

    def announce(self, item: Item) -> None:
        """Tell of an item that is complete from the start."""
        for kind in ("conversation.item.added", "conversation.item.done"):
            self.emit({"type": kind, "previous_item_id": item.previous, "item": item.announced()})
