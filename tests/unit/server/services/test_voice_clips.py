"""The sentences that a call needs without its model: made once, kept on disk, there when they are wanted."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path

import pytest

from server import ports
from server.db import Database
from server.domain.session_plan import APOLOGY_CLIP, CLIP_WORDS, HOLD_CLIP
from server.models_sql import Business
from server.services.voice_clips import PIECE_BYTES, VoiceClips, voices
from tests.support.clock import FakeClock

SOUND = bytes(range(256)) * 20


class Speaker:
    """Says the same whatever it is asked, or nothing, or fails."""

    def __init__(self, sound: bytes | None = SOUND) -> None:
        self.asked: list[tuple[str, str]] = []
        self._sound = sound

    def say(self, text: str, voice: str) -> bytes:
        self.asked.append((text, voice))
        if self._sound is None:
            raise ports.ProviderError("not now", retryable=True)
        return self._sound


def speaking(speaker: Speaker) -> Speaker:
    """Install it."""
    ports.install(dataclasses.replace(ports.current(), speaker=speaker))
    return speaker


def test_clips_are_made_once_and_read_from_disk_by_the_next_process(clock: FakeClock, tmp_path: Path) -> None:
    speaker = speaking(Speaker())
    clips = VoiceClips()
    held = clips.of("marin")
    assert held == {} and clips.missing("marin")
    clips.prepare("marin")
    assert set(held) == {HOLD_CLIP, APOLOGY_CLIP} and not clips.missing("marin")
    assert b"".join(map(base64.b64decode, held[HOLD_CLIP])) == SOUND
    assert all(len(base64.b64decode(piece)) <= PIECE_BYTES for piece in held[HOLD_CLIP])
    another = VoiceClips()
    another.prepare("marin")
    assert another.of("marin") == held and len(speaker.asked) == len(CLIP_WORDS)
    another.prepare("cedar")
    assert len(speaker.asked) == 2 * len(CLIP_WORDS)


def test_a_server_that_does_not_speak_is_not_asked_again(clock: FakeClock, tmp_path: Path) -> None:
    speaking(Speaker(b""))
    clips = VoiceClips()
    clips.prepare("marin")
    assert clips.of("marin")[HOLD_CLIP] == () and not clips.missing("marin")
    assert list(tmp_path.rglob("*.ulaw")) == []


def test_a_failure_is_the_caller_s_to_repeat(clock: FakeClock) -> None:
    speaking(Speaker(None))
    clips = VoiceClips()
    with pytest.raises(ports.ProviderError):
        clips.prepare("marin")
    assert clips.missing("marin")


def test_voices_are_those_of_the_businesses(database: Database, business: Business) -> None:
    assert voices() == ["marin"]
