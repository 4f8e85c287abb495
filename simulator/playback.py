"""The telephone's loudspeaker: what the server sent and the caller has not heard yet.

Wire facts (protocols.md, section 2): audio is played in the order it came; a mark returns when playback REACHES it;
`clear` returns every pending mark at once; a mark with nothing before it returns at once; more than ten
minutes are discarded.

Sans-IO: time passes only in `advance`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from phoneaudio.g711 import BYTES_PER_MS, ULAW_SILENCE
from simulator.level import is_voiced

LIMIT_BYTES = 10 * 60 * 1000 * BYTES_PER_MS


@dataclass(slots=True)
class _Piece:
    audio: bytes
    used: int
    voiced: bool


class Playback:
    """✅ OWNER: which agent audio has been heard, and when a mark is due."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._queue: deque[_Piece | str] = deque()
        self._pending = 0
        self._voiced = 0
        self.discarded = 0

    @property
    def pending_bytes(self) -> int:
        """μ-law bytes still to be played (8 a millisecond)."""
        return self._pending

    @property
    def speech_pending(self) -> bool:
        """Whether audible speech, and not only silence, is still to be played."""
        return self._voiced > 0

    def push(self, audio: bytes) -> None:
        """Queue μ-law bytes of any length; what exceeds the limit is dropped and counted in `discarded`."""
        kept = audio[: max(0, self._limit - self._pending)]
        self.discarded += len(audio) - len(kept)
        if kept:
            piece = _Piece(kept, 0, is_voiced(kept))
            self._queue.append(piece)
            self._pending += len(kept)
            self._voiced += piece.voiced

    def mark(self, name: str) -> list[str]:
        """Queue a mark. Returns `[name]` when nothing is buffered before it, since it is then due at once."""
        if not self._queue:
            return [name]
        self._queue.append(name)
        return []

    def clear(self) -> tuple[int, list[str]]:
        """Forget all unplayed audio. Returns the bytes dropped and every pending mark, in order."""
        dropped, marks = self._pending, [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        self._pending = self._voiced = 0
        return dropped, marks

    def advance(self, size: int) -> tuple[bytes, list[str]]:
        """Play `size` bytes of time. Returns what was heard (less on an underrun) and the marks reached."""
        heard, marks = bytearray(), []
        while self._queue:
            item = self._queue[0]
            if isinstance(item, str):
                marks.append(item)
                self._queue.popleft()
            elif len(heard) < size:
                heard += self._take(item, size - len(heard))
            else:
                break
        return bytes(heard), marks

    def _take(self, piece: _Piece, size: int) -> bytes:
        part = piece.audio[piece.used : piece.used + size]
        piece.used += len(part)
        self._pending -= len(part)
        if piece.used == len(piece.audio):
            self._queue.popleft()
            self._voiced -= piece.voiced
        return part


def padded(audio: bytes, size: int) -> bytes:
    """`audio` filled up with μ-law silence to `size` bytes."""
    return audio.ljust(size, ULAW_SILENCE)
