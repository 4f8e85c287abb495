"""The caller's last sounds, kept as they came, to tell the agent's own voice coming back from somebody speaking."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Iterable
from typing import Final

from server.domain.echo import DELAYS_MS, FRAME_MS, WINDOW_MS, envelope, is_echo

BYTES_PER_MS: Final = 8
FRAMES: Final = WINDOW_MS // 20 + 2
"""At the usual 20 ms a frame this is the window that is compared; longer frames hold more, shorter ones less."""
LONGEST: Final = 8192
"""Base64 characters of a frame that is a window in itself (0.75 s)."""


class Ears:
    """The last sounds from one caller. Keeping a frame costs a reference; nothing is decoded until it is asked for."""

    def __init__(self) -> None:
        self._frames: deque[str] = deque(maxlen=FRAMES)
        self.keep = self._frames.append

    def sounds_like(self, played: Iterable[tuple[float, str]], now_ms: float) -> bool:
        """True when the last sounds are those of `played` (when each piece began, and its base64) coming back."""
        heard = b"".join(_decoded(frame) for frame in self._frames)[-WINDOW_MS * BYTES_PER_MS :]
        # Before the first frame there was silence: an echo of the greeting comes within the first second of a call.
        heard = heard.rjust(WINDOW_MS * BYTES_PER_MS, b"\xff")
        caller = envelope(heard)
        return is_echo(caller, envelope(_laid_out(played, now_ms)))

    def bound(self) -> None:
        """Forget all but the newest frame, which is longer than any phone sends."""
        newest = self._frames[-1]
        self._frames.clear()
        self._frames.append(newest)


def _laid_out(played: Iterable[tuple[float, str]], now_ms: float) -> bytes:
    """What was played in the time that matters, silence where nothing was, ending now."""
    span = (WINDOW_MS + DELAYS_MS[1] + FRAME_MS) * BYTES_PER_MS
    track = bytearray(b"\xff" * span)
    begin = now_ms - span / BYTES_PER_MS
    for at_ms, payload in played:
        audio = _decoded(payload)
        offset = round((at_ms - begin) * BYTES_PER_MS)
        skip = max(0, -offset)
        piece = audio[skip : skip + span - max(0, offset)]
        track[max(0, offset) : max(0, offset) + len(piece)] = piece
    return bytes(track)


def _decoded(payload: str) -> bytes:
    try:
        return base64.b64decode(payload)
    except binascii.Error:
        return b""
