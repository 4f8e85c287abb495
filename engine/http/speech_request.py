"""What `POST /v1/audio/speech` may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.errors import ApiError
from engine.http.errors import bad_request, missing
from engine.http.languages import check_sayable, check_voice
from engine.realtime.protocol import ClientError, of_type, unsupported

FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"]
STREAM_FORMATS = ["audio", "sse"]
LONGEST_INPUT = 4096
_SLOWEST, _FASTEST = 0.25, 4.0


@dataclass(frozen=True, slots=True)
class SpeechWanted:
    """A checked request; `speed` is a factor."""

    text: str
    response_format: str
    stream_format: str
    speed: float


def read_speech(body: dict[str, Any]) -> SpeechWanted:
    """Check a request. Raises `ApiError` 400 naming the field. `instructions` are taken and change nothing."""
    try:
        _required_text(body, "model")
        text = _input(body)
        _check_voice(body)
        of_type(body.get("instructions") or "", "instructions", str)
        form, stream = _choice(body, "response_format", FORMATS), _choice(body, "stream_format", STREAM_FORMATS)
        return SpeechWanted(text, form, stream, _speed(body))
    except ClientError as problem:
        raise bad_request(problem) from problem


def _required_text(body: dict[str, Any], name: str) -> str:
    if body.get(name) is None or body[name] == "":
        raise missing(name)
    return str(of_type(body[name], name, str))


def _input(body: dict[str, Any]) -> str:
    text = _required_text(body, "input")
    if len(text) > LONGEST_INPUT:
        message = f"Invalid 'input': it has {len(text)} characters; at most {LONGEST_INPUT} are spoken at once."
        raise ApiError(400, "string_above_max_length", message, "input")
    check_sayable(text, "input")
    return text


def _check_voice(body: dict[str, Any]) -> None:
    if body.get("voice") is None:
        raise missing("voice")
    check_voice(body["voice"])


def _choice(body: dict[str, Any], name: str, choices: list[str]) -> str:
    value = body.get(name)
    if value is None:
        return choices[0]
    if value not in choices:
        raise unsupported(name, value, choices)
    return str(value)


def _speed(body: dict[str, Any]) -> float:
    value = body.get("speed")
    speed = 1.0 if value is None else float(of_type(value, "speed", float))
    if not _SLOWEST <= speed <= _FASTEST:
        message = f"Invalid 'speed': {speed:g} is not between {_SLOWEST:g} and {_FASTEST:g}."
        raise ApiError(400, "invalid_value", message, "speed")
    return speed
