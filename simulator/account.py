"""The account that the stand-in serves: its calls, recordings, numbers, messages and the REST calls made to it.

In memory on purpose: a rehearsal's account lasts as long as its process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from simulator.clock import utc_now
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.line import Line
from simulator.records import CallRecord, MessageRecord, NumberRecord, RecordingRecord, RecordingRequest


class LiveCall(Protocol):
    """What the REST API may do to a call that is under way."""

    record: CallRecord
    journal: Journal
    line: Line
    over: asyncio.Event

    @property
    def connected(self) -> asyncio.Event:
        """Set once a media stream has been opened."""
        ...

    def redirect(self, *, url: str = "", twiml: str = "", method: str = "POST") -> None:
        """Give the call other TwiML."""
        ...

    def hang_up(self, by: str) -> None:
        """End the call."""
        ...

    def start_recording(self, request: RecordingRequest) -> RecordingRecord:
        """Start a recording."""
        ...

    def stop_recording(self, record: RecordingRecord) -> None:
        """End a recording before the call ends."""
        ...


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """`calls.create(...)` as it came in: Twilio's own parameter names."""

    params: dict[str, str]
    status_events: tuple[str, ...]
    recording_events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RestEntry:
    """One REST call, without its credentials."""

    at: str
    method: str
    path: str
    params: dict[str, str]
    status: int
    call_sid: str


@dataclass(slots=True)
class Account:
    """✅ OWNER: what exists under one account SID. `dial` places an outbound call; without it there are none."""

    sid: str
    auth_token: str
    base_url: str = ""
    faults: Faults = field(default_factory=Faults)
    calls: dict[str, CallRecord] = field(default_factory=dict)
    live: dict[str, LiveCall] = field(default_factory=dict)
    line_faults: dict[str, Faults] = field(default_factory=dict)
    recordings: dict[str, RecordingRecord] = field(default_factory=dict)
    numbers: dict[str, NumberRecord] = field(default_factory=dict)
    messages: dict[str, MessageRecord] = field(default_factory=dict)
    rest_calls: list[RestEntry] = field(default_factory=list)
    dial: Callable[[OutboundRequest], CallRecord] | None = None
    on_fetch: asyncio.Condition = field(default_factory=asyncio.Condition)

    def faults_for(self, call_sid: str) -> list[Faults]:
        """The faults to ask about a REST call: the account's, and those of the call concerned if it has its own."""
        own = self.line_faults.get(call_sid)
        return [self.faults] if own is None or own is self.faults else [self.faults, own]

    def recordings_of(self, call_sid: str) -> list[RecordingRecord]:
        """The recordings of one call, oldest first."""
        return [record for record in self.recordings.values() if record.call_sid == call_sid]

    def note_rest(self, method: str, path: str, params: dict[str, str], status: int, call_sid: str) -> None:
        """Remember a REST call; `call_sid` is empty when it concerned no call."""
        at = utc_now().isoformat()
        self.rest_calls.append(RestEntry(at, method, path, params, status, call_sid))
