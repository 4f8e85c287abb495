"""The realtime speech model, as the media bridge sees it: a capability, whatever protocol stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from server.domain.events import Event


@dataclass(frozen=True, slots=True)
class VoiceConfig:
    """What the model is told before a call: μ-law 8 kHz in and out, voice detection by the model."""

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

    def model_event(self, event: Event) -> None:
        """Anything else that happened. A lost connection is `ModelFailed(fatal=True)`."""
        ...


class RealtimeConnection(Protocol):
    """An open session with the model. Nothing here blocks."""

    def caller_audio(self, payload: str) -> None:
        """Audio from the phone: base64 of μ-law bytes. The hot path."""
        ...

    def create_response(self, instructions: str | None, *, tools: bool) -> None:
        """Ask for a response."""
        ...

    def add_context(self, text: str) -> None:
        """Add a system message to the conversation."""
        ...

    def return_tool_output(self, call_id: str, output: str) -> None:
        """Give a tool's result."""
        ...

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """Tell how much of an item was heard."""
        ...

    def close(self) -> None:
        """End the session; no event follows."""
        ...


class RealtimeModel(Protocol):
    """Opens sessions."""

    async def connect(self, config: VoiceConfig, sink: RealtimeSink) -> RealtimeConnection:
        """Connect and configure. Raises `server.ports.ProviderError` when the model can't be reached or refuses."""
        ...
