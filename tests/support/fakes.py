"""The ports of a process, faked: they keep what they were asked for, and do what the test tells them."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from phoneaudio.wav import wav_bytes
from server.ports import CallFacts, CallOrder, Clock, Ports, ProviderError, RecordingUnavailable
from tests.support.clock import FakeClock

RATE_HZ = 8000
LOUD = b"\x00\x20\x00\xe0"
"""Two samples of a 4 kHz square wave, far above any threshold of sound."""


def tone(ms: int) -> bytes:
    """So much loud sound, as 16-bit PCM at 8 kHz."""
    return LOUD * (RATE_HZ * ms // 1000 // 2)


def silence(ms: int) -> bytes:
    """So much digital silence, as 16-bit PCM at 8 kHz."""
    return b"\0\0" * (RATE_HZ * ms // 1000)


CALLER_PCM = silence(1000) + tone(500) + silence(3500)
AGENT_PCM = silence(3000) + tone(700) + silence(1300)
RECORDING = wav_bytes(RATE_HZ, CALLER_PCM, AGENT_PCM)
"""A call of five seconds: the caller speaks at 1 s, the agent at 3 s."""


@dataclass
class FakeTelephony:
    """The phone provider: `answers` are the recording's bytes or the errors that come before them.

    `dialled` are the orders that made a call, `facts` what is known of each call; `problems` are raised by the next
    requests about calls, one each.
    """

    answers: list[bytes | RecordingUnavailable] = field(default_factory=lambda: [RECORDING])
    fetched: list[str] = field(default_factory=list)
    hold: threading.Event | None = None
    started: threading.Event = field(default_factory=threading.Event)
    dialled: list[CallOrder] = field(default_factory=list)
    facts: dict[str, CallFacts] = field(default_factory=dict)
    problems: list[ProviderError] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    redirected: list[tuple[str, str]] = field(default_factory=list)
    after_dialling: Callable[[str], None] | None = None

    def place_call(self, order: CallOrder) -> str:
        """A call with the next number; `after_dialling` runs before its answer."""
        self._fail()
        self.dialled.append(order)
        sid = f"CAout{len(self.dialled)}"
        self.facts[sid] = CallFacts(sid, "queued")
        if self.after_dialling is not None:
            self.after_dialling(sid)
        return sid

    def find_calls(self, *, to: str, from_: str, since: datetime) -> list[CallFacts]:
        self._fail()
        fitting = [f"CAout{n}" for n, order in enumerate(self.dialled, 1) if (order.to, order.from_) == (to, from_)]
        return [self.facts[sid] for sid in reversed(fitting)]

    def fetch_call(self, call_sid: str) -> CallFacts | None:
        self._fail()
        return self.facts.get(call_sid)

    def redirect_call(self, call_sid: str, twiml: str) -> None:
        self._fail()
        self.redirected.append((call_sid, twiml))

    def _fail(self) -> None:
        if self.problems:
            raise self.problems.pop(0)

    def start_recording(self, call_sid: str, callback_url: str) -> str:
        return f"RE-{call_sid}"

    def end_call(self, call_sid: str) -> None:
        self._fail()
        self.ended.append(call_sid)

    def connect_number(self, number: str, voice_url: str, status_url: str) -> str:
        return f"PN-{number}"

    def fetch_recording(self, recording_url: str, target: Path) -> int:
        """The next answer; the last one is given for ever. Waits for `hold`, where it is set."""
        self.fetched.append(recording_url)
        self.started.set()
        if self.hold is not None:
            target.write_bytes(RECORDING[:100])
            assert self.hold.wait(20), "the test never let the download go on"
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, RecordingUnavailable):
            raise answer
        target.write_bytes(answer)
        return len(answer)


@dataclass
class FakeTranscriber:
    """Says `words`, whatever it hears, or raises `error`."""

    words: Callable[[bytes], str] = lambda _: "some words"
    error: Exception | None = None
    heard: list[tuple[bytes, tuple[str, ...], str]] = field(default_factory=list)

    def transcribe(self, wav: bytes, *, keywords: Sequence[str], language: str) -> str:
        self.heard.append((wav, tuple(keywords), language))
        if self.error is not None:
            raise self.error
        return self.words(wav)


@dataclass
class FakeWriter:
    """Writes `text`, whatever it is asked, or raises `error`."""

    text: str = "The caller asked for the opening hours."
    error: Exception | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def write(self, instructions: str, text: str) -> str:
        self.asked.append((instructions, text))
        if self.error is not None:
            raise self.error
        return self.text


@dataclass
class FakeBlobs:
    """A store in a folder; `put` are the keys that were put, in order. `error` is what reads and writes raise."""

    folder: Path
    put: list[str] = field(default_factory=list)
    error: Exception | None = None

    def put_file(self, key: str, source: Path) -> None:
        if self.error is not None:
            raise self.error
        self.put.append(key)
        place = self.folder / key
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)

    def fetch_to(self, key: str, target: Path) -> bool:
        if self.error is not None:
            raise self.error
        if not (self.folder / key).exists():
            return False
        shutil.copyfile(self.folder / key, target)
        return True

    def delete(self, key: str) -> None:
        (self.folder / key).unlink(missing_ok=True)


@dataclass
class FakeJobs:
    """A job engine that runs nothing; `error` is raised by every enqueue."""

    jobs: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)
    error: Exception | None = None

    def enqueue(self, kind: str, key: str, payload: Mapping[str, Any], *, delay_s: float = 0.0) -> None:
        if self.error is not None:
            raise self.error
        self.jobs.append((kind, key, dict(payload)))
        self.delays[key] = delay_s


@dataclass
class FakeWorld:
    """Every port of one process, with its folder."""

    folder: Path
    clock: Clock = field(default_factory=FakeClock)
    telephony: FakeTelephony = field(default_factory=FakeTelephony)
    transcriber: FakeTranscriber = field(default_factory=FakeTranscriber)
    writer: FakeWriter = field(default_factory=FakeWriter)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    blobs: FakeBlobs = field(init=False)

    def __post_init__(self) -> None:
        self.blobs = FakeBlobs(self.folder / "blobs")

    @property
    def cache(self) -> Path:
        """Where local copies of recordings lie."""
        return self.folder / "cache"

    def ports(self, **others: Any) -> Ports:
        """What to install."""
        made = Ports(
            self.telephony, self.transcriber, self.writer, self.blobs, self.jobs, self.clock, cache_dir=self.cache
        )
        return dataclasses.replace(made, **others)
