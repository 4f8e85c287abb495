"""Is what comes from the caller's side our own voice coming back? By comparing loudness over time; pure arithmetic.

Echo is what was played, later and quieter: its envelope follows ours at one delay throughout. A caller's speech does
not, above all because there was silence on their side before while we were already speaking.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final

FRAME_BYTES: Final = 160
FRAME_MS: Final = 20
WINDOW_MS: Final = 1_000
"""How much of the caller's side is compared: in half as much, other speech goes along by chance too often."""
DELAYS_MS: Final = (40, 600)
"""Between playing a sound and its coming back."""
LIKENESS: Final = 0.8
"""How well the two envelopes must go together (Pearson's r)."""
LOUDEST: Final = 1.15
"""Echo is not louder than what it is an echo of; a little is left to the room."""
QUIET: Final = 6.0
"""A level (0 to 255) under which there is nothing to compare, if no frame is louder: a few frames of sound are enough,
because an echo is reported with its first ones."""


def _level(code: int) -> int:
    """The level of one μ-law code, from 0 to 255: the square root of its amplitude, so that quiet sounds count too."""
    code = ~code & 0xFF
    amplitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return round(255 * sqrt(amplitude / 32124))


_LEVELS: Final = bytes(_level(code) for code in range(256))


def envelope(ulaw: bytes) -> list[float]:
    """The mean level of each 20 ms of μ-law audio (8 kHz); an incomplete last frame is left out."""
    levels = ulaw.translate(_LEVELS)
    return [
        sum(levels[at : at + FRAME_BYTES]) / FRAME_BYTES for at in range(0, len(levels) - FRAME_BYTES + 1, FRAME_BYTES)
    ]


def is_echo(caller: Sequence[float], played: Sequence[float]) -> bool:
    """True when the caller's envelope follows what was played. Both end now; `played` reaches further back."""
    size = len(caller)
    if size < WINDOW_MS // FRAME_MS // 2 or max(caller, default=0.0) < QUIET:
        return False
    return any(
        _follows(caller, played[len(played) - size - delay : len(played) - delay])
        for delay in range(DELAYS_MS[0] // FRAME_MS, DELAYS_MS[1] // FRAME_MS + 1)
        if len(played) - size - delay >= 0
    )


def _follows(caller: Sequence[float], source: Sequence[float]) -> bool:
    size = len(caller)
    ours, theirs = sum(source) / size, sum(caller) / size
    if max(source) < QUIET or theirs > LOUDEST * ours:
        return False
    covered = sum((a - theirs) * (b - ours) for a, b in zip(caller, source, strict=True))
    spread = sum((a - theirs) ** 2 for a in caller) * sum((b - ours) ** 2 for b in source)
    return spread > 0 and covered >= LIKENESS * sqrt(spread)
