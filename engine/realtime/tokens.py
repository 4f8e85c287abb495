"""Counts in the protocol's units: estimates from time and letters, as the engine's models have no tokens."""

from __future__ import annotations

from typing import Any

_AUDIO_TOKENS_PER_S = 20
_INPUT_AUDIO_TOKENS_PER_S = 10
_LETTERS = 4


class OutOfTokens(Exception):
    """A response has reached its `max_output_tokens`."""


def text_tokens(text: str) -> int:
    """About four letters each."""
    return (len(text) + _LETTERS - 1) // _LETTERS


class Budget:
    """✅ OWNER of what one response may still say (`limit`: tokens, or "inf")."""

    def __init__(self, limit: int | str) -> None:
        self._left = float("inf") if isinstance(limit, str) else float(limit)

    def fit(self, text: str) -> str:
        """As much of a text as may be written, in whole words; the text itself when all of it may."""
        cost = text_tokens(text)
        if cost > self._left:
            fitting = text[: int(self._left) * _LETTERS]
            text = fitting[: max(0, fitting.rfind(" "))]
            cost = text_tokens(text)
        self._left -= cost
        return text

    def take_audio(self, ms: int) -> None:
        """Count spoken time. Raises `OutOfTokens` when it may not be spoken."""
        cost = ms * _AUDIO_TOKENS_PER_S / 1000
        if cost > self._left:
            raise OutOfTokens
        self._left -= cost


def usage(*, heard_ms: int, read: str, spoken_ms: int, written: list[str]) -> dict[str, Any]:
    """The `usage` object of a response."""
    audio_in = heard_ms * _INPUT_AUDIO_TOKENS_PER_S // 1000
    text_in = text_tokens(read)
    audio_out = spoken_ms * _AUDIO_TOKENS_PER_S // 1000
    text_out = sum(map(text_tokens, written))
    return {
        "total_tokens": audio_in + text_in + audio_out + text_out,
        "input_tokens": audio_in + text_in,
        "output_tokens": audio_out + text_out,
        "input_token_details": {
            "text_tokens": text_in,
            "audio_tokens": audio_in,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }
