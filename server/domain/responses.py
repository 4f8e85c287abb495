"""The model's responses: asked for here and nowhere else, one at a time, and watched until something comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from server.domain import commands as do
from server.domain import events as on
from server.domain.session_core import Core


class Purpose(Enum):
    """Why the model is asked to speak."""

    GREETING = "greeting"
    ANSWER = "answer"
    SILENCE = "silence"
    BRIDGE = "bridge"
    GOODBYE = "goodbye"


WATCHED = frozenset({Purpose.GREETING, Purpose.ANSWER})
"""Something must come of these: a caller is waiting for it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One wish that the model speaks."""

    purpose: Purpose
    command: do.CreateResponse


ANSWER = Ask(Purpose.ANSWER, do.CreateResponse())


class Responses:
    """✅ OWNER: whether the model is asked to speak, and stopped."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.asked: Ask | None = None
        self.active: str | None = None
        self.current: Ask | None = None
        self.wanted: Ask | None = None
        self.spoke = False
        self.cancelling = False
        self.strikes = 0
        """How often in a row nothing came of an answer."""
        self._number = 0

    @property
    def busy(self) -> bool:
        """A response is asked for or in progress."""
        return self.asked is not None or self.active is not None

    @property
    def pending(self) -> bool:
        """… or will be asked for as soon as it can be."""
        return self.busy or self.wanted is not None

    @property
    def purpose(self) -> Purpose | None:
        """What the response that is asked for or in progress is for."""
        ask = self.asked or self.current
        return ask.purpose if ask else None

    def unfinished(self) -> Ask | None:
        """The wish that a caller is still waiting for."""
        for ask in (self.wanted, self.asked, self.current):
            if ask is not None and ask.purpose in WATCHED:
                return ask
        return None

    def ask(self, ask: Ask) -> None:
        """Have the model speak: now, or when the response in progress has ended and the model is there."""
        if self.wanted is None or self.wanted.purpose is not Purpose.GOODBYE:
            self.wanted = ask
        if ask.purpose is Purpose.ANSWER:
            self._core.after("answer", self._core.timing.answer_ms)
        self.ask_wanted()

    def ask_wanted(self) -> None:
        """Ask for what is wanted, if it can be asked for now."""
        if self.wanted is None or self.busy or not self._core.model_up:
            return
        self.asked, self.wanted = self.wanted, None
        self.cancelling = False
        self._number += 1
        command = self.asked.command
        self._core.want(
            do.CreateResponse(command.instructions, command.tools, command.outside, key=f"ask_{self._number}")
        )

    def created(self, response_id: str) -> None:
        """The model began. What we did not ask for (from a server that answers by itself) is taken as an answer."""
        self.current, self.asked = self.asked or ANSWER, None
        self.active, self.spoke = response_id, False
        if self.cancelling:
            self._core.want(do.CancelResponse(response_id))

    def speaks(self) -> None:
        """The first audio of the response in progress."""
        self.spoke = True
        if self.purpose is not Purpose.BRIDGE:
            self._core.deadlines.clear("answer")
            self.strikes = 0

    def cancel(self) -> None:
        """Stop the response in progress, once; one that has not begun yet is stopped when it does."""
        if self.cancelling or not self.busy:
            return
        self.cancelling = True
        if self.active is not None:
            self._core.want(do.CancelResponse(self.active))

    def done(self, event: on.ResponseDone) -> Ask | None:
        """A response ended. The wish behind it, when a caller waits and nothing came of it."""
        ask, spoke, stopped = self.current, self.spoke, self.cancelling
        self._clear()
        if event.calls and event.status == "completed":
            self._core.deadlines.clear("answer")
            self.strikes = 0
            return None
        return None if spoke or stopped else self._unmet(ask)

    def refused(self) -> Ask | None:
        """The request was answered with an error: no response comes of it. The wish, when a caller waits for it."""
        ask, stopped = self.asked, self.cancelling
        self._clear()
        return None if stopped else self._unmet(ask)

    def _unmet(self, ask: Ask | None) -> Ask | None:
        return ask if ask is not None and ask.purpose in WATCHED and self.wanted is None else None

    def is_asked(self, key: str) -> bool:
        """True when `key` names the request that has not been answered yet."""
        return self.asked is not None and key == f"ask_{self._number}"

    def lost(self) -> None:
        """The connection is gone, and every response with it."""
        self._clear()
        self.wanted = None
        self._core.deadlines.clear("answer")

    def _clear(self) -> None:
        self.asked = self.active = self.current = None
        self.spoke = self.cancelling = False
