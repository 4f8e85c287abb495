"""Speech as it leaves: 24 kHz mono PCM to a file format that can be played before its end is known."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame

from engine.speech.voice import RATE_HZ

CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_UNKNOWN = 0xFFFFFFFF  # a WAV's lengths, while nobody knows them yet


class Encoder(Protocol):
    """One answer's encoder. ❌ NEVER use it on the event loop, nor from two threads at once."""

    def feed(self, pcm: bytes) -> bytes:
        """What can leave after these samples."""
        ...

    def finish(self) -> bytes:
        """The rest."""
        ...


def encoder(response_format: str) -> Encoder:
    """The encoder for one of `CONTENT_TYPES`."""
    if response_format in _MUXED:
        return MuxedAudio(_MUXED[response_format])
    return PlainAudio(_wav_head() if response_format == "wav" else b"")


@dataclass(frozen=True, slots=True)
class _Format:
    container: str
    codec: str
    options: dict[str, str]


_MUXED = {
    "mp3": _Format("mp3", "libmp3lame", {"write_xing": "0", "id3v2_version": "0"}),
    # Pages of 200 ms: by default a second of speech is held back.
    "opus": _Format("ogg", "libopus", {"page_duration": "200000"}),
    "aac": _Format("adts", "aac", {}),
    "flac": _Format("flac", "flac", {}),
}


class PlainAudio:
    """PCM as it is, behind a head."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def feed(self, pcm: bytes) -> bytes:
        """The samples; the head before the first."""
        head, self._head = self._head, b""
        return head + pcm

    def finish(self) -> bytes:
        """Nothing is held back."""
        return self.feed(b"")


class _Outlet:
    """A file that can only be written to its end: FFmpeg must not count on coming back to the head."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def taken(self) -> bytes:
        data, self._written = bytes(self._written), bytearray()
        return data


class MuxedAudio:
    """✅ OWNER of one FFmpeg encoder and of the container around it."""

    def __init__(self, form: _Format) -> None:
        self._outlet = _Outlet()
        self._container: Any = av.open(self._outlet, "w", format=form.container, options=form.options)
        self._stream: Any = self._container.add_stream(form.codec, rate=RATE_HZ, layout="mono")
        self._samples = 0

    def feed(self, pcm: bytes) -> bytes:
        """Encode 16-bit PCM; less than a frame may stay behind until the next."""
        if pcm:
            frame = AudioFrame.from_ndarray(np.frombuffer(pcm, dtype="<i2")[None], format="s16", layout="mono")
            frame.sample_rate = RATE_HZ
            frame.pts = self._samples
            self._samples += frame.samples
            self._container.mux(self._stream.encode(frame))
        return self._outlet.taken()

    def finish(self) -> bytes:
        """What stayed behind, and the container's end."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._outlet.taken()


def _wav_head() -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, RATE_HZ * 2, 2, 16)
    return b"RIFF" + struct.pack("<I", _UNKNOWN) + b"WAVE" + form + b"data" + struct.pack("<I", _UNKNOWN)
