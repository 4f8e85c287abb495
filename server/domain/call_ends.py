"""How a call went that had more to it than a talk with the agent, and what Twilio's machine detection says."""

from __future__ import annotations

from typing import Final

TRANSFERRED: Final = "transferred"
"""A colleague took the call from the agent."""
NO_LINE: Final = "no_line"
"""Every line was in use; the caller was asked for a message."""
FALLBACK: Final = "fallback"
"""The agent failed; the business's fallback number was dialled."""
MESSAGE: Final = "message"
"""The agent failed; the caller was asked for a message."""
MACHINE: Final = "machine"
"""An answering machine (or a fax) took a call that we placed."""

_ORDER: Final = (TRANSFERRED, FALLBACK, MESSAGE, MACHINE, NO_LINE)
"""Of two that are true, the later one is told: so the order in which they became known changes nothing."""

WITHOUT_AGENT: Final = frozenset({NO_LINE, FALLBACK, MESSAGE})
"""The call goes on although its stream has ended."""
LEFT_MESSAGE: Final = frozenset({NO_LINE, MESSAGE})
"""The caller was asked for a message after the tone."""


def later(known: str | None, new: str) -> str:
    """The disposition that stands when `new` becomes known beside `known`."""
    return new if known is None or _ORDER.index(new) > _ORDER.index(known) else known


def is_machine(answered_by: str) -> bool:
    """No person: `machine_start`, `machine_end_beep|silence|other` or `fax`; not `human` and not `unknown`."""
    return answered_by.startswith("machine") or answered_by == "fax"
