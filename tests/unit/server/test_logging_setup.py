"""Logs: rate limits, once per call, and nothing personal, whoever logs it (regression 35)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from server.logging_setup import OncePerCall, RateLimiter, configure, fingerprint, get_logger, mask_phone


@pytest.fixture
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.getLogger("uvicorn.error").filters.clear()


def test_a_key_is_let_through_once_per_interval() -> None:
    now = [100.0]
    limiter = RateLimiter(clock=lambda: now[0])
    assert limiter.every("audio", 5.0)
    assert not limiter.every("audio", 5.0)
    assert limiter.every("other", 5.0)
    now[0] = 104.9
    assert not limiter.every("audio", 5.0)
    now[0] = 105.0
    assert limiter.every("audio", 5.0)


def test_once_is_once() -> None:
    once = OncePerCall()
    assert once.once("config")
    assert not once.once("config")
    assert OncePerCall().once("config")


def test_a_number_is_masked_and_a_text_is_a_fingerprint() -> None:
    assert mask_phone("+447700900123") == "+44…23"
    assert mask_phone(None) == ""
    assert mask_phone("12345") == "…"
    assert fingerprint("You are the receptionist").startswith("24 chars, sha256 ")
    assert "receptionist" not in fingerprint("You are the receptionist")


@pytest.mark.parametrize("harmless", ["127.0.0.1:8011", "2026-11-24 10:02:33", "http://h:8099/x/123456789", "1662124"])
def test_what_is_no_number_is_left_alone(restored: None, capsys: pytest.CaptureFixture[str], harmless: str) -> None:
    configure("web", development=False)
    get_logger("server.x").info("seen", what=harmless)
    assert _lines(capsys)[0]["what"] == harmless


def test_a_bare_number_is_masked_too(restored: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure("web", development=False)
    get_logger("server.x").info("seen", what="447700900123")
    assert _lines(capsys)[0]["what"] == "447…23"


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_regression_35_a_number_is_masked_wherever_it_stands(
    restored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("web", development=False)
    get_logger("server.x").info("caller +44 7700 900123 rang", caller="+447700900123", call_sid="CA12345678901234")
    logging.getLogger("twilio.http_client").warning("To=+447700900123")
    first, second = _lines(capsys)
    assert first["event"] == "caller +44…23 rang" and first["caller"] == "+44…23"
    assert first["call_sid"] == "CA12345678901234"
    assert second["event"] == "To=+44…23"


def test_production_has_no_debug_lines_and_libraries_only_warn(
    restored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("web", development=False)
    get_logger("server.x").debug("detail")
    logging.getLogger("httpx").info("HTTP Request: GET …")
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n")
    assert _lines(capsys) == []
    configure("web", development=True)
    get_logger("server.y").debug("detail")
    assert [line["event"] for line in _lines(capsys)] == ["detail"]


def test_a_traceback_keeps_its_innermost_frames(restored: None, capsys: pytest.CaptureFixture[str]) -> None:
    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        raise ValueError("at the bottom")

    configure("web", development=False)
    try:
        deep(30)
    except ValueError as problem:
        get_logger("server.x").error("failed", exc_info=problem)
    (line,) = _lines(capsys)
    assert line["exception"].endswith("ValueError: at the bottom")
    assert line["exception"].count("in deep") <= 6
