"""Reading a server's TwiML."""

from __future__ import annotations

import pytest

from simulator.twiml import TwimlError, parse_twiml
from simulator.verbs import ConnectStream, Hangup, Pause, Play, Redirect, Reject, Say, StartRecording, Unsupported

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


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ('<Start><Stream url="wss://x/y"/></Start>', "<Connect><Stream>"),
        ("<Connect><Room>r</Room></Connect>", "<Room>"),
        ("<Dial><Sip>sip:a@b</Sip></Dial>", "<Sip>"),
        ("<Dial></Dial>", "numbers"),
        ("<Dance/>", "unknown"),
        ('<Pause length="long"/>', "number of seconds"),
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
