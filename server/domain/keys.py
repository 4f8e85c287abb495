"""Keys as input: digits are collected until `#` or a pause, then given to the model as what the caller said."""

from __future__ import annotations

from server.domain import commands as do
from server.domain.session_core import Core

MOST_KEYS = 64


class Keys:
    """✅ OWNER: the keys that are being pressed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._pressed: list[str] = []

    @property
    def collecting(self) -> bool:
        """True from the first key to the end of the input."""
        return bool(self._pressed)

    def press(self, digit: str) -> bool:
        """One key. True when the input is complete with it."""
        self._pressed.append(digit[:1])
        self._core.after("keys", self._core.timing.keys_ms)
        return digit == "#" or len(self._pressed) >= MOST_KEYS

    def take(self) -> None:
        """The input is complete: a turn of the caller's, and a message for the model."""
        core = self._core
        pressed, self._pressed = " ".join(self._pressed), []
        core.deadlines.clear("keys")
        turn = core.turns.turn(core.turns.new_id("keys"), "user")
        turn.text, turn.whole, turn.started_ms = f"The caller pressed {pressed}.", True, int(core.now)
        core.note("dtmf", keys=len(pressed.split()))
        core.want(core.turns.record(turn))
        if core.model_up:
            core.want(do.AddMessage(turn.item_id, "user", turn.text))
