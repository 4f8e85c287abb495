"""A noise floor under the caller's voice: the same noise every time, so that runs can be compared."""

from __future__ import annotations

import numpy as np

from phoneaudio.g711 import RATE_HZ, pcm16_from_ulaw, ulaw_from_pcm16

_LOOP_S = 4


class Noise:
    """White noise at `level_db` (dB below full scale, RMS; -60 is a quiet room, -30 a loud street)."""

    def __init__(self, level_db: float) -> None:
        if not -90 <= level_db <= -10:
            raise ValueError(f"the noise level is {level_db} dB; give one from -90 (inaudible) to -10 (deafening)")
        amplitude = 32768 * 10 ** (level_db / 20)
        samples = np.random.default_rng(8000).normal(0.0, amplitude, RATE_HZ * _LOOP_S)
        self._loop = np.clip(samples, -32000, 32000).astype(np.int32)
        self._at = 0

    def mix(self, audio: bytes) -> bytes:
        """Lay the noise under μ-law audio."""
        size = len(audio)
        if self._at + size > len(self._loop):
            self._at = 0
        noise = self._loop[self._at : self._at + size]
        self._at += size
        mixed = np.frombuffer(pcm16_from_ulaw(audio), dtype="<i2").astype(np.int32) + noise
        return ulaw_from_pcm16(np.clip(mixed, -32768, 32767).astype("<i2").tobytes())
