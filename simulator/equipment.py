"""What one leg of a call is made of and works with; put together by `simulator.place` and `simulator.child`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from simulator.clock import Clock
from simulator.faults import Faults, Speaker
from simulator.journal import Journal
from simulator.line import Line
from simulator.places import Places
from simulator.recordings import Recorder
from simulator.records import CallRecord
from simulator.signing import Signer
from simulator.verbs import Number
from simulator.webhooks import Courier


class CallBroken(Exception):
    """The call cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a call's first TwiML comes from, and where its statuses go (public URLs)."""

    url: str = ""
    twiml: str = ""
    method: str = "POST"
    status_callback: str = ""
    status_method: str = "POST"
    status_events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Amd:
    """Answering-machine detection on one call: what it will find, and when (ms after the answer)."""

    answered_by: str
    after_ms: int
    waits: bool
    callback: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class LegPlan:
    """How a leg begins and when it must end (seconds of call time). `result` is `answered` or a final status."""

    result: str = "answered"
    ring_s: float = 1.0
    timeout_s: float = 60.0
    time_limit_s: float = 600.0
    amd: Amd | None = None


class Leg(Protocol):
    """A leg, as `<Dial>` sees the one that it has made."""

    record: CallRecord
    line: Line
    journal: Journal

    async def run(self) -> None:
        """Carry the leg through to its end."""
        ...

    def hang_up(self, by: str) -> None:
        """End it."""
        ...


@dataclass(frozen=True, slots=True)
class LegOrder:
    """A leg wanted by `<Dial>`. `tail` is awaited when its TwiML has run out, and says who ended the leg."""

    number: Number
    caller_id: str
    timeout_s: float
    tail: Callable[[Leg], Awaitable[str]]


@dataclass(slots=True)
class Equipment:
    """What a leg works with. Without `new_leg` nobody can be dialled from it."""

    clock: Clock
    journal: Journal
    courier: Courier
    line: Line
    recorder: Recorder
    signer: Signer
    places: Places
    voice: Speaker | None
    faults: Faults
    new_leg: Callable[[LegOrder], Leg] | None = None
