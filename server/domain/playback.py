"""What the caller has really heard of the agent: the model's audio is sent faster than it is played.

A mark follows every piece of audio that goes to Twilio and comes back when playback reaches it (Twilio Media Streams).
Between two marks, time tells how far playback got, never beyond what was sent. Audio that is still out is kept, up to a
limit, so that the agent can go on after a pause; it is let go of as its marks return.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

BYTES_PER_MS: Final = 8
KEEP_BYTES: Final = 160_000
"""How much unheard audio is kept (20 s): what is beyond can't be played again after a pause."""
RECENT_MS: Final = 1_700
"""How much of what was played is kept for telling echo from speech."""


@dataclass(slots=True)
class Piece:
    """Audio of one item, from byte `start` to `end` of it; `payload` is its base64, or empty when it was not kept."""

    mark: str
    item_id: str
    start: int
    end: int
    payload: str

    @property
    def ms(self) -> float:
        """Its playing time."""
        return (self.end - self.start) / BYTES_PER_MS


@dataclass(frozen=True, slots=True)
class Heard:
    """How much of an item was heard, of how much that was sent and made. Milliseconds of the item's audio."""

    item_id: str
    heard_ms: int
    sent_ms: int
    made_ms: int


def decoded_size(payload: str) -> int:
    """How many bytes a base64 text holds."""
    return len(payload) * 3 // 4 - payload.count("=", -2)


