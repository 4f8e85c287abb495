"""Keeping the caller's last sounds. Telling echo is the domain's; here frames of any size are put together."""

from __future__ import annotations

import base64

from server.domain.echo import WINDOW_MS
from server.media.ears import FRAMES, LONGEST, Ears


def coded(sound: bytes) -> str:
    return base64.b64encode(sound).decode()


def sound(ms: int) -> bytes:
    """Loud and quiet by turns, never the same way twice."""
    out, n = bytearray(), 3
    while len(out) < ms * 8:
        n = n * 7 % 23
        out += bytes([0x10 + n]) * (40 * 8 + n * 64) + bytes([0xE0]) * (30 * 8 + (23 - n) * 48)
    return bytes(out[: ms * 8])


def test_frames_of_any_size_are_one_sound() -> None:
    played = sound(3000)
    echo = played[(3000 - WINDOW_MS - 200) * 8 : (3000 - 200) * 8]
    for size in (160, 77, 800, 4000):
        ears = Ears()
        for at in range(0, len(echo), size):
            ears.keep(coded(echo[at : at + size]))
        if size * FRAMES < len(echo):
            continue
        assert ears.sounds_like([(0.0, coded(played))], 3000.0), size
        assert not ears.sounds_like([(0.0, coded(sound(3000)[::-1]))], 3000.0), size


def test_what_was_played_in_pieces_is_laid_out_by_its_times() -> None:
    played = sound(3000)
    ears = Ears()
    for at in range((3000 - WINDOW_MS - 200) * 8, (3000 - 200) * 8, 160):
        ears.keep(coded(played[at : at + 160]))
    pieces = [(at / 8, coded(played[at : at + 4000])) for at in range(0, len(played), 4000)]
    assert ears.sounds_like(pieces, 3000.0)
    assert not ears.sounds_like([(at + 900, piece) for at, piece in pieces], 3000.0)


def test_a_payload_that_is_no_base64_is_no_sound() -> None:
    ears = Ears()
    ears.keep("A")
    assert not ears.sounds_like([(0.0, "A")], 0.0)


def test_what_is_kept_is_bounded() -> None:
    ears = Ears()
    for _ in range(1000):
        ears.keep("AAAA")
    assert len(ears._frames) == FRAMES
    ears.keep("A" * (LONGEST + 1))
    ears.bound()
    assert len(ears._frames) == 1


def test_regression_10_the_greeting_s_echo_is_told_by_its_first_sounds() -> None:
    """60 ms of it, half a second into the call: there are not more frames yet, and there was silence before them."""
    played, delay_ms, now_ms = sound(1000), 240, 400
    began_ms = now_ms - delay_ms - 60
    line = b"\xff" * (now_ms - 60) * 8 + bytes(code | 0x20 for code in played[: 60 * 8])
    ears = Ears()
    for at in range(0, len(line), 160):
        ears.keep(coded(line[at : at + 160]))
    assert ears.sounds_like([(float(began_ms), coded(played))], float(now_ms))
    assert not ears.sounds_like([], float(now_ms))
