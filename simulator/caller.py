"""The caller as a person: waits for the other side to finish, speaks, interrupts when told to, loses patience.

Sans-IO: `tick` is asked for one 20 ms frame at a time and told what the caller hears; times are ms since the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from phoneaudio.g711 import BYTES_PER_MS, ULAW_SILENCE
from simulator.level import voiced_end
from simulator.wire import FRAME_BYTES, FRAME_MS

TAIL_MS = 200
SILENT_FRAME = ULAW_SILENCE * FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something ready to be said: μ-law bytes, or `keys` pressed instead.

    `interrupt_after_ms` counts from the start of the agent's next speech. `cue` names what the caller waits for instead
    of the agent's answer (`Caller.cue`). `heedless` is said at once, whatever the other side does, as a machine does.
    """

    audio: bytes
    text: str | None = None
    interrupt_after_ms: int | None = None
    keys: str = ""
    source: str = "line"
    cue: str = ""
    heedless: bool = False


@dataclass(frozen=True, slots=True)
class Manners:
    """How the caller behaves, in ms of call time.

    `ignored_pause_ms` is how long an agent that talked on through an interruption may be silent before the caller takes
    that for the end of its turn. `speaks_first` is for somebody who was called. `hold_ms` is how long the caller stays
    while being put through to somebody else (`None`: as long as it takes).
    """

    pause_ms: int = 700
    ignored_pause_ms: int = 2500
    patience_ms: int = 8000
    end_wait_ms: int = 12000
    longest_goodbye_ms: int = 60000
    hang_up_after_ms: int | None = None
    speaks_first: bool = False
    hold_ms: int | None = None


class CallerListener:
    """Told what the caller does. Every method may be overridden."""

    def speaks(self, utterance: Utterance, *, interrupting: bool) -> None:
        """The caller begins an utterance."""

    def voiced_end(self, utterance: Utterance) -> None:
        """The last voiced sample of an utterance has just been sent."""

    def presses(self, keys: str) -> None:
        """The caller presses keys."""

    def misses_answer(self, waited_ms: int) -> None:
        """Nothing was heard for the caller's whole patience."""


Hangup = Callable[[str], None]


