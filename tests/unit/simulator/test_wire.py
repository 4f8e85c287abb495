"""Media Streams messages."""

from __future__ import annotations

import base64
import json

import pytest

from simulator.wire import BadMessage, Clear, Mark, Media, Sender, read_message


def sender() -> Sender:
    return Sender("AC1", "CA1", "MZ1")


def test_what_twilio_sends_has_numbered_strings() -> None:
    wire = sender()
    rows = [json.loads(text) for text in (wire.connected(), wire.start({"a": "b"}), wire.media(b"\xff" * 160, 0))]
    rows += [json.loads(text) for text in (wire.media(b"\x00", 20), wire.mark("m"), wire.dtmf("#"), wire.stop())]
    assert rows[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert rows[1]["start"] == {
        "accountSid": "AC1", "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}, "customParameters": {"a": "b"},
    }  # fmt: skip
    payload = base64.b64encode(b"\x00").decode()
    assert rows[3]["media"] == {"track": "inbound", "chunk": "2", "timestamp": "20", "payload": payload}
    assert rows[4]["mark"] == {"name": "m"}
    assert rows[5]["dtmf"] == {"track": "inbound_track", "digit": "#"}
    assert rows[6]["stop"] == {"accountSid": "AC1", "callSid": "CA1"}
    assert [row["sequenceNumber"] for row in rows[1:]] == ["1", "2", "3", "4", "5", "6"]
    assert {row["streamSid"] for row in rows[1:]} == {"MZ1"}


def test_what_the_server_sends_is_read() -> None:
    media = {
        "event": "media",
        "streamSid": "MZ1",
        "media": {"payload": base64.b64encode(b"abc").decode(), "track": "x"},
    }
    assert read_message(json.dumps(media).encode(), "MZ1") == Media(b"abc")
    assert read_message(b'{"event":"mark","streamSid":"MZ1","mark":{"name":"n"}}', "MZ1") == Mark("n")
    assert read_message(b'{"event":"clear","streamSid":"MZ1"}', "MZ1") == Clear()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"nonsense", "not a Media Streams message"),
        (b"[]", "not a Media Streams message"),
        (b'{"event":"media","streamSid":"MZ2","media":{"payload":""}}', "names stream 'MZ2'"),
        (b'{"event":"media","streamSid":"MZ1","media":{"payload":"%%%"}}', "base64"),
        (b'{"event":"media","streamSid":"MZ1"}', "not one that Twilio takes"),
        (b'{"event":"mark","streamSid":"MZ1","mark":{}}', "not one that Twilio takes"),
        (b'{"event":"dance","streamSid":"MZ1"}', "dance"),
        (b'{"event":"media","streamSid":"MZ1","media":{"payload":"\xff"}}', "not a Media Streams message"),
    ],
)
def test_a_bad_message_says_what_is_wrong(text: bytes, word: str) -> None:
    with pytest.raises(BadMessage, match=word):
        read_message(text, "MZ1")
