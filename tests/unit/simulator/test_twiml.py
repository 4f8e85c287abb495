"""Reading a server's TwiML."""

from __future__ import annotations

import pytest
from twilio.twiml.voice_response import VoiceResponse

from simulator.twiml import TwimlError, parse_twiml
from simulator.verbs import (
    ConnectStream,
    Dial,
    Gather,
    Hangup,
    Number,
    Pause,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    StartRecording,
    Unsupported,
)

BASE = "https://example.com/webhook/voice"


def test_connect_stream_with_parameters_and_action() -> None:
    body = """<?xml version="1.0" encoding="UTF-8"?><Response><Connect action="/webhook/stream_ended">
      <Stream url="wss://example.com/ws" name="n" statusCallback="/s"><Parameter name="token" value="a&amp;b"/></Stream>
    </Connect><Hangup/></Response>"""
    stream, hangup = parse_twiml(body, BASE).verbs
    assert stream == ConnectStream(
        "wss://example.com/ws", "n", {"token": "a&b"}, "https://example.com/webhook/stream_ended", "POST",
        "https://example.com/s", "POST",
    )  # fmt: skip
    assert hangup == Hangup()


def test_simple_verbs() -> None:
    body = (
        '<Response><Say language="en-GB" voice="Polly.Amy">Good  <emphasis>day</emphasis></Say><Pause length="2"/>'
        '<Play>/a.wav</Play><Redirect method="GET">/next</Redirect><Reject reason="busy"/></Response>'
    )
    assert parse_twiml(body, BASE).verbs == [
        Say("Good day", "en-GB", "Polly.Amy"),
        Pause(2.0),
        Play("https://example.com/a.wav"),
        Redirect("https://example.com/next", "GET"),
        Reject("busy"),
    ]


def test_start_recording() -> None:
    body = (
        '<Response><Start><Recording channels="dual" recordingStatusCallback="/r" '
        'recordingStatusCallbackEvent="in-progress completed"/></Start></Response>'
    )
    assert parse_twiml(body, BASE).verbs == [
        StartRecording("dual", "both", "https://example.com/r", "POST", ("in-progress", "completed"))
    ]


def test_gather_by_the_sdk() -> None:
    response = VoiceResponse()
    gather = response.gather(num_digits=3, timeout=7, action="/keys", method="GET", finish_on_key="")
    gather.say("Press", language="en-GB")
    gather.pause(length=2)
    gather.play("/beep.wav")
    prompts = (Say("Press", "en-GB"), Pause(2.0), Play("https://example.com/beep.wav"))
    (verb,) = parse_twiml(str(response), BASE).verbs
    assert verb == Gather("https://example.com/keys", "GET", 3, 7.0, "", False, prompts)


def test_gather_and_record_go_on_with_their_own_document_by_default() -> None:
    gather, record = parse_twiml("<Response><Gather/><Record/></Response>", BASE).verbs
    assert (gather, record) == (Gather(BASE), Record(BASE))


def test_speech_input_is_warned_about() -> None:
    document = parse_twiml('<Response><Gather input="speech dtmf"/></Response>', BASE)
    assert document.verbs == [Gather(BASE)] and "speech" in document.warnings[0]


def test_record_by_the_sdk() -> None:
    response = VoiceResponse()
    response.record(
        action="/done", timeout=3, finish_on_key="#", max_length=20, play_beep=False, recording_status_callback="/r",
        recording_status_callback_event="completed absent",
    )  # fmt: skip
    here = "https://example.com"
    assert parse_twiml(str(response), BASE).verbs == [
        Record(f"{here}/done", "POST", 3.0, "#", 20.0, False, f"{here}/r", "POST", ("completed", "absent"))
    ]


def test_dial_by_the_sdk() -> None:
    response = VoiceResponse()
    dial = response.dial(
        action="/dialled", timeout=12, caller_id="+15550001111", time_limit=600, answer_on_bridge=True,
        hangup_on_star=True,
    )  # fmt: skip
    dial.number("+15550009999", url="/whisper", status_callback="/leg", status_callback_event="answered completed")
    here = "https://example.com"
    number = Number("+15550009999", f"{here}/whisper", "POST", f"{here}/leg", "POST", ("answered", "completed"))
    assert parse_twiml(str(response), BASE).verbs == [
        Dial((number,), f"{here}/dialled", "POST", 12.0, "+15550001111", 600.0, True)
    ]


def test_a_bare_number_is_dialled() -> None:
    assert parse_twiml("<Response><Dial>+1555</Dial></Response>").verbs == [Dial((Number("+1555"),))]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ('<Start><Stream url="wss://x/y"/></Start>', "<Connect><Stream>"),
        ("<Connect><Room>r</Room></Connect>", "<Room>"),
        ("<Dial><Sip>sip:a@b</Sip></Dial>", "<Sip>"),
        ("<Dial></Dial>", "numbers"),
        ("<Dance/>", "unknown"),
        ('<Pause length="long"/>', "number of seconds"),
        ('<Dial timeout="soon">+1555</Dial>', "timeout='soon'"),
        ("<Dial>" + "<Number>+1</Number>" * 11 + "</Dial>", "one to 10"),
    ],
)
def test_what_is_not_acted_out_says_why(body: str, word: str) -> None:
    (verb,) = parse_twiml(f"<Response>{body}</Response>").verbs
    assert isinstance(verb, Unsupported)
    assert word in verb.why


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("", "an empty body"),
        ('{"detail":"Not Found"}', "Not Found"),
        ("<html><body/></html>", "<html>"),
        ("<Response>" + "x" * 70000 + "</Response>", "at most"),
    ],
)
def test_what_is_not_twiml_is_quoted(body: str, word: str) -> None:
    with pytest.raises(TwimlError, match=word):
        parse_twiml(body)
