"""Where a telephone line can misbehave: the one seam through which faults enter a simulated call.

`Faults` itself is a line without any. A fault is a subclass that overrides the one or two methods it is about and
nothing else; the line, the webhook sender and the REST server ask it at the moment concerned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestFailure:
    """A REST answer to give instead of the true one."""

    status: int
    code: int
    message: str


class Faults:
    """A line on which everything works."""

    def ring_result(self) -> str:
        """How ringing ends: `answered`, or a final status (`busy`, `no-answer`, `failed`, `canceled`)."""
        return "answered"

    def callback_delays(self, kind: str, params: dict[str, str]) -> Sequence[float]:
        """When to deliver a callback of `kind` (`status`, `recording`, `stream`): seconds of call time from now, one
        entry a delivery; two entries duplicate it, none loses it."""
        return (0.0,)

    def caller_frames(self, frame: bytes) -> Sequence[bytes]:
        """What goes to the server for one 20 ms frame of the caller: none (gap), several (burst), other sizes."""
        return (frame,)

    def mark_delay(self, name: str) -> float | None:
        """Seconds of call time between reaching a mark and returning it; `None` never returns it."""
        return 0.0

    def cuts_socket(self, stream_ms: int) -> bool:
        """Whether the media socket breaks now, without a close frame; `stream_ms` counts from the stream's start."""
        return False

    def rest_failure(self, method: str, path: str) -> RestFailure | None:
        """An error to answer a REST call with."""
        return None

    def recording_failure(self, attempt: int, channels: int) -> RestFailure | None:
        """An error for a recording's media; `attempt` counts from 1, `channels` is what was asked for."""
        return None
