"""Sounds for the phone."""

from __future__ import annotations

import math

import numpy as np

from phoneaudio.g711 import ulaw_from_pcm16


def tone(ms: int, hz: float = 440.0, amplitude: int = 8000) -> bytes:
    """A tone as μ-law at 8 kHz."""
    at = np.arange(ms * 8) / 8000
    return ulaw_from_pcm16((amplitude * np.sin(2 * math.pi * hz * at)).astype("<i2").tobytes())
