"""A recording's outline: what the player draws, a few kilobytes instead of the whole file."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

POINTS: Final = 600
"""How many bars are drawn at most; a wide screen shows no more."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Per channel the loudest sample of each slice, 0 to 1; `duration_s` of the whole."""

    duration_s: float
    channels: list[list[float]]


def outline(path: Path, points: int = POINTS) -> Outline:
    """Read a 16-bit PCM WAV, a slice at a time, whatever its length. Raises `wave.Error`, `EOFError`, `OSError`."""
    with wave.open(str(path)) as reader:
        frames, count = reader.getnframes(), reader.getnchannels()
        size = max(1, -(-frames // points))
        slices = [_peaks(reader.readframes(size), count) for _ in range(-(-frames // size))]
        duration_s = frames / reader.getframerate()
    return Outline(round(duration_s, 3), [list(channel) for channel in zip(*slices, strict=True)] or [[]])


def _peaks(pcm: bytes, channels: int) -> list[float]:
    samples = np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)).reshape(-1, channels)
    loudest = samples.max(axis=0, initial=0)
    return [round(float(value) / 32768, 3) for value in loudest]
