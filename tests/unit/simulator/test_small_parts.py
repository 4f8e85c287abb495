"""Levels, lines' notation, retry rules, call time, noise, WAV lines, transcripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoneaudio.g711 import ulaw_from_pcm16
from phoneaudio.wav import WavError, wav_bytes
from simulator.clock import ScaledClock
from simulator.ears import list_agent_speech, transcribe
from simulator.level import is_voiced, voiced_end, voiced_spans
from simulator.noise import Noise
from simulator.plan import CallPlan, PlanError, ScriptLine, parse_line
from simulator.report import CallFacts, CallReport, Said
from simulator.voice import ulaw_from_wav
from simulator.webhooks import Answer, RetryRules

LOUD, QUIET = b"\x20", b"\xff"


def level(amplitude: int) -> bytes:
    return ulaw_from_pcm16(amplitude.to_bytes(2, "little", signed=True))


def test_speech_is_told_from_noise_at_either_sign() -> None:
    assert [is_voiced(level(value)) for value in (0, 200, -200, 2000, -2000)] == [False, False, False, True, True]
    assert not is_voiced(b"")


def test_ends_and_spans_of_speech() -> None:
    audio = QUIET * 800 + LOUD * 1600 + QUIET * 4000 + LOUD * 1600 + QUIET * 8000 + LOUD * 160
    assert voiced_end(LOUD * 10 + QUIET * 5) == 10
    assert voiced_end(QUIET * 5) == 0
    assert voiced_spans(audio) == [(100, 1000), (2000, 2020)]


def test_the_notation_of_lines() -> None:
    assert parse_line(" Hello there ") == ScriptLine("Hello there")
    assert parse_line("@1.5 Sorry, wait") == ScriptLine("Sorry, wait", 1.5)
    assert parse_line("keys:12#") == ScriptLine(keys="12#")
    for bad in ("", "   ", "@ Sorry", "@1.5", "@soon Sorry"):
        with pytest.raises(PlanError):
            parse_line(bad)


def test_callbacks_are_beside_the_voice_webhook_and_public() -> None:
    plan = CallPlan(to="+1", from_="+2", public_url="https://desk.example.com")
    assert plan.status_callback() == "https://desk.example.com/webhook/call_status"
    assert plan.recording_callback() == "https://desk.example.com/webhook/recording_status"
    assert CallPlan(to="+1", from_="+2", voice_url="http://h:1/answer").status_callback() == ""


@pytest.mark.parametrize(
    ("url", "answer", "again"),
    [
        ("http://h/a", Answer(500), False),
        ("http://h/a", Answer(0, error="no connection to h"), True),
        ("http://h/a", Answer(0, error="no answer from h"), False),
        ("http://h/a#rc=3&rp=5xx", Answer(503), True),
        ("http://h/a#rc=3&rp=5xx", Answer(404), False),
        ("http://h/a#rc=3&rp=all", Answer(404), True),
        ("http://h/a#rc=3&rp=rt", Answer(0, error="no answer from h"), True),
        ("http://h/a#rc=3&rp=all", Answer(204), False),
    ],
)
def test_retry_rules_come_from_the_urls_fragment(url: str, answer: Answer, again: bool) -> None:
    assert RetryRules.of(url).again(answer) is again


def test_retry_counts_are_bounded_and_broken_ones_ignored() -> None:
    assert [RetryRules.of(f"http://h/#rc={count}").count for count in ("0", "3", "9", "x")] == [0, 3, 5, 1]


async def test_call_time_runs_faster_than_the_wall_and_never_returns_early() -> None:
    clock = ScaledClock(50.0)
    await clock.sleep_until(2.0)
    assert 2.0 <= clock.now() < 12.0
    with pytest.raises(ValueError, match="above 0"):
        ScaledClock(0)


def test_noise_is_audible_but_no_speech_and_always_the_same() -> None:
    first, second = Noise(-60).mix(QUIET * 32000), Noise(-60).mix(QUIET * 32000)
    assert first == second and first != QUIET * 32000
    assert not is_voiced(first)
    with pytest.raises(ValueError, match="-90"):
        Noise(5)


def test_a_wav_of_any_rate_becomes_telephone_audio(tmp_path: Path) -> None:
    path = tmp_path / "line.wav"
    path.write_bytes(wav_bytes(44100, b"\x00\x20" * 44100))
    assert abs(len(ulaw_from_wav(path)) - 8000) <= 2


def test_a_wav_of_the_wrong_format_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(WavError, match="mono"):
        ulaw_from_wav(wav_bytes(8000, b"\0\0", b"\0\0"))
    with pytest.raises(WavError, match="empty"):
        ulaw_from_wav(wav_bytes(8000, b""))
    path = tmp_path / "no.wav"
    path.write_bytes(b"RIFF nonsense")
    with pytest.raises(WavError, match=r"no\.wav"):
        ulaw_from_wav(path)


class Parrot:
    """Says how much it was given."""

    def transcribe(self, audio: bytes) -> str:
        return f"{len(audio) // 8} ms"


def test_agent_speech_is_cut_from_the_tape_and_put_into_words() -> None:
    report = CallReport(CallFacts("CA1", "AC1", "+1", "+2", "inbound"))
    report.said["agent"].append(Said(1100, 1300, "Please hold", "say"))
    tape = QUIET * 800 + LOUD * 1600 + QUIET * 16000 + LOUD * 800
    list_agent_speech(report, tape, started_ms=1000)
    assert [(said.from_ms, said.to_ms, said.source) for said in report.said["agent"]] == [
        (1100, 1300, "say"),
        (3300, 3400, "stream"),
    ]
    transcribe(report, {"agent": tape}, 1000, Parrot())
    assert [said.text for said in report.said["agent"]] == ["Please hold", "220 ms"]
