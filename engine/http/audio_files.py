"""Uploaded recordings: any of OpenAI's formats, decoded piece by piece to mono PCM through PyAV (FFmpeg)."""

from __future__ import annotations

import io
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from engine.errors import ApiError
from engine.speech.mel import Float

LARGEST_BYTES = 25 << 20
MOST_SECONDS = 4 * 3600
_WIDE_HZ = 16000
_PHONE_HZ = 8000
# Four hours of stereo at 48 kHz: what a real recording can need. A few bytes of FLAC can stand for far more.
_MOST_VALUES = MOST_SECONDS * 48000 * 2
_MOST_CHANNELS = 8
_READABLE = "wav, mp3, ogg (opus, vorbis, flac), webm, m4a/mp4, aac or flac"
# Only self-contained formats: a playlist would make FFmpeg open other files and addresses on the sender's word.
_DEMUXERS = "wav,mp3,ogg,matroska,webm,mov,mp4,m4a,aac,flac"
_BAD_SHARE = 0.1
_STREAMED_SIZE = 0x7FFF0000  # a writer that could not seek back leaves 0 or something near the largest number


def bad_file(message: str) -> ApiError:
    """The 400 for a file that cannot be used."""
    return ApiError(400, "unsupported_file", message, "file")


class AudioFile:
    """✅ OWNER of one upload's decoder. Memory holds the file and what `read` was asked for, never the whole recording.

    ❌ NEVER open or `read` it on the event loop: both take time, and raise `ApiError` 400 naming `file`.
    """

    def __init__(self, data: bytes, most_seconds: float = MOST_SECONDS) -> None:
        if not data:
            raise bad_file("The audio file is empty.")
        self._data = data
        self._most_seconds = most_seconds
        self._container: Any = _opened(data)
        self._stream = _audio_stream(self._container)
        self.rate_hz = _PHONE_HZ if self._stream.codec_context.sample_rate <= _PHONE_HZ else _WIDE_HZ
        self._pieces = self._decoded()
        self._left = np.empty(0, dtype=np.float32)
        self._using = threading.Lock()
        self._closed = False
        self.samples = 0

    @property
    def seconds(self) -> float:
        """How much was read so far: after the last `read`, the recording's length."""
        return self.samples / self.rate_hz

    def read(self, count: int) -> Float:
        """The next `count` samples at `rate_hz`, two channels and more mixed; fewer only at the end."""
        try:
            with self._using:
                return self._next(count)
        finally:
            self._let_go()

    def close(self) -> None:
        """Let go of the decoder; a `read` that a cancelled request left behind on its thread is let finish first."""
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        if self._closed and self._using.acquire(blocking=False):
            self._pieces.close()
            self._container.close()
            self._using.release()

    def _next(self, count: int) -> Float:
        held = [self._left]
        size = self._left.size
        while size < count and (piece := next(self._pieces, None)) is not None:
            held.append(piece)
            size += piece.size
        samples = np.concatenate(held)
        self._left = samples[count:]
        self.samples += min(count, size)
        return samples[:count]

    def _decoded(self) -> Generator[Float, None, None]:
        mixer = _Mixer(self.rate_hz)
        watch = _Watch(self._container.format.name, _declared_seconds(self._container, self._data), self._most_seconds)
        try:
            for frame in _frames(self._container, self._stream, watch):
                watch.frame(frame)
                yield from mixer.feed(frame)
            yield from mixer.finish()
        except FFmpegError as problem:
            raise bad_file(f"The audio file is corrupt: {_reason(problem)}.") from problem
        watch.ended()


