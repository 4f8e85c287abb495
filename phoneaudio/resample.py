"""Sample-rate conversion (soxr does the work) between 16-bit PCM, float arrays and telephone rates."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import soxr

Float = npt.NDArray[np.float32]


def float_from_pcm16(pcm: bytes) -> Float:
    """16-bit PCM as float32 in [-1, 1)."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0


def pcm16_from_float(samples: Float) -> bytes:
    """Float samples as 16-bit PCM, clipped rather than wrapped."""
    return (np.clip(samples, -1.0, 32767.0 / 32768.0) * 32768.0).astype("<i2").tobytes()


def resample_float(samples: Float, from_hz: int, to_hz: int) -> Float:
    """Convert a whole array from one rate (Hz) to another."""
    if from_hz == to_hz:
        return samples
    return cast(Float, soxr.resample(samples, from_hz, to_hz))


def resample_pcm16(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """Convert whole 16-bit mono PCM from one rate (Hz) to another."""
    if from_hz == to_hz:
        return pcm
    return pcm16_from_float(resample_float(float_from_pcm16(pcm), from_hz, to_hz))


class StreamResampler:
    """Converts 16-bit mono PCM piece by piece, without clicks at the seams.

    It owns the filter's memory: one object per stream and direction, never shared.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._same = from_hz == to_hz
        self._soxr = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")

    def feed(self, pcm: bytes, *, last: bool = False) -> bytes:
        """Convert one piece; `last=True` flushes what the filter still holds."""
        if self._same:
            return pcm
        out = cast(Float, self._soxr.resample_chunk(float_from_pcm16(pcm), last=last))
        return pcm16_from_float(out)
