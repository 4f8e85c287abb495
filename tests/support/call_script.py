"""A call session on a virtual clock, with a phone that plays at real pace and a model that does as it is told.

Time goes on in `wait` alone: marks return when their audio has been played, deadlines are kept to the millisecond.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import TypeVar

from server.domain import commands as do
from server.domain import events as on
from server.domain.call_session import CallSession
from server.domain.session_plan import APOLOGY_CLIP, HOLD_CLIP, SessionPlan
from server.domain.timing import Timing

GREETING = 'Greet the caller now. Say exactly: "Hello, how can I help?"'
TIMING = Timing()
PIECE_MS = 200
T = TypeVar("T")


def audio(ms: int) -> str:
    """So much silence, as base64 of μ-law."""
    return base64.b64encode(b"\xff" * (8 * ms)).decode()


CLIPS = {HOLD_CLIP: (audio(240), audio(240)), APOLOGY_CLIP: (audio(240), audio(240))}
PLAN = SessionPlan(greeting=GREETING, context="Caller: not known yet", clips=CLIPS)


def of(kind: type[T], commands: Iterable[object]) -> list[T]:
    """The commands of one kind."""
    return [command for command in commands if isinstance(command, kind)]


class Call:
    """A session, its phone and its model."""

    def __init__(self, plan: SessionPlan = PLAN) -> None:
        self.now = 0.0
        self.session = CallSession(plan)
        self.log: list[do.Command] = []
        self.heard_ms = 0.0
        """How much of the agent's audio the phone has played."""
        self._buffer: list[tuple[str, float]] = []
        self._since = 0.0
        self._number = 0
        self.response = ""
        self._did(self.session.start(0.0))

    # --- what happens -----------------------------------------------------------------------------------------------

    def happens(self, *events: on.Event) -> list[do.Command]:
        """Let events happen now; what they made the session want."""
        made: list[do.Command] = []
        for event in events:
            made += self._did(self.session.handle(event, self.now))
        return made

    def wait(self, ms: float) -> list[do.Command]:
        """Let time pass; what that made the session want."""
        before, until = len(self.log), self.now + ms
        while True:
            mark_at = self._since + self._buffer[0][1] if self._buffer else float("inf")
            due = self.session.next_deadline_ms
            tick_at = float("inf") if due is None else due
            at = min(mark_at, tick_at)
            if at > until:
                break
            self.now = max(self.now, at)
            if mark_at <= tick_at:
                mark, played = self._buffer.pop(0)
                self.heard_ms += played
                self._since = self.now
                self.happens(on.MarkReturned(mark))
            else:
                self._did(self.session.tick(self.now))
        self.now = until
        return self.log[before:]

    def loses_marks(self) -> None:
        """The phone forgets to return what it has."""
        self._buffer.clear()

    # --- the model --------------------------------------------------------------------------------------------------

    def begins(self) -> str:
        """The model begins the response it was asked for."""
        self._number += 1
        self.response = f"r{self._number}"
        self.happens(on.ResponseCreated(self.response))
        return self.response

    def speaks(self, item: str, ms: int, text: str = "") -> None:
        """The model sends so much audio of an item at once."""
        if text:
            self.session.agent_words(item, text)
        for at in range(0, ms, PIECE_MS):
            piece = min(PIECE_MS, ms - at)
            mark = self.session.agent_audio(item, audio(piece), self.now)
            if mark is not None:
                self._plays(mark, piece)

    def ends(self, *calls: on.FunctionCall, status: str = "completed") -> list[do.Command]:
        """The response ends."""
        return self.happens(on.ResponseDone(self.response, status, calls))

    def responds(self, item: str, text: str, ms: int, *calls: on.FunctionCall) -> list[do.Command]:
        """A whole response, as the wire orders it."""
        self.begins()
        self.happens(on.ItemAdded(item, "message", "assistant"))
        self.speaks(item, ms)
        self.happens(on.TranscriptDone(item, text))
        return self.ends(*calls)

    # --- the caller -------------------------------------------------------------------------------------------------

    def starts(self, item: str, *, echo: bool = False) -> list[do.Command]:
        """The caller's voice is detected."""
        return self.happens(on.SpeechStarted(item, echo))

    def stops(self, item: str) -> list[do.Command]:
        """… and its end; the utterance is committed."""
        return self.happens(on.SpeechStopped(item), on.Committed(item), on.ItemAdded(item, "message", "user"))

    def says(self, item: str, text: str, ms: float = 1000) -> list[do.Command]:
        """The caller speaks for so long; the words are known at once."""
        made = self.starts(item)
        made += self.wait(ms + TIMING.silence_ms)
        made += self.stops(item)
        return made + self.happens(on.CallerTranscript(item, text))

    # --- inside -----------------------------------------------------------------------------------------------------

    def _did(self, commands: list[do.Command]) -> list[do.Command]:
        self.log += commands
        for command in commands:
            if isinstance(command, do.Play):
                for mark, payload in command.pieces:
                    self._plays(mark, len(base64.b64decode(payload)) / 8)
            elif isinstance(command, do.ClearPlayback):
                cleared, self._buffer = self._buffer, []
                for mark, _ in cleared:
                    assert self.session.handle(on.MarkReturned(mark), self.now) == []
        return commands

    def _plays(self, mark: str, ms: float) -> None:
        if not self._buffer:
            self._since = self.now
        self._buffer.append((mark, ms))


def connected(plan: SessionPlan = PLAN) -> Call:
    """A call whose model is configured."""
    call = Call(plan)
    call.happens(on.SessionUpdated())
    return call


def greeted(plan: SessionPlan = PLAN) -> Call:
    """A call whose greeting was heard; its log is empty."""
    call = connected(plan)
    call.responds("g", "Hello, how can I help?", 600)
    call.wait(600)
    call.log.clear()
    return call


def asked(plan: SessionPlan = PLAN) -> Call:
    """A call in which the caller has asked something and the model was asked to answer; its log is empty."""
    call = greeted(plan)
    call.says("u1", "When do you open on Saturday?")
    call.log.clear()
    return call
