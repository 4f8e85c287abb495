"""Recordings in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.adapters.blobs import open_store
from server.ports import ProviderError


def test_a_file_goes_in_and_comes_out(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(b"sound" * 500_000)
    store = open_store((tmp_path / "with a space" / "recordings").as_uri())
    store.put_file("7/CA1.wav", source)
    assert store.fetch_to("7/CA1.wav", copy) is True
    assert copy.read_bytes() == source.read_bytes()
    assert (tmp_path / "with a space" / "recordings" / "7" / "CA1.wav").exists()


def test_what_is_not_there_is_said_and_may_be_deleted(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    assert store.fetch_to("7/CA1.wav", tmp_path / "copy") is False
    store.delete("7/CA1.wav")


def test_a_second_put_replaces_and_a_delete_removes(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    store = open_store((tmp_path / "store").as_uri())
    for text in (b"one", b"two"):
        source.write_bytes(text)
        store.put_file("7/CA1.wav", source)
    assert store.fetch_to("7/CA1.wav", copy) and copy.read_bytes() == b"two"
    store.delete("7/CA1.wav")
    assert store.fetch_to("7/CA1.wav", copy) is False


def test_a_store_that_can_t_write_is_a_provider_s_error(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "7").write_text("a file where the folder should be")
    source = tmp_path / "source"
    source.write_bytes(b"sound")
    with pytest.raises(ProviderError) as raised:
        open_store((tmp_path / "store").as_uri()).put_file("7/CA1.wav", source)
    assert raised.value.retryable
