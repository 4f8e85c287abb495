"""Sounds that no speech model is needed for: beeps, a stand-in for a voice, mixing. All μ-law at 8 kHz."""

from __future__ import annotations

import functools

import numpy as np

from phoneaudio.g711 import BYTES_PER_MS, RATE_HZ, ULAW_SILENCE, pcm16_from_ulaw, ulaw_from_pcm16

BEEP_MS = 400
_BEEP_HZ = 1000.0
_FAX_HZ = 2100.0
_PITCH_HZ = 120.0
_SYLLABLE_HZ = 4.0


def silence(ms: int) -> bytes:
    """That much silence."""
    return ULAW_SILENCE * (ms * BYTES_PER_MS)


@functools.lru_cache(maxsize=16)
def tone(ms: int, hz: float = 440.0, level: float = 0.3) -> bytes:
    """A pure tone; `level` is its peak, 1 being full scale."""
    return _ulaw(np.sin(2 * np.pi * hz * _seconds(ms)) * level)


def beep() -> bytes:
    """What a voicemail plays before it records: 1 kHz for 0.4 s."""
    return tone(BEEP_MS, _BEEP_HZ)


def fax(ms: int = 3000) -> bytes:
    """A fax machine's answering tone (2100 Hz)."""
    return tone(ms, _FAX_HZ)


@functools.lru_cache(maxsize=64)
def hum(ms: int, level: float = 0.3) -> bytes:
    """Sound with a voice's pitch, overtones and syllables, for a side that has no voice of its own to speak with."""
    at = _seconds(ms)
    overtones = sum(np.sin(2 * np.pi * _PITCH_HZ * n * at) / n for n in range(1, 12))
    syllables = 0.55 - 0.45 * np.cos(2 * np.pi * _SYLLABLE_HZ * at)
    wave = overtones * syllables
    peak = float(np.abs(wave).max()) if wave.size else 0.0
    return _ulaw(wave * (level / peak) if peak else wave)


def mix(audio: bytes, other: bytes, gain_db: float = 0.0) -> bytes:
    """`audio` with `other` laid over it at `gain_db`; as long as `audio`."""
    base = _samples(audio)
    over = _samples(other[: len(audio)].ljust(len(audio), ULAW_SILENCE)) * 10 ** (gain_db / 20)
    return ulaw_from_pcm16(np.clip(base + over, -32768, 32767).astype("<i2").tobytes())


def _seconds(ms: int) -> np.ndarray:
    return np.arange(ms * BYTES_PER_MS) / RATE_HZ


def _samples(ulaw: bytes) -> np.ndarray:
    return np.frombuffer(pcm16_from_ulaw(ulaw), dtype="<i2").astype(np.float64)


def _ulaw(wave: np.ndarray) -> bytes:
    return ulaw_from_pcm16(np.clip(wave * 32767, -32768, 32767).astype("<i2").tobytes())
