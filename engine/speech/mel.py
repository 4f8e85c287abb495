"""Whisper's input: the log-mel spectrogram (80 bands, 25 ms windows every 10 ms, at 16 kHz)."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]

RATE_HZ = 16000
FRAMES_PER_S = 100
MAX_FRAMES = 3000
_HOP = RATE_HZ // FRAMES_PER_S
_FFT = 400
_BANDS = 80


def log_mel(samples: Float, pad_frames: int) -> Float:
    """Bands by frames for 16 kHz mono audio followed by `pad_frames` of silence, at most 30 s in all.

    Whisper was trained on 30 s windows. A shorter one is several times faster, but with too little silence at its end
    the decoder loops; 600 frames were enough in measurements.
    """
    padded = np.pad(samples, (_FFT // 2, _FFT // 2 + pad_frames * _HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][: MAX_FRAMES + 1]
    power = np.abs(np.fft.rfft(frames * _window(), axis=1)) ** 2
    bands = np.log10(np.maximum(_filters() @ power[:-1].T.astype(np.float32), 1e-10))
    bands = np.maximum(bands, bands.max() - 8.0)
    even = bands.shape[1] - bands.shape[1] % 2  # the encoder halves the frames
    return np.ascontiguousarray((bands[:, :even] + 4.0) / 4.0, dtype=np.float32)


@cache
def _window() -> Float:
    return np.hanning(_FFT + 1)[:-1].astype(np.float32)


@cache
def _filters() -> Float:
    """Triangular filters of equal area on the mel scale that is linear below 1 kHz and logarithmic above (Slaney's)."""
    edges = _hz(np.linspace(0.0, _mel(RATE_HZ / 2), _BANDS + 2))
    bins = np.linspace(0.0, RATE_HZ / 2, _FFT // 2 + 1)
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    shape = np.maximum(0.0, np.minimum((bins - low) / (mid - low), (high - bins) / (high - mid)))
    return (shape * 2.0 / (high - low)).astype(np.float32)


_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = float(np.log(6.4)) / 27.0


def _mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ
    return _BREAK_MEL + float(np.log(hz / _BREAK_HZ)) / _LOG_STEP


def _hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, above)
