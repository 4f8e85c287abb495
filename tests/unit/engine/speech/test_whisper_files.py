"""The model folder is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.settings import cache_dir
from engine.speech import whisper_files
from engine.speech.whisper_files import ModelFilesMissing, whisper_folder


def test_an_assembled_folder_is_used_as_it_is(tmp_path: Path) -> None:
    ready = tmp_path / "whisper-base-1.0.0"
    ready.mkdir()
    (ready / "model.bin").write_bytes(b"whole")
    assert whisper_folder(tmp_path) == ready
    assert (ready / "model.bin").read_bytes() == b"whole"


@pytest.mark.speech
def test_the_parts_become_one_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "new")
    assert (folder / "model.bin").stat().st_size == 94371840 + 50845767
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.json",
    ]
    assert [path.name for path in (tmp_path / "new").iterdir()] == [folder.name]


def test_a_missing_package_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper_files, "_PARTS", (("no_such_speech_package", "model.bin.part1"),) * 2)
    with pytest.raises(ModelFilesMissing, match=r"no-such-speech-package is not installed; run `make setup`"):
        whisper_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_cache_folder_follows_the_environment() -> None:
    assert cache_dir({"FRONTDESK_CACHE": "/somewhere"}) == Path("/somewhere")
    assert cache_dir({}) == Path.home() / ".cache" / "frontdesk"