class _Mixer:
    """Frames of any layout and rate to mono floats; a file may change its mind between two frames."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._shape: tuple[object, ...] = ()
        self._resampler: AudioResampler | None = None

    def feed(self, frame: AudioFrame) -> Iterator[Float]:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            yield from self.finish()
            self._shape = shape
            self._resampler = AudioResampler(format="s16", layout="mono", rate=self._rate_hz)
        frame.pts = None  # timestamps with holes would make the resampler complain; places are counted in samples
        yield from self._resampled(frame)

    def finish(self) -> Iterator[Float]:
        yield from self._resampled(None)

    def _resampled(self, frame: AudioFrame | None) -> Iterator[Float]:
        for out in self._resampler.resample(frame) if self._resampler is not None else ():
            yield out.to_ndarray().reshape(-1).astype(np.float32) / 32768.0


class _Watch:
    """What a decoding run has seen: enough to tell a whole file from a cut or a broken one, and to stop a bomb."""

    def __init__(self, form: str, declared: float | None, most_seconds: float) -> None:
        self._declared = declared
        self._most_seconds = most_seconds
        self._may_have_holes = "matroska" in form  # a browser's recorder leaves silence out
        self._packets = self._bad = self._values = 0
        self._seconds = self._until = 0.0

    def packet(self, good: bool) -> None:
        self._packets += 1
        self._bad += not good

    def frame(self, frame: AudioFrame) -> None:
        length = frame.samples / frame.sample_rate
        self._seconds += length
        self._until = max(self._until, (frame.time or 0.0) + length)
        self._values += frame.samples * len(frame.layout.channels)
        if self._seconds > self._most_seconds or self._values > _MOST_VALUES:
            hours = self._most_seconds / 3600
            message = f"The audio is too long: at most {hours:g} hours (of stereo at 48 kHz) are taken."
            raise ApiError(400, "audio_too_long", message, "file")

    def ended(self) -> None:
        """Raise `ApiError` unless the file held what it said it would."""
        if not self._seconds:
            raise bad_file("The audio file is corrupt or empty: no sound could be decoded from it.")
        if self._bad > max(1, self._packets * _BAD_SHARE):
            raise bad_file(f"The audio file is corrupt: {self._bad} of its {self._packets} packets cannot be decoded.")
        reached = self._until if self._may_have_holes else self._seconds
        if self._declared and self._declared - reached > max(0.5, self._declared * _BAD_SHARE):
            told = f"it says it lasts {self._declared:.1f} s but holds {reached:.1f} s"
            raise bad_file(f"The audio file is cut off or corrupt: {told}.")


def _opened(data: bytes) -> Any:
    try:
        return av.open(
            io.BytesIO(data), "r", container_options={"format_whitelist": _DEMUXERS}, io_open=_refuse_other_files
        )
    except (FFmpegError, ValueError) as problem:
        raise bad_file(f"The audio file could not be decoded: it is not (or not wholly) {_READABLE}.") from problem


def _refuse_other_files(url: str, flags: int, options: object) -> Any:
    raise PermissionError("an uploaded file may not open another")


def _audio_stream(container: Any) -> Any:
    usable = [one for one in container.streams.audio if one.codec_context is not None and one.codec_context.sample_rate]
    if not usable:
        container.close()
        raise bad_file("The file has no sound that can be decoded.")
    context = usable[0].codec_context
    if context.channels > _MOST_CHANNELS:
        container.close()
        raise bad_file(f"The audio has {context.channels} channels; at most {_MOST_CHANNELS} are mixed.")
    return usable[0]


def _frames(container: Any, stream: Any, watch: _Watch) -> Iterator[AudioFrame]:
    # One broken packet is passed over, as players do; `watch` judges how many are too many.
    with closing(container.demux(stream)) as packets:
        for packet in packets:
            try:
                decoded = packet.decode()
            except FFmpegError:
                watch.packet(good=False)
                continue
            watch.packet(good=True)
            yield from decoded


def _declared_seconds(container: Any, data: bytes) -> float | None:
    """The length that the file itself claims; None where FFmpeg could only guess it from the bit rate."""
    form, context = container.format.name, container.streams.audio[0].codec_context
    if form == "wav":
        return _wav_seconds(data, context.bit_rate)
    if form == "mp3":
        return _mp3_seconds(data, context.sample_rate)
    return None if form == "aac" or not container.duration else float(container.duration / av.time_base)


def _mp3_seconds(data: bytes, rate_hz: int) -> float | None:
    """The number of frames that an encoder notes in its first, silent frame; files joined end to end hold more."""
    head = data[: 64 << 10]
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at < 0 or not head[at + 7] & 1:
        return None
    return int.from_bytes(head[at + 8 : at + 12], "big") * (1152 if rate_hz >= 32000 else 576) / rate_hz


def _wav_seconds(data: bytes, bit_rate: int | None) -> float | None:
    """A WAV's own claim: FFmpeg trims its length to the bytes there are."""
    at = data.find(b"data", 12)
    size = int.from_bytes(data[at + 4 : at + 8], "little") if at > 0 else 0
    return size * 8 / bit_rate if bit_rate and 0 < size < _STREAMED_SIZE else None


def _reason(problem: FFmpegError) -> str:
    return str(problem.strerror or problem).rstrip(".").lower()
