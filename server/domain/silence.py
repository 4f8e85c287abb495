"""Nobody speaks: ask, ask in other words, say goodbye. Only while nothing is being played (never while it is)."""

from __future__ import annotations

from server.domain import commands as do
from server.domain.responses import Ask, Purpose, Responses
from server.domain.session_core import Core


class Silence:
    """✅ OWNER: what a caller who says nothing hears."""

    def __init__(self, core: Core, responses: Responses) -> None:
        self._core = core
        self._responses = responses
        self._asked = 0

    def reset(self) -> None:
        """The caller spoke or pressed a key."""
        self._asked = 0
        self._core.deadlines.clear("silence")

    def watch(self, *, quiet: bool) -> None:
        """`quiet`: nothing is played, asked for or awaited, and the caller does not speak. Starts or ends the wait."""
        if not quiet:
            self._core.deadlines.clear("silence")
        elif self._core.deadlines.at("silence") is None:
            self._core.after("silence", self._core.timing.quiet_ms)

    def due(self) -> bool:
        """The wait is over: ask. True when it was asked often enough, and the call is to end."""
        prompts = self._core.lines.still_there
        if self._asked >= len(prompts):
            return True
        self._core.note("silence_prompt", count=self._asked + 1)
        self._responses.ask(Ask(Purpose.SILENCE, do.CreateResponse(prompts[self._asked], tools=False)))
        self._asked += 1
        return False
