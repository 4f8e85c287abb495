"""Uploaded files: every format, every way of being broken, and no more memory than is asked for."""

from __future__ import annotations

import io
import struct
import threading

import av
import numpy as np
import pytest

from engine.errors import ApiError
from engine.http.audio_files import AudioFile
from phoneaudio.wav import wav_bytes
from tests.unit.engine.http.made_audio import FORMATS, encoded, tone


def read_all(data: bytes, **limits: float) -> tuple[AudioFile, np.ndarray]:
    file = AudioFile(data, **limits)
    parts = []
    while (part := file.read(7000)).size:
        parts.append(part)
    file.close()
    return file, np.concatenate(parts)


def level(samples: np.ndarray, rate_hz: int, begin: float, end: float) -> float:
    return float(np.abs(samples[int(begin * rate_hz) : int(end * rate_hz)]).mean())


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_decoded_whole(kind: str) -> None:
    file, samples = read_all(encoded(kind, tone((0.0, 1.0), (1.0, 1.0))))
    assert file.rate_hz == 16000
    assert file.seconds == pytest.approx(3.0, abs=0.15) and samples.size == file.samples
    assert level(samples, 16000, 1.2, 1.8) > 0.2
    assert level(samples, 16000, 0.1, 0.8) < 0.01


def test_a_telephone_wav_keeps_its_rate_and_its_samples() -> None:
    sent = tone((1.0, 0.5), rate_hz=8000)
    file, samples = read_all(encoded("wav", sent, 8000))
    assert file.rate_hz == 8000
    assert np.array_equal(np.round(samples * 32768).astype("<i2"), sent)


def test_two_channels_are_mixed_half_and_half() -> None:
    left, right = tone((1.0, 1.0)), np.concatenate([tone((0.0, 1.0)), tone((1.0, 0.0))])
    _, samples = read_all(encoded("wav", np.stack([left, right], axis=1).reshape(-1), layout="stereo"))
    alone = float(np.abs(left[1000:15000]).mean()) / 32768
    assert level(samples, 16000, 0.1, 0.9) == pytest.approx(alone / 2, rel=0.02)
    assert level(samples, 16000, 1.1, 1.9) == pytest.approx(alone / 2, rel=0.02)


def test_a_streamed_wav_that_does_not_know_its_length_is_read() -> None:
    pcm = tone((1.0, 0.0)).tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
    head = b"RIFF\xff\xff\xff\xffWAVE" + form + b"data\xff\xff\xff\xff"
    assert read_all(head + pcm)[0].seconds == pytest.approx(1.0, abs=0.01)


def test_a_file_that_changes_its_rate_midway_is_read_on() -> None:
    joined = encoded("mp3", tone((2.0, 0.0), rate_hz=16000)) + encoded("mp3", tone((2.0, 0.0), rate_hz=24000), 24000)
    assert read_all(joined)[0].seconds == pytest.approx(4.0, abs=0.4)


BROKEN = {
    "nothing": b"",
    "text": b"hello world\n" * 1000,
    "an empty wav": wav_bytes(8000, b""),
    "noise": np.random.default_rng(2).bytes(200_000),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(1000),
    "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
    "a list of files": b"ffconcat version 1.0\nfile '/etc/hostname'\n",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_no_recording_is_refused(data: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        read_all(data)
    assert (refused.value.status, refused.value.param) == (400, "file")


@pytest.mark.parametrize("kind", ["wav", "mp3", "webm", "m4a", "flac"])
def test_a_file_that_is_cut_off_is_refused(kind: str) -> None:
    whole = encoded(kind, tone((6.0, 0.0)))
    with pytest.raises(ApiError, match=r"cut off|not wholly") as refused:
        read_all(whole[: len(whole) // 2])
    assert (refused.value.status, refused.value.param) == (400, "file")


# A webm is not among them: a hole in one is what a browser's recorder leaves where there was silence.
@pytest.mark.parametrize("kind", ["mp3", "ogg", "m4a", "flac"])
def test_a_file_overwritten_in_its_middle_is_refused(kind: str) -> None:
    data = bytearray(encoded(kind, tone((6.0, 0.0))))
    third = len(data) // 3
    data[third : 2 * third] = np.random.default_rng(1).bytes(third)
    with pytest.raises(ApiError, match="corrupt") as refused:
        read_all(bytes(data))
    assert refused.value.param == "file"


def test_a_recording_stops_at_the_longest_allowed() -> None:
    silence = encoded("flac", tone((0.0, 30.0)))
    assert len(silence) < 20_000
    file = AudioFile(silence, most_seconds=20.0)
    assert file.read(10 * 16000).size == 160_000
    with pytest.raises(ApiError, match="too long") as refused:
        file.read(60 * 16000)
    assert refused.value.param == "file"


def test_a_video_without_sound_is_refused() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(ApiError, match="no sound"):
        AudioFile(out.getvalue())


def test_closing_during_a_read_waits_for_nobody_and_breaks_nothing() -> None:
    file = AudioFile(encoded("wav", tone((20.0, 20.0))))
    sizes: list[int] = []
    reader = threading.Thread(target=lambda: sizes.append(file.read(40 * 16000).size))
    reader.start()
    file.close()
    file.close()
    reader.join()
    assert sizes[0] in (0, 640_000)
