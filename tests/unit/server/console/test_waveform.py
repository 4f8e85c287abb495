"""The outline of a recording."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from phoneaudio.wav import wav_bytes
from server.console.waveform import outline

LOUD = (16384).to_bytes(2, "little", signed=True)
QUIETER = (-8192).to_bytes(2, "little", signed=True)
SILENT = b"\0\0"


def saved(folder: Path, *channels: bytes) -> Path:
    path = folder / "call.wav"
    path.write_bytes(wav_bytes(8000, *channels))
    return path


def test_each_channel_has_its_own_outline(tmp_path: Path) -> None:
    drawn = outline(saved(tmp_path, LOUD * 4000 + SILENT * 4000, SILENT * 4000 + QUIETER * 4000), points=2)
    assert drawn.duration_s == 1.0
    assert drawn.channels == [[0.5, 0.0], [0.0, 0.25]]


def test_mono_has_one(tmp_path: Path) -> None:
    assert outline(saved(tmp_path, LOUD * 10), points=5).channels == [[0.5] * 5]


def test_a_long_recording_has_no_more_points_than_asked_for(tmp_path: Path) -> None:
    drawn = outline(saved(tmp_path, LOUD * 8001, SILENT * 8001), points=100)
    assert len(drawn.channels[0]) <= 100
    assert drawn.channels[0][-1] == 0.5


def test_a_recording_of_nothing(tmp_path: Path) -> None:
    drawn = outline(saved(tmp_path, b"", b""))
    assert (drawn.duration_s, drawn.channels) == (0.0, [[]])


def test_what_is_no_wav_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"not a recording")
    with pytest.raises(wave.Error):
        outline(path)
