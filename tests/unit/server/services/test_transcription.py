"""Transcripts by channel, in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from phoneaudio.wav import WavError, read_wav, wav_bytes
from server import ports
from server.models_sql import Business, ConversationTurn
from server.services.transcription import keywords_for, transcribe_recording, transcript_of_turns
from tests.support.fakes import CALLER_PCM, RATE_HZ, RECORDING, FakeWorld, silence, tone


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FakeWorld]:
    made = FakeWorld(tmp_path)
    ports.install(made.ports())
    yield made
    ports.install(None)


def saved(folder: Path, wav: bytes) -> Path:
    path = folder / "call.wav"
    path.write_bytes(wav)
    return path


def test_each_side_is_heard_alone_and_lines_are_in_order(world: FakeWorld, tmp_path: Path) -> None:
    world.transcriber.words = lambda wav: f"{read_wav(wav).duration_ms} ms"
    heard = transcribe_recording(saved(tmp_path, RECORDING), keywords=["Harbour Hair"], language="en")
    assert heard == "[00:00] Caller: 900 ms\n[00:02] Agent: 1100 ms"
    assert all(len(read_wav(wav).channels) == 1 for wav, _, _ in world.transcriber.heard)
    assert {(keywords, language) for _, keywords, language in world.transcriber.heard} == {(("Harbour Hair",), "en")}


def test_turns_of_one_side_between_the_other_s_are_interleaved(world: FakeWorld, tmp_path: Path) -> None:
    caller = tone(300) + silence(4700) + tone(300)
    agent = silence(2500) + tone(300) + silence(2500)
    lines = transcribe_recording(saved(tmp_path, wav_bytes(RATE_HZ, caller, agent)), keywords=[], language="en")
    assert [line.split()[1] for line in lines.splitlines()] == ["Caller:", "Agent:", "Caller:"]


def test_one_channel_names_nobody(world: FakeWorld, tmp_path: Path) -> None:
    text = transcribe_recording(saved(tmp_path, wav_bytes(RATE_HZ, CALLER_PCM)), keywords=[], language="en")
    assert text == "[00:00] Call: some words"


def test_sound_without_words_makes_no_line(world: FakeWorld, tmp_path: Path) -> None:
    world.transcriber.words = lambda _: " \n"
    assert transcribe_recording(saved(tmp_path, RECORDING), keywords=[], language="en") == ""


def test_minutes_are_counted(world: FakeWorld, tmp_path: Path) -> None:
    wav = wav_bytes(RATE_HZ, silence(61_300) + tone(300))
    assert transcribe_recording(saved(tmp_path, wav), keywords=[], language="en").startswith("[01:01] ")


def test_a_file_that_is_no_wav_is_a_clear_error(world: FakeWorld, tmp_path: Path) -> None:
    with pytest.raises(WavError, match="not a PCM WAV"):
        transcribe_recording(saved(tmp_path, b"<html>"), keywords=[], language="en")


def test_keywords_are_the_names_a_transcriber_can_t_know() -> None:
    business = Business(
        name="Harbour Hair",
        facts=[
            "We are at Saint Mary's in Wellington Street.",
            "Our stylists are Maria Lopez and Zoë.",
            "Parking is free.",
        ],
    )
    assert keywords_for(business) == ["Harbour Hair", "Saint Mary's", "Wellington Street", "Maria Lopez", "Zoë"]


def test_a_business_without_facts_has_its_name() -> None:
    assert keywords_for(Business(name="Harbour Hair")) == ["Harbour Hair"]


def test_keywords_are_few() -> None:
    business = Business(name="X", facts=[f"See Person{number}" for number in range(100)])
    assert len(keywords_for(business)) == 24


def test_of_a_cut_off_answer_only_what_was_heard_counts() -> None:
    turns = [
        ConversationTurn(speaker="assistant", message="We open at nine and close at five.", heard="We open at nine"),
        ConversationTurn(speaker="user", message="Thanks.", started_ms=4200),
        ConversationTurn(speaker="assistant", message="You are welcome.", heard=""),
    ]
    assert transcript_of_turns(turns) == "Agent: We open at nine\n[00:04] Caller: Thanks."
