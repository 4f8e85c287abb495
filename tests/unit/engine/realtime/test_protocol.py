"""Reading client events: whatever comes, a JSON object of sane depth or a `ClientError`."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.realtime.protocol import ClientError, client_event_id, parse_event, shown, unsupported


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("\ufeff{}", "invalid_json"),
        ('{"a": NaN}', "invalid_json"),
        ('{"a": 1e999}', "invalid_json"),
        ('{"a": "\\ud800"}', "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ('{"a":' * 70 + "1" + "}" * 70, "invalid_value"),
        ('{"a":' + "[" * 70 + "]" * 70 + "}", "invalid_value"),
        ("[]", "invalid_type"),
        ("null", "invalid_type"),
        ('"session.update"', "invalid_type"),
    ],
)
def test_what_is_no_event_is_refused(text: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        parse_event(text)
    assert refused.value.code == code


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    event = None
    with suppress(ClientError):
        event = parse_event(text)
    assert event is None or isinstance(event, dict)


def test_a_number_of_any_size_is_read() -> None:
    assert parse_event('{"a": 100000000000000000000000000000}') == {"a": 10**29}


def test_an_error_repeats_no_more_than_the_beginning_of_a_value() -> None:
    assert len(shown("x" * 10_000)) < 100
    assert len(unsupported("type", {"a": "x" * 10_000}, ["b"]).message) < 200


def test_only_a_text_can_be_echoed_as_an_event_id() -> None:
    assert client_event_id({"event_id": "mine"}) == "mine"
    assert client_event_id({"event_id": 7}) is None and client_event_id({}) is None
    assert client_event_id({"event_id": "x" * 1000}) == "x" * 512
