"""What the caller has really heard of the agent: the model's audio is sent faster than it is played.

A mark follows every piece of audio that goes to Twilio and comes back when playback reaches it (Twilio Media Streams).
Between two marks, time tells how far playback got, never beyond what was sent.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Piece:
    mark: str
    item_id: str
    end_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """How much of an item was heard, of how much that was sent. Milliseconds of the item's audio."""

    item_id: str
    heard_ms: int
    sent_ms: int


class Playback:
    """The agent's audio on its way to the caller's ear. Times in milliseconds on the bridge's monotonic clock.

    ✅ OWNER: what was heard. Memory is bounded by what Twilio has not played yet.
    """

    def __init__(self) -> None:
        self._pieces: deque[_Piece] = deque()
        self._bytes = 0
        self._item = ""
        self._number = 0
        self._base_ms = 0
        self._base_at = 0.0

    @property
    def playing(self) -> bool:
        """True while the caller still has something to hear."""
        return bool(self._pieces)

    def sent(self, item_id: str, size_bytes: int, now_ms: float) -> str:
        """Note audio that was sent (μ-law bytes, 8 a millisecond); returns the name of the mark to send after it."""
        if item_id != self._item:
            self._item, self._bytes = item_id, 0
        if not self._pieces:
            self._base_ms, self._base_at = self._bytes // 8, now_ms
        self._bytes += size_bytes
        self._number += 1
        name = f"a{self._number}"
        self._pieces.append(_Piece(name, item_id, self._bytes // 8))
        return name

    def returned(self, mark: str, now_ms: float) -> bool:
        """Note a returned mark; False for one that is not awaited (a cleared or foreign one)."""
        if not any(piece.mark == mark for piece in self._pieces):
            return False
        while self._pieces:
            piece = self._pieces.popleft()
            following = self._pieces[0].item_id if self._pieces else piece.item_id
            self._base_ms = piece.end_ms if following == piece.item_id else 0
            self._base_at = now_ms
            if piece.mark == mark:
                break
        return True

    def remaining_ms(self, now_ms: float) -> int:
        """How long the audio that is out will still play, at the most."""
        if not self._pieces:
            return 0
        total, last_item, last_end = 0, self._pieces[0].item_id, self._base_ms
        for piece in self._pieces:
            start = last_end if piece.item_id == last_item else 0
            total += piece.end_ms - start
            last_item, last_end = piece.item_id, piece.end_ms
        return max(0, total - int(now_ms - self._base_at))

    def interrupt(self, now_ms: float) -> list[Heard]:
        """The caller barged in: what was heard of each item that is still out, then forget what is out."""
        sent = {piece.item_id: piece.end_ms for piece in self._pieces}
        playing = self._heard_of(self._pieces[0], now_ms) if self._pieces else 0
        self._pieces.clear()
        return [Heard(item, 0 if number else playing, end_ms) for number, (item, end_ms) in enumerate(sent.items())]

    def _heard_of(self, first: _Piece, now_ms: float) -> int:
        guess = self._base_ms + int(now_ms - self._base_at)
        return max(self._base_ms, min(guess, first.end_ms))


def heard_text(text: str, heard_ms: int, sent_ms: int) -> str:
    """The part of `text` that fits what was heard, cut at a word; an estimate by proportion."""
    if sent_ms <= 0 or heard_ms >= sent_ms:
        return text
    limit = int(len(text) * heard_ms / sent_ms)
    if limit >= len(text):
        return text
    cut = text[:limit]
    return cut if text[limit : limit + 1].isspace() else cut.rpartition(" ")[0]
