"""The telephone line of one answered call: 20 ms at a time, both sides, paced by the call's clock.

It runs from answer to hang-up, whether or not a media stream is attached, so the tape holds the whole call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from simulator.caller import Caller, CallerListener, Utterance
from simulator.clock import Clock
from simulator.faults import Faults, Moment
from simulator.journal import Journal
from simulator.level import is_voiced
from simulator.noise import Noise
from simulator.observer import Observer
from simulator.playback import Playback, padded
from simulator.report import MarkFacts
from simulator.wire import FRAME_BYTES, FRAME_MS


class Outlet(Protocol):
    """Where the caller's side goes: an open media stream."""

    def send_media(self, audio: bytes) -> None:
        """Send caller's audio."""
        ...

    def send_mark(self, name: str) -> None:
        """Return a mark."""
        ...

    def send_key(self, digit: str) -> None:
        """Send one key press."""
        ...

    def tick(self) -> None:
        """20 ms have passed."""
        ...


class _KeyForwarder(CallerListener):
    """Passes on what the caller does to the observer, and key presses to the stream as well."""

    def __init__(self, line: Line, observer: Observer) -> None:
        self._line, self._observer = line, observer

    def speaks(self, utterance: Utterance, *, interrupting: bool) -> None:
        self._observer.speaks(utterance, interrupting=interrupting)

    def voiced_end(self, utterance: Utterance) -> None:
        self._observer.voiced_end(utterance)

    def presses(self, keys: str) -> None:
        self._line.press(keys)

    def misses_answer(self, waited_ms: int) -> None:
        self._observer.misses_answer(waited_ms)


class Line:
    """✅ OWNER: the playback buffer and the tape (μ-law of both sides, equally long)."""

    def __init__(
        self, clock: Clock, caller: Caller, journal: Journal, faults: Faults, noise: Noise | None = None
    ) -> None:
        self._clock, self._caller, self._journal, self._faults = clock, caller, journal, faults
        self._noise = noise
        self.observer = Observer(journal)
        self.playback = Playback()
        self.caller_tape = bytearray()
        self.agent_tape = bytearray()
        self.started_ms = 0
        self.caller_left = asyncio.Event()
        self.on_key: Callable[[str], None] | None = None
        self._outlet: Outlet | None = None
        self._drained = asyncio.Event()
        self._marks: set[asyncio.Task[None]] = set()
        caller.listener = _KeyForwarder(self, self.observer)

    @property
    def elapsed_ms(self) -> int:
        """Call time since the answer, as far as the tape has run."""
        return len(self.caller_tape) // FRAME_BYTES * FRAME_MS

    async def run(self) -> None:
        """Let 20 ms after 20 ms pass until cancelled."""
        began = self._clock.now()
        self.started_ms = self._journal.now_ms()
        frames = 0
        while True:
            frames += 1
            await self._clock.sleep_until(began + frames * FRAME_MS / 1000)
            self._tick()

    def attach(self, outlet: Outlet | None) -> None:
        """Send the caller's side to `outlet` from now on (`None`: to nobody)."""
        self._outlet = outlet

    def play(self, audio: bytes) -> None:
        """Queue agent's audio, as a `media` message does."""
        voiced = is_voiced(audio)
        before = self.playback.discarded
        self.playback.push(audio)
        if before == 0 and self.playback.discarded:
            self._journal.warn("more than 10 minutes of audio were buffered; Twilio discards the rest")
        self.observer.received(voiced=voiced)

    def mark(self, name: str) -> None:
        """Queue a mark, as a `mark` message does."""
        self._journal.report.marks.append(MarkFacts(name, self._journal.now_ms()))
        self._return(self.playback.mark(name), by="playback")

    def clear(self) -> None:
        """Drop what is not played, as a `clear` message does."""
        dropped, marks = self.playback.clear()
        ms = dropped * FRAME_MS // FRAME_BYTES
        self._journal.report.clears.append({"at_ms": self._journal.now_ms(), "dropped_ms": ms, "marks": len(marks)})
        self._journal.note("cleared", dropped_ms=ms, marks=len(marks))
        self.observer.cleared()
        self._return(marks, by="clear")

    def press(self, keys: str) -> None:
        """The caller presses keys."""
        self._journal.note("keys", keys=keys)
        for key in keys.replace("w", ""):
            if self._outlet is not None:
                self._outlet.send_key(key)
            if self.on_key is not None:
                self.on_key(key)

    def hold(self, *, waiting: bool) -> None:
        """The caller is being put through to somebody else, or no longer."""
        self._caller.hold(waiting=waiting)

    def cue(self, name: str) -> None:
        """Give the caller a cue."""
        self._caller.cue(name)

    async def played_out(self) -> None:
        """Return when everything queued has been heard."""
        while self.playback.pending_bytes:
            self._drained.clear()
            await self._drained.wait()

    def drop(self) -> None:
        """Forget unplayed audio because its source ended (no mark can return any more)."""
        self.playback.clear()
        self._drained.set()

    def _tick(self) -> None:
        heard, marks = self.playback.advance(FRAME_BYTES)
        voiced, pending = is_voiced(heard), self.playback.speech_pending
        self.observer.played(voiced=voiced, pending=pending)
        spoken = self._caller.tick(self.elapsed_ms, voiced=voiced, pending=pending)
        spoken = self._misbehave(spoken, heard, agent=voiced)
        if self._noise is not None:
            spoken = self._noise.mix(spoken)
        self._journal.report.frames.played_bytes += len(heard)
        self.agent_tape += padded(heard, FRAME_BYTES)
        self.caller_tape += spoken
        if self._outlet is not None:
            for frame in self._faults.caller_frames(spoken):
                self._outlet.send_media(frame)
            self._outlet.tick()
        self._return(marks, by="playback")
        if not self.playback.pending_bytes:
            self._drained.set()
        if self._caller.hung_up is not None:
            self.caller_left.set()

    def _misbehave(self, spoken: bytes, heard: bytes, *, agent: bool) -> bytes:
        """What the faults make of 20 ms of the caller's."""
        faults = self._faults
        faults.observe(Moment(self.elapsed_ms, agent, is_voiced(spoken), self._caller.lines_left))
        if faults.leaves():
            self._caller.leave("by fault")
        return faults.caller_audio(spoken, heard)

    def _return(self, names: list[str], *, by: str) -> None:
        for name in names:
            delay = self._faults.mark_delay(name)
            if delay is None:
                continue
            if delay <= 0:
                self._send_mark(name, by)
            else:
                task = asyncio.create_task(self._send_mark_later(name, by, delay))
                self._marks.add(task)
                task.add_done_callback(self._marks.discard)

    async def _send_mark_later(self, name: str, by: str, delay: float) -> None:
        await self._clock.sleep_until(self._clock.now() + delay)
        self._send_mark(name, by)

    def _send_mark(self, name: str, by: str) -> None:
        if self._outlet is None:
            return
        for facts in self._journal.report.marks:
            if facts.name == name and facts.returned_at_ms is None:
                facts.returned_at_ms, facts.by = self._journal.now_ms(), by
                break
        self._outlet.send_mark(name)

    async def close(self) -> None:
        """Stop what is still under way."""
        for task in self._marks:
            task.cancel()
        await asyncio.gather(*self._marks, return_exceptions=True)
        self.observer.finish()
