"""`<Gather>`, `<Record>` and `<Play>` in whole calls; TwiML by the SDK's own builder."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
from starlette.responses import Response
from twilio.twiml.voice_response import VoiceResponse

from phoneaudio.g711 import pcm16_from_ulaw
from phoneaudio.wav import read_wav, wav_bytes
from simulator.caller import Manners, Utterance, silence
from simulator.standin import Standin


def loudest_hz(pcm: bytes) -> float:
    """The strongest frequency in 8 kHz 16-bit audio."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, dtype="<i2").astype(float)))
    return float(np.argmax(spectrum) * 8000 / (len(pcm) // 2))


def menu(**options: Any) -> str:
    """A keypad menu, and what comes behind it."""
    response = VoiceResponse()
    gather = response.gather(action="/webhook/keys", **options)
    gather.say("Press one for sales")
    response.say("You pressed nothing")
    return str(response)


def voicemail(**options: Any) -> str:
    """A voicemail, and what comes behind it."""
    response = VoiceResponse()
    response.say("Leave a message")
    response.record(
        action="/webhook/message", recording_status_callback="/webhook/recording_status",
        recording_status_callback_event="in-progress completed absent", **options,
    )  # fmt: skip
    response.say("You said nothing")
    return str(response)


def said(report: Any) -> list[str]:
    """What Twilio itself spoke."""
    return [item.text for item in report.said["agent"] if item.source == "say"]


def form(server: Any, path: str) -> dict[str, str]:
    (hook,) = [hook for hook in server.hooks if hook.path == path]
    assert hook.genuine
    return dict(hook.form)


@pytest.mark.parametrize(
    ("options", "keys", "digits", "finished_on"),
    [
        ({"num_digits": 1}, "1", "1", ""),
        ({"num_digits": 4}, "1234", "1234", ""),
        ({}, "42#", "42", "#"),
        ({"finish_on_key": "*", "timeout": 1}, "4#2*", "4#2", "*"),
        ({"timeout": 1}, "77", "77", ""),
    ],
)
async def test_keys_reach_the_action(
    server: Any, standin: Standin, make_plan: Any, options: dict[str, Any], keys: str, digits: str, finished_on: str
) -> None:
    server.answers["/webhook/voice"] = menu(**options)
    server.answers["/webhook/keys"] = "<Response><Say>Thank you</Say></Response>"
    report = await standin.place_call(make_plan(lines=[f"keys:{keys}"]))
    pressed = form(server, "/webhook/keys")
    assert (pressed["Digits"], pressed["FinishedOnKey"]) == (digits, finished_on)
    assert pressed["CallSid"] == report.call.sid and pressed["msg"] == "Gather End"
    assert said(report) == ["Press one for sales", "Thank you"] and report.ok


async def test_a_key_cuts_the_prompt_short(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/voice"] = menu(num_digits=1).replace("Press one for sales", "Press one " * 60)
    server.answers["/webhook/keys"] = "<Response><Hangup/></Response>"
    line = Utterance(silence(200), keys="1", interrupt_after_ms=500)
    report = await standin.place_call(make_plan(lines=[line]))
    assert report.frames.played_bytes // 8 < 20_000 and report.call.duration_s < 20


async def test_without_keys_the_call_goes_on_behind_the_verb(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/voice"] = menu(timeout=1)
    report = await standin.place_call(make_plan())
    assert said(report) == ["Press one for sales", "You pressed nothing"]
    assert report.outcome == "refused" and not any(hook.path == "/webhook/keys" for hook in server.hooks)


async def test_an_empty_result_can_be_asked_for(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/voice"] = menu(timeout=1, action_on_empty_result=True)
    await standin.place_call(make_plan())
    assert form(server, "/webhook/keys")["Digits"] == ""


async def test_speech_is_not_recognised_and_the_report_says_so(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/voice"] = menu(input="dtmf speech", timeout=1)
    report = await standin.place_call(make_plan())
    assert any("speech is not recognised" in warning for warning in report.warnings)


async def test_a_voicemail_is_recorded_until_silence(server: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    server.answers["/webhook/voice"] = voicemail(timeout=2, max_length=60)
    server.answers["/webhook/message"] = "<Response><Say>Thank you</Say></Response>"
    report = await standin.place_call(make_plan(lines=[tones(1500, 700)]))
    message = form(server, "/webhook/message")
    assert message["Digits"] == "" and 3 <= int(message["RecordingDuration"]) <= 8
    started, done = server.recordings()
    assert (started["RecordingStatus"], done["RecordingStatus"]) == ("in-progress", "completed")
    assert (done["RecordingSource"], done["RecordingChannels"], done["CallSid"]) == ("RecordVerb", "1", report.call.sid)
    assert done["RecordingUrl"] == message["RecordingUrl"] and done["RecordingSid"] == message["RecordingSid"]
    async with httpx.AsyncClient(auth=(standin.account.sid, standin.account.auth_token)) as client:
        (audio,) = read_wav((await client.get(message["RecordingUrl"] + ".wav")).content).channels
    assert abs(loudest_hz(audio) - 700) < 5
    assert said(report) == ["Leave a message", "Thank you"] and report.ok


async def test_a_key_ends_a_voicemail(server: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    server.answers["/webhook/voice"] = voicemail(finish_on_key="#")
    server.answers["/webhook/message"] = "<Response><Hangup/></Response>"
    spoken = Utterance(tones(600, 700), keys="#")
    await standin.place_call(
        make_plan(lines=[Utterance(tones(900, 700)), Utterance(tones(300), heedless=True), spoken])
    )
    assert form(server, "/webhook/message")["Digits"] in ("#", "")


async def test_a_voicemail_has_a_longest_length(server: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    server.answers["/webhook/voice"] = voicemail(max_length=2, play_beep=False)
    server.answers["/webhook/message"] = "<Response><Hangup/></Response>"
    await standin.place_call(make_plan(lines=[tones(9000, 700)]))
    assert 2 <= int(form(server, "/webhook/message")["RecordingDuration"]) <= 6


async def test_a_caller_who_hangs_up_leaves_the_message_behind(
    server: Any, standin: Standin, make_plan: Any, tones: Any
) -> None:
    server.answers["/webhook/voice"] = voicemail(timeout=30)
    manners = Manners(end_wait_ms=1000)
    report = await standin.place_call(make_plan(lines=[tones(800, 700)], manners=manners))
    message = form(server, "/webhook/message")
    assert message["Digits"] == "hangup" and message["CallStatus"] == "completed"
    assert report.call.ended_by == "caller" and report.ok
    assert [row["RecordingStatus"] for row in server.recordings()] == ["in-progress", "completed"]


async def test_an_empty_voicemail_is_absent_and_the_call_goes_on(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/voice"] = voicemail(timeout=1)
    report = await standin.place_call(make_plan())
    assert [row["RecordingStatus"] for row in server.recordings()] == ["in-progress", "absent"]
    assert not any(hook.path == "/webhook/message" for hook in server.hooks)
    assert said(report) == ["Leave a message", "You said nothing"]


async def test_a_wav_is_played_and_anything_else_is_named(
    server: Any, standin: Standin, make_plan: Any, tones: Any
) -> None:
    response = VoiceResponse()
    response.play("/sound.wav")
    response.play("/sound.mp3")
    server.answers["/webhook/voice"] = str(response)
    server.answers["/sound.wav"] = Response(wav_bytes(8000, pcm16_from_ulaw(tones(1000, 600))), media_type="audio/wav")
    server.answers["/sound.mp3"] = Response(b"ID3", media_type="audio/mpeg")
    report = await standin.place_call(make_plan())
    agent = standin.tapes(report.call.sid)[1]
    assert abs(loudest_hz(pcm16_from_ulaw(agent)) - 600) < 5
    assert [warning for warning in report.warnings if "sound.mp3" in warning]
    assert all(hook.genuine for hook in server.hooks)