class Playback:
    """The agent's audio on its way to the caller's ear. Times in milliseconds on the bridge's monotonic clock.

    ✅ OWNER: what was heard. Memory is bounded by what Twilio has not played yet.
    """

    def __init__(self) -> None:
        self._out: deque[Piece] = deque()
        self._since = 0.0
        self._held: deque[Piece] | None = None
        self._cut: list[Heard] = []
        self._recent: deque[tuple[float, Piece]] = deque()
        self._number = 0
        self._item = ""
        self._bytes = 0
        self._kept = 0
        self._floor: tuple[str, int] = ("", 0)

    @property
    def playing(self) -> bool:
        """True while the caller still has something to hear."""
        return bool(self._out)

    @property
    def paused(self) -> bool:
        """True from `pause` to `resume` or `discard`."""
        return self._held is not None

    # --- sending --------------------------------------------------------------------------------------------------

    def sent(self, item_id: str, payload: str, now_ms: float) -> str:
        """Note audio that is being sent; returns the name of the mark to send after it."""
        if not self._out:
            self._since = now_ms
        piece = self._piece(item_id, payload)
        self._out.append(piece)
        return piece.mark

    def hold(self, item_id: str, payload: str) -> None:
        """Keep audio that came during a pause."""
        assert self._held is not None
        self._held.append(self._piece(item_id, payload))

    def _piece(self, item_id: str, payload: str) -> Piece:
        if item_id != self._item:
            self._item, self._bytes = item_id, 0
        start = self._bytes
        size = decoded_size(payload)
        self._bytes += size
        keep = self._kept + size <= KEEP_BYTES
        if keep:
            self._kept += size
        return Piece(self._next_mark(), item_id, start, self._bytes, payload if keep else "")

    def _next_mark(self) -> str:
        self._number += 1
        return f"a{self._number}"

    # --- what comes back ------------------------------------------------------------------------------------------

    def returned(self, mark: str, now_ms: float) -> bool:
        """Note a returned mark; False for one that is not awaited (a cleared or foreign one)."""
        out = self._out
        if not out or (out[0].mark != mark and not any(piece.mark == mark for piece in out)):
            return False
        while out:
            piece = out.popleft()
            self._played(piece, now_ms)
            if piece.mark == mark:
                break
        return True

    def _played(self, piece: Piece, now_ms: float) -> None:
        self._recent.append((self._since, piece))
        if piece.payload:
            self._kept -= piece.end - piece.start
        self._since = now_ms
        oldest = now_ms - RECENT_MS
        while self._recent and self._recent[0][0] + self._recent[0][1].ms < oldest:
            self._recent.popleft()

    def forget(self) -> None:
        """The marks are lost: what is out has been played as far as anybody can tell."""
        self._drop(self._out)

    def remaining_ms(self, now_ms: float) -> int:
        """How long the audio that is out will still play, at the most."""
        if not self._out:
            return 0
        return max(0, round(sum(piece.ms for piece in self._out) - (now_ms - self._since)))

    # --- interruption ---------------------------------------------------------------------------------------------

    def pause(self, now_ms: float) -> list[Heard]:
        """Playback is being cleared: how much was heard of each item that was out, which is kept for `resume`."""
        self._cut = self._all_heard(now_ms)
        self._held, self._out = self._out, deque()
        return self._cut

    def resume(self, now_ms: float, rewind_ms: int) -> list[tuple[str, str]] | None:
        """Go on from where `pause` cut: (mark, payload) to send now. None when not all of it was kept."""
        assert self._held is not None
        if any(not piece.payload for piece in self._held):
            return None
        held, self._held = self._held, None
        if held and self._cut:
            self._rewind(held, max(0, self._cut[0].heard_ms - rewind_ms) * BYTES_PER_MS)
        for piece in held:
            piece.mark = self._next_mark()
        self._out, self._since = held, now_ms
        self._floor = (self._cut[0].item_id, self._cut[0].heard_ms) if self._cut else ("", 0)
        self._cut = []
        return [(piece.mark, piece.payload) for piece in held]

    def discard(self) -> list[Heard]:
        """The pause was an interruption: what was heard of each item that is now given up."""
        heard = {cut.item_id: cut for cut in self._cut}
        for piece in self._held or ():
            cut = heard.get(piece.item_id) or Heard(piece.item_id, 0, 0, 0)
            heard[piece.item_id] = replace(cut, made_ms=max(cut.made_ms, piece.end // BYTES_PER_MS))
        if self._held is not None:
            self._drop(self._held)
        self._held, self._cut = None, []
        return list(heard.values())

    def _drop(self, pieces: deque[Piece]) -> None:
        self._kept -= sum(piece.end - piece.start for piece in pieces if piece.payload)
        pieces.clear()

    def _all_heard(self, now_ms: float) -> list[Heard]:
        sent = {piece.item_id: piece.end // BYTES_PER_MS for piece in self._out}
        return [
            Heard(item, self._heard_of_head(now_ms) if number == 0 else 0, end_ms, end_ms)
            for number, (item, end_ms) in enumerate(sent.items())
        ]

    def _heard_of_head(self, now_ms: float) -> int:
        head = self._out[0]
        guess = head.start / BYTES_PER_MS + (now_ms - self._since)
        heard = int(max(head.start / BYTES_PER_MS, min(guess, head.end / BYTES_PER_MS)))
        return max(heard, self._floor[1]) if head.item_id == self._floor[0] else heard

    def _rewind(self, held: deque[Piece], start: int) -> None:
        """Have `held` begin at byte `start` of its item: what has been played since is taken back."""
        for _, piece in reversed(self._recent):
            head = held[0]
            if head.start <= start or piece.item_id != head.item_id or piece.end != head.start or not piece.payload:
                break
            held.appendleft(replace(piece))
            self._kept += piece.end - piece.start
        self._trim(held[0], start)

    def _trim(self, piece: Piece, start: int) -> None:
        """Take off a piece's beginning; base64 can be cut at every third byte."""
        skipped = max(0, start - piece.start) // 3 * 3
        skipped = min(skipped, (piece.end - piece.start) // 3 * 3)
        piece.start += skipped
        piece.payload = piece.payload[skipped // 3 * 4 :]
        self._kept -= skipped

    # --- echo -----------------------------------------------------------------------------------------------------

    def just_played(self, now_ms: float) -> Iterator[tuple[float, str]]:
        """What the caller's side was given to hear lately: when each piece began to play, and its base64."""
        for at, piece in self._recent:
            yield at, piece.payload
        at = self._since
        for piece in self._out:
            if at >= now_ms:
                return
            yield at, piece.payload
            at += piece.ms


def heard_text(text: str, heard_ms: int, made_ms: int) -> str:
    """The part of `text` that fits what was heard, cut at a word; an estimate by proportion."""
    limit = heard_chars(text, heard_ms, made_ms)
    if limit >= len(text):
        return text
    cut = text[:limit]
    return cut if text[limit : limit + 1].isspace() else cut.rpartition(" ")[0]


def heard_chars(text: str, heard_ms: int, made_ms: int) -> int:
    """How many characters of `text` fit what was heard; an estimate by proportion."""
    if made_ms <= 0 or heard_ms >= made_ms:
        return len(text)
    return int(len(text) * heard_ms / made_ms)
