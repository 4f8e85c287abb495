"""The caller's voice: words or a WAV file, as telephone audio (8 kHz μ-law)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from phoneaudio.g711 import RATE_HZ, ulaw_from_pcm16
from phoneaudio.resample import Float, pcm16_from_float, resample_float, resample_pcm16
from phoneaudio.wav import WavError, read_wav

_TTS_RATE_HZ = 24000
_LEVEL_RMS = 0.09
_LOUDEST = 0.9
_SEED = 11
_SILENT = 0.004
_LONGEST_PAUSE_MS = 260
_lock = threading.Lock()
_engine: Any = None


class HibariVoice:
    """Speaks American English with `hibari-tts`, offline.

    The model is loaded once a process (about 1 s) and its noise is seeded: the same words give the same bytes.
    """

    def speak(self, text: str) -> bytes:
        """μ-law at 8 kHz, at the loudness of a person on the telephone."""
        with _lock:
            samples: Float = np.asarray(_load()(text, seed=_SEED), dtype=np.float32)
        fluent = _without_long_pauses(resample_float(samples, _TTS_RATE_HZ, RATE_HZ))
        return ulaw_from_pcm16(pcm16_from_float(_levelled(fluent)))


def _load() -> Any:
    global _engine
    if _engine is None:
        from hibari import Hibari

        _engine = Hibari()
    return _engine


def _without_long_pauses(samples: Float) -> Float:
    """Shorten pauses: hibari rests half a second between sentences, which no caller does in one breath."""
    loud = np.flatnonzero(np.abs(samples) > _SILENT)
    if loud.size == 0:
        return samples
    longest = RATE_HZ * _LONGEST_PAUSE_MS // 1000
    gaps = np.flatnonzero(np.diff(loud) > longest)
    cuts = [(loud[gap] + longest // 2, loud[gap + 1] - longest // 2) for gap in gaps]
    starts = [max(0, loud[0] - longest // 2), *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), min(samples.size, loud[-1] + longest // 2)]
    return np.concatenate([samples[start:end] for start, end in zip(starts, ends, strict=True)])


def _levelled(samples: Float) -> Float:
    """Bring speech to a usual telephone level; hibari alone is about 6 dB low."""
    if samples.size == 0:
        return samples
    rms, peak = float(np.sqrt(np.mean(samples**2))), float(np.abs(samples).max())
    if peak == 0:
        return samples
    return (samples * min(_LEVEL_RMS / max(rms, 1e-9), _LOUDEST / peak)).astype(np.float32)


def ulaw_from_wav(source: Path | bytes) -> bytes:
    """A mono 16-bit WAV of any rate as μ-law at 8 kHz. Raises `WavError`; `OSError` when the file cannot be read."""
    wav = read_wav(source)
    if len(wav.channels) != 1:
        name = str(source) if isinstance(source, Path) else "the audio"
        raise WavError(f"{name} has two channels; a caller has one mouth: give a mono WAV of 16-bit PCM")
    if wav.duration_ms == 0:
        raise WavError(f"{source if isinstance(source, Path) else 'the audio'} is empty; give a WAV with speech in it")
    return ulaw_from_pcm16(resample_pcm16(wav.channels[0], wav.rate_hz, RATE_HZ))
