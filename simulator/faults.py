"""Where a telephone line can misbehave: the one seam through which faults enter a simulated call.

`Faults` itself is a line without any. A fault is a subclass that overrides the one or two methods it is about and
nothing else; the line, the webhook sender, the leg and the REST server ask it at the moment concerned. The named ones
are in `simulator.fault_catalogue`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.report import FaultFacts


@dataclass(frozen=True, slots=True)
class RestFailure:
    """A REST answer to give instead of the true one."""

    status: int
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What a line is doing in one 20 ms: who is audible, and how far the caller has come with the script."""

    at_ms: int
    agent: bool
    caller: bool
    lines_left: int


class Speaker(Protocol):
    """Turns words into telephone audio."""

    def speak(self, text: str) -> bytes:
        """μ-law, 8 kHz."""
        ...


Notice = Callable[[str, dict[str, object]], None]


class Faults:
    """A line on which everything works. `name` is set for the ones of the catalogue."""

    name = ""
    seed = 0
    times = 0
    notice: Notice | None = None

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    # What every fault shares.

    def chance(self, *key: object) -> random.Random:
        """Randomness that depends on the seed, the fault and `key` alone, not on what happened before."""
        return random.Random("/".join(map(str, (self.seed, self.name or type(self).__name__, *key))))

    def strike(self, **data: object) -> None:
        """Count that the fault has struck. The first time is an event of the call; the report has the count."""
        self.times += 1
        if self.times == 1 and self.notice is not None:
            self.notice(self.name or type(self).__name__, data)

    def prepare(self, voice: Speaker | None) -> None:
        """Get audio ready before the call; may block. `voice` is the caller's, if it has one."""

    def facts(self) -> list[FaultFacts]:
        """The faults on this line and how often each has struck."""
        return [] if type(self) is Faults else [FaultFacts(self.name or type(self).__name__, self.times)]

    # Ringing and answering.

    def ring_result(self) -> str:
        """How ringing ends: `answered`, or a final status (`busy`, `no-answer`, `failed`, `canceled`)."""
        return "answered"

    def answerer(self) -> str | None:
        """Who answers an outbound call instead of the person planned: a name of `simulator.answerers.ANSWERERS`."""
        return None

    # Webhooks.

    def callback_delays(self, kind: str, params: dict[str, str]) -> Sequence[float]:
        """When to deliver a callback of `kind` (`status`, `recording`, `stream`, `amd`): seconds of call time from now,
        one entry a delivery; two entries duplicate it, none loses it."""
        return (0.0,)

    def holds_callback(self, kind: str, params: dict[str, str]) -> bool:
        """Whether to keep a callback back until the next one of its kind has been delivered, or the call is over."""
        return False

    def webhook_times(self, kind: str) -> Sequence[float]:
        """When to send a webhook whose answer matters (`voice`, `action`, …): seconds of call time from now, one entry
        a copy, all with one token. The answer that comes last is the one that counts."""
        return (0.0,)

    # Audio.

    def caller_audio(self, spoken: bytes, heard: bytes) -> bytes:
        """The caller's 20 ms as the line carries them; `heard` is what the caller hears meanwhile (may be shorter)."""
        return spoken

    def caller_frames(self, frame: bytes) -> Sequence[bytes]:
        """What goes to the server for one 20 ms frame of the caller: none (gap), several (burst), other sizes."""
        return (frame,)

    def mark_delay(self, name: str) -> float | None:
        """Seconds of call time between reaching a mark and returning it; `None` never returns it."""
        return 0.0

    # People and sockets.

    def observe(self, moment: Moment) -> None:
        """20 ms of the line have passed."""

    def leaves(self) -> bool:
        """Whether the caller hangs up now."""
        return False

    def cuts_socket(self, stream_ms: int) -> bool:
        """Whether the media socket breaks now, without a close frame; `stream_ms` counts from the stream's start."""
        return False

    # REST.

    def rest_failure(self, method: str, path: str) -> RestFailure | None:
        """An error to answer a REST call with."""
        return None

    def recording_failure(self, attempt: int, channels: int) -> RestFailure | None:
        """An error for a recording's media; `attempt` counts from 1, `channels` is what was asked for."""
        return None

    def create_waits_for_stream(self) -> bool:
        """Whether `calls.create(…)` returns only when the call's media stream has been opened (or the call is over)."""
        return False
