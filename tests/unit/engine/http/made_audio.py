"""Recordings for tests: tones encoded through PyAV in every format that a client may send."""

from __future__ import annotations

import io

import av
import numpy as np

FORMATS = {
    "wav": ("wav", "pcm_s16le"),
    "mp3": ("mp3", "libmp3lame"),
    "ogg": ("ogg", "libopus"),
    "webm": ("webm", "libopus"),
    "m4a": ("mp4", "aac"),
    "aac": ("adts", "aac"),
    "flac": ("flac", "flac"),
}


def tone(*seconds: tuple[float, float], rate_hz: int = 16000) -> np.ndarray:
    """16-bit samples: for each pair, so much of a 400 Hz tone, then so much silence."""
    parts = []
    for loud, quiet in seconds:
        parts += [np.sin(np.arange(int(loud * rate_hz)) * 2 * np.pi * 400 / rate_hz) * 13000]
        parts += [np.zeros(int(quiet * rate_hz))]
    return np.concatenate(parts).astype("<i2")


def encoded(kind: str, samples: np.ndarray, rate_hz: int = 16000, layout: str = "mono") -> bytes:
    """A file of one of `FORMATS`; for several channels the samples are interleaved."""
    container_name, codec = FORMATS[kind]
    out = io.BytesIO()
    with av.open(out, "w", format=container_name) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout=layout)
        frame.sample_rate, frame.pts = rate_hz, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def decoded(data: bytes) -> tuple[float, np.ndarray]:
    """A file's seconds, and its samples as float mono at 24 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=24000)
    parts = []
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(audio=0):
            parts += [out.to_ndarray().reshape(-1) for out in resampler.resample(frame)]
    parts += [out.to_ndarray().reshape(-1) for out in resampler.resample(None)]
    samples = np.concatenate(parts)
    return samples.size / 24000, samples
