"""Twilio Media Streams, as read and as written."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from server.media import wire
from tests.support.media_calls import Transport


def test_what_is_not_needed_is_skipped() -> None:
    frame = wire.decode(b'{"event":"media","sequenceNumber":"3","media":{"track":"inbound","payload":"AAAA"},"x":[1]}')
    assert frame.event == "media" and frame.media is not None and frame.media.payload == "AAAA"


def test_a_stream_sid_of_any_kind_is_written_as_it_is() -> None:
    transport = Transport()
    out = wire.Outgoing(cast(Any, transport), 'MZ"1\\')
    out.audio("AAAA", "a1")
    out.clear()
    sid = 'MZ"1\\'
    assert [json.loads(message) for message in transport.sent] == [
        {"event": "media", "streamSid": sid, "media": {"payload": "AAAA"}},
        {"event": "mark", "streamSid": sid, "mark": {"name": "a1"}},
        {"event": "clear", "streamSid": sid},
    ]


@pytest.mark.parametrize(("payload", "plain"), [("AA+/==", True), ('A"', False), ("A\\", False), ("é", False)])
def test_payloads_that_would_say_something_are_not_plain(payload: str, plain: bool) -> None:
    assert wire.is_plain(payload) is plain
