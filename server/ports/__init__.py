"""Protocols for what leaves the machine, and the clock. Bootstrap installs one implementation of each per process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from server.ports.realtime import RealtimeModel
from server.ports.web import Web


class PortsNotInstalled(RuntimeError):
    """A use case ran in a process that was not bootstrapped."""


class RecordingUnavailable(Exception):
    """The provider can't give the recording. `retryable` says whether asking again later may help."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class ProviderError(Exception):
    """A provider refused or failed. `retryable` says whether the same request may succeed later.

    `delay_s` is how long the provider asked to be left alone, where it said so.
    """

    def __init__(self, message: str, *, retryable: bool, delay_s: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.delay_s = delay_s


class CallNotPlaced(ProviderError):
    """The provider has certainly not placed the call. Any other `ProviderError` leaves that open."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the provider knows of a call. `status` is its own word; `duration_s` is there once the call has ended."""

    sid: str
    status: str
    duration_s: int | None = None
    answered_by: str | None = None


@dataclass(frozen=True, slots=True)
class CallOrder:
    """What to dial. Times in seconds; `machine_url` asks for answering-machine detection beside the call."""

    to: str
    from_: str
    voice_url: str
    status_url: str
    ring_timeout_s: int
    time_limit_s: int
    machine_url: str | None = None


class Telephony(Protocol):
    """The phone provider's REST side."""

    def start_recording(self, call_sid: str, callback_url: str) -> str:
        """Start a dual-channel recording of a call in progress; returns its id. Raises `ProviderError`."""
        ...

    def end_call(self, call_sid: str) -> None:
        """Complete a call; a call that has ended already is no error. Raises `ProviderError`."""
        ...

    def place_call(self, order: CallOrder) -> str:
        """Dial; returns the call's id. Raises `CallNotPlaced` where nothing was dialled, else `ProviderError`."""
        ...

    def find_calls(self, *, to: str, from_: str, since: datetime) -> list[CallFacts]:
        """Outbound calls between two numbers made at or after `since`, newest first. Raises `ProviderError`."""
        ...

    def fetch_call(self, call_sid: str) -> CallFacts | None:
        """What became of a call; None for one that the provider does not know. Raises `ProviderError`."""
        ...

    def redirect_call(self, call_sid: str, twiml: str) -> None:
        """Go on with other instructions; a call that has ended already is no error. Raises `ProviderError`."""
        ...

    def fetch_recording(self, recording_url: str, target: Path) -> int:
        """Stream the WAV, dual-channel if there is one, into `target`; returns bytes. Raises `RecordingUnavailable`."""
        ...

    def connect_number(self, number: str, voice_url: str, status_url: str) -> str:
        """Set a number's webhooks; returns the number's id. Raises `ProviderError`."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """One stretch of speech in a recording, as transcribed. Times in milliseconds from the recording's start."""

    start_ms: int
    end_ms: int
    text: str


class Transcriber(Protocol):
    """A post-call transcription model."""

    def transcribe(self, wav: bytes, *, keywords: Sequence[str], language: str) -> str:
        """The words of one mono WAV. Raises `ProviderError`."""
        ...


class Writer(Protocol):
    """A text model."""

    def write(self, instructions: str, text: str) -> str:
        """The model's answer to `text` under `instructions`. Raises `ProviderError`."""
        ...


class Speaker(Protocol):
    """A text-to-speech model."""

    def say(self, text: str, voice: str) -> bytes:
        """The sentence as μ-law bytes at 8 kHz; none where this is not offered. Raises `ProviderError`."""
        ...


class BlobStore(Protocol):
    """Where recordings are kept."""

    def put_file(self, key: str, source: Path) -> None:
        """Store a file under `key`, replacing what is there, visible only when whole."""
        ...

    def fetch_to(self, key: str, target: Path) -> bool:
        """Copy the blob to `target`; False when there is none."""
        ...

    def delete(self, key: str) -> None:
        """Remove a blob; one that is gone already is no error."""
        ...


class JobQueue(Protocol):
    """The job engine, as the edges see it."""

    def enqueue(self, kind: str, key: str, payload: Mapping[str, Any], *, delay_s: float = 0.0) -> None:
        """Join the open transaction of `db.session` with a job; a rollback leaves no job.

        It is not begun before `delay_s` seconds have passed.
        """
        ...


class Clock(Protocol):
    """Wall-clock time, in UTC."""

    def now(self) -> datetime:
        """The current time, timezone-aware."""
        ...


ApplyEvent = Callable[[int], str]
"""Applies one stored provider event by its id (the status owner's function) and returns the answer to send."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One implementation of everything outside, for this process."""

    telephony: Telephony
    transcriber: Transcriber
    writer: Writer
    blobs: BlobStore
    jobs: JobQueue
    clock: Clock
    cache_dir: Path
    public_url: str = "http://127.0.0.1:8000"
    media_url: str = "wss://127.0.0.1:8000/ws/twilio-media"
    realtime: RealtimeModel | None = None
    apply_event: ApplyEvent | None = None
    speaker: Speaker | None = None
    max_calls: int = 100
    web: Web | None = None


_installed: Ports | None = None


def install(ports: Ports | None) -> None:
    """Give this process its ports. ✅ OWNER: bootstrap (and tests) ONLY."""
    global _installed
    _installed = ports


def current() -> Ports:
    """The ports of this process. Raises `PortsNotInstalled`."""
    if _installed is None:
        raise PortsNotInstalled("no ports are installed: start through `frontdesk`, or call server.ports.install first")
    return _installed