class Caller:
    """✅ OWNER: what is said, and when, on the caller's side of the line."""

    def __init__(self, script: Sequence[Utterance], manners: Manners, hello: Utterance | None = None) -> None:
        self._script = list(script)
        self._manners = manners
        self._hello = hello
        self.listener = CallerListener()
        self.hung_up: str | None = None
        self.gave_up: str | None = None
        self._now, self._pending = 0, False
        self._next = 0
        self._current: Utterance | None = None
        self._offset = 0
        self._voiced_end = 0
        self._waiting_since = 0
        self._asked = False
        self._onset: int | None = None
        self._last_heard: int | None = None
        self._talked_over = False
        self._heard_out = False
        self._cues: set[str] = set()
        self._on_hold_since: int | None = None

    @property
    def lines_left(self) -> int:
        """Lines of the script that have not been begun."""
        return len(self._script) - self._next

    def leave(self, why: str) -> None:
        """Hang up now."""
        self._hang_up(why)

    def cue(self, name: str) -> None:
        """Give a cue: lines before the one that waits for it are dropped, and that one is said."""
        waiting = [at for at, line in enumerate(self._script) if at >= self._next and line.cue == name]
        if waiting:
            self._next = waiting[0]
            self._cues.add(name)

    def hold(self, *, waiting: bool) -> None:
        """Begin or end a wait in which the caller hears it ringing: nothing is said, and what was heard before it is
        no answer to what comes after it."""
        self._on_hold_since = self._now if waiting else None
        self._onset, self._heard_out, self._asked = None, False, False

    def tick(self, now_ms: int, *, voiced: bool, pending: bool) -> bytes:
        """The caller's next 20 ms. `voiced`: the agent was audible in the last 20 ms; `pending`: there is speech of the
        agent's on the line that has not been played yet."""
        self._now, self._pending = now_ms, pending
        if voiced:
            self._hear()
        elif not pending:
            self._talked_over = False
        if self._manners.hang_up_after_ms is not None and now_ms >= self._manners.hang_up_after_ms:
            self._hang_up("as planned")
        if self._current is None and self.hung_up is None:
            self._decide()
        return self._frame()

    def _hear(self) -> None:
        self._last_heard = self._now
        if self._talked_over:
            return
        if self._onset is None:
            self._onset = self._now
        self._asked = False

    def _decide(self) -> None:
        if self._on_hold_since is not None:
            self._waiting_since = self._now
            if self._manners.hold_ms is not None and self._now - self._on_hold_since >= self._manners.hold_ms:
                self._hang_up("tired of waiting on hold")
            return
        quiet = not self._pending and self._silent_for() >= self._manners.pause_ms
        if self._next < len(self._script):
            self._maybe_speak(self._script[self._next], quiet=quiet)
        elif quiet:
            self._maybe_leave()

    def _maybe_speak(self, utterance: Utterance, *, quiet: bool) -> None:
        if utterance.heedless or (utterance.cue in self._cues and quiet):
            self._begin(utterance, interrupting=False)
            return
        if utterance.cue:
            return
        answered = self._onset is not None or (self._heard_out and self._silent_for() >= self._manners.ignored_pause_ms)
        answered = answered or (self._manners.speaks_first and self._next == 0)
        after = utterance.interrupt_after_ms
        if after is not None and self._onset is not None and not quiet and self._now - self._onset >= after:
            self._begin(utterance, interrupting=True)
        elif answered and quiet:
            self._begin(utterance, interrupting=False)
        elif not answered and self._now - self._waiting_since >= self._manners.patience_ms:
            self._lose_patience()

    def _lose_patience(self) -> None:
        waited = self._now - self._waiting_since
        self.listener.misses_answer(waited)
        if self._hello is None or self._asked:
            before = f"line {self._next}" if self._next else "the greeting"
            what = "no answer came to" if self._next else "the caller did not hear"
            self.gave_up = f"{what} {before} within {waited / 1000:.0f} s; the caller gave up"
            self._hang_up("out of patience")
            return
        self._asked = True
        self._speak(self._hello, interrupting=False)

    def _maybe_leave(self) -> None:
        since = max(self._waiting_since, self._last_heard or 0)
        too_long = self._now - self._waiting_since >= self._manners.longest_goodbye_ms
        if self._now - since >= self._manners.end_wait_ms or too_long:
            self._hang_up("after the last line")

    def _hang_up(self, why: str) -> None:
        self.hung_up = self.hung_up or why

    def _silent_for(self) -> int:
        return self._now - self._last_heard if self._last_heard is not None else self._now

    def _begin(self, utterance: Utterance, *, interrupting: bool) -> None:
        self._next += 1
        self._speak(utterance, interrupting=interrupting)

    def _speak(self, utterance: Utterance, *, interrupting: bool) -> None:
        self.listener.speaks(utterance, interrupting=interrupting)
        if utterance.keys:
            self.listener.presses(utterance.keys)
        self._current, self._offset = utterance, 0
        self._voiced_end = voiced_end(utterance.audio)

    def _frame(self) -> bytes:
        utterance = self._current
        if utterance is None:
            return SILENT_FRAME
        frame = utterance.audio[self._offset : self._offset + FRAME_BYTES]
        before, self._offset = self._offset, self._offset + FRAME_BYTES
        if before < self._voiced_end <= self._offset:
            self._fall_silent(utterance)
        if self._offset >= len(utterance.audio):
            if not self._voiced_end:
                self._fall_silent(utterance)
            self._current = None
        return frame.ljust(FRAME_BYTES, ULAW_SILENCE)

    def _fall_silent(self, utterance: Utterance) -> None:
        """From here on the caller waits for the agent: what is heard from now on is an answer."""
        self._waiting_since = self._now + FRAME_MS
        self._onset = None
        # Speech that goes on from before is no answer: only what comes after it has stopped is.
        self._talked_over = self._heard_out = self._pending or self._silent_for() < TAIL_MS
        if self._voiced_end:
            self.listener.voiced_end(utterance)


def silence(ms: int) -> bytes:
    """That much μ-law silence."""
    return ULAW_SILENCE * (ms * BYTES_PER_MS)
