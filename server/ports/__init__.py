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
    """A provider refused or failed. `retryable` says whether the same request may succeed later."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class Telephony(Protocol):
    """The phone provider's REST side."""

    def start_recording(self, call_sid: str, callback_url: str) -> str:
        """Start a dual-channel recording of a call in progress; returns its id. Raises `ProviderError`."""
        ...

    def end_call(self, call_sid: str) -> None:
        """Complete a call; a call that has ended already is no error. Raises `ProviderError`."""
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

    def enqueue(self, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        """Join the open transaction of `db.session` with a job; a rollback leaves no job."""
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
