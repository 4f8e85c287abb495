"""Public addresses and real ones."""

from __future__ import annotations

import pytest

from simulator.places import BadUrl, places_for


def test_a_public_url_is_dialled_at_the_real_address_and_shown_by_headers() -> None:
    places, voice = places_for("http://127.0.0.1:8000/webhook/voice?x=1", "https://desk.example.com")
    assert voice == "https://desk.example.com/webhook/voice?x=1"
    target = places.target(voice + "#rc=2")
    assert (target.public, target.dial) == (voice, "http://127.0.0.1:8000/webhook/voice?x=1")
    assert target.headers["Host"] == "desk.example.com"
    assert target.headers["X-Forwarded-Proto"] == "https"


def test_the_media_socket_goes_the_same_way() -> None:
    places, _ = places_for("http://127.0.0.1:8000/webhook/voice", "https://desk.example.com")
    target = places.target("wss://desk.example.com/ws/twilio-media")
    assert (target.public, target.dial) == (
        "wss://desk.example.com/ws/twilio-media",
        "ws://127.0.0.1:8000/ws/twilio-media",
    )


def test_a_local_server_without_a_public_url_is_dialled_without_tls_but_named_wss() -> None:
    places, _ = places_for("http://127.0.0.1:8000/webhook/voice", None)
    target = places.target("wss://127.0.0.1:8000/ws")
    assert (target.public, target.dial, target.headers) == ("wss://127.0.0.1:8000/ws", "ws://127.0.0.1:8000/ws", {})


def test_other_hosts_are_left_alone() -> None:
    places, _ = places_for("http://127.0.0.1:8000/webhook/voice", "https://desk.example.com")
    for url in ("https://elsewhere.example.com/a", "https://desk.example.com:8443/a", "http://127.0.0.1:9000/a"):
        assert places.target(url).dial == url


def test_a_remote_server_keeps_tls() -> None:
    places, _ = places_for("https://desk.example.com/webhook/voice", None)
    assert places.target("wss://desk.example.com/ws").dial == "wss://desk.example.com/ws"


@pytest.mark.parametrize(
    "url", ["", "desk.example.com/webhook", "ftp://desk.example.com", "/webhook/voice", "http://desk:99999/x"]
)
def test_a_url_that_twilio_could_not_call_is_refused(url: str) -> None:
    with pytest.raises(BadUrl, match="absolute"):
        places_for(url, None)
