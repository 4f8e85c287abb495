"""The realtime speech model, as the media bridge sees it: a capability, whatever protocol stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from server.domain.commands import ModelCommand
from server.domain.events import Event


@dataclass(frozen=True, slots=True)
class VoiceConfig:
    """What the model is told before a call: μ-law 8 kHz in and out; it detects the voice, and answers when asked."""

    instructions: str
    tools: Sequence[dict[str, Any]]
    voice: str
    language: str
    silence_ms: int


class RealtimeSink(Protocol):
    """Who listens to the model. Called on the event loop; must not block."""

    def agent_audio(self, item_id: str, payload: str) -> None:
        """Audio of one item: base64 of μ-law bytes, ready for the phone."""
        ...

    def agent_words(self, item_id: str, delta: str) -> None:
        """Some of an item's words, as they are generated."""
        ...

    def model_event(self, event: Event) -> None:
        """Anything else that happened. A lost connection is `ModelFailed(fatal=True)`."""
        ...


class RealtimeConnection(Protocol):
    """An open session with the model. Nothing here blocks."""

    def caller_audio(self, payload: str) -> None:
        """Audio from the phone: base64 of μ-law bytes. The hot path."""
        ...

    def tell(self, command: ModelCommand) -> None:
        """What the call session wants of the model."""
        ...

    def close(self) -> None:
        """End the session; no event follows."""
        ...


class RealtimeModel(Protocol):
    """Opens sessions."""

    async def connect(self, config: VoiceConfig, sink: RealtimeSink) -> RealtimeConnection:
        """Connect and configure. Raises `server.ports.ProviderError` when the model can't be reached or refuses."""
        ...
