"""The session's settings: defaults, deep merge, and checks that name the field."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from engine.realtime.audio_format import FORMATS
from engine.realtime.protocol import ClientError, of_type, unsupported
from engine.speech.turns import TurnRules

Config = dict[str, Any]
Check = Callable[[object, str], None]

LANGUAGES = ["en"]
DEFAULT_INSTRUCTIONS = "You are a helpful assistant on the telephone. Be brief and honest."
_EAGERNESS_MS = {"low": 900, "medium": 500, "auto": 500, "high": 300}
_SERVER_VAD: Config = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
_SEMANTIC_VAD: Config = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
_BETA_FIELDS = {"modalities", "voice", "input_audio_format", "output_audio_format", "turn_detection", "temperature"}


class BetaShape(ClientError):
    """The session has the retired beta shape: the connection is closed with 4000."""

    def __init__(self) -> None:
        super().__init__(
            "beta_api_shape_disabled",
            "The beta shape of the Realtime API is not supported: send the GA shape (session.type, session.audio.…).",
            "session",
        )


def default_config(model: str) -> Config:
    """What a session has before its first `session.update`."""
    return {
        "type": "realtime",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": DEFAULT_INSTRUCTIONS,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "truncation": "auto",
        "tracing": None,
        "prompt": None,
        "include": None,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": dict(_SERVER_VAD),
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0},
        },
    }


def merged(config: Config, change: Config, *, voice_frozen: bool) -> Config:
    """The config after a client's change: objects merge, `null` and `[]` clear. Raises `ClientError`."""
    if _looks_beta(change):
        raise BetaShape
    new = _merge(config, change)
    for path, value in (("audio", new["audio"]), *((f"audio.{key}", one) for key, one in _children(new["audio"]))):
        of_type(value, f"session.{path}", dict)
    detection = new["audio"]["input"]["turn_detection"]
    if detection is not None:
        new["audio"]["input"]["turn_detection"] = _whole_detection(detection)
    _check(new)
    if voice_frozen and new["audio"]["output"]["voice"] != config["audio"]["output"]["voice"]:
        raise ClientError(
            "cannot_update_voice",
            "Cannot update a conversation's voice if assistant audio is present.",
            "session.audio.output.voice",
        )
    return new


def turn_rules(detection: Config) -> TurnRules:
    """The turn detector's rules for a `turn_detection` object. Semantic: its eagerness sets the silence."""
    if detection["type"] == "semantic_vad":
        return TurnRules(silence_ms=_EAGERNESS_MS[detection["eagerness"]])
    return TurnRules(
        threshold=float(detection["threshold"]),
        silence_ms=int(detection["silence_duration_ms"]),
        prefix_ms=int(detection["prefix_padding_ms"]),
        early_ms=min(160, int(detection["silence_duration_ms"]) // 2),
    )


def _children(audio: object) -> list[tuple[str, object]]:
    return [(key, audio.get(key)) for key in ("input", "output")] if isinstance(audio, dict) else []


def _looks_beta(change: Config) -> bool:
    return "type" not in change and "audio" not in change and bool(_BETA_FIELDS & change.keys())


def _merge(old: Config, change: Config) -> Config:
    new = copy.deepcopy(old)
    for key, value in change.items():
        both_objects = isinstance(value, dict) and isinstance(new.get(key), dict)
        # A format or a detector of another type replaces the old one whole.
        same_kind = both_objects and value.get("type") in (None, new[key].get("type"))
        new[key] = _merge(new[key], value) if same_kind else copy.deepcopy(value)
    return new


def _whole_detection(detection: Config) -> Config:
    of_type(detection, "session.audio.input.turn_detection", dict)
    kinds = {"server_vad": _SERVER_VAD, "semantic_vad": _SEMANTIC_VAD}
    kind = detection.get("type", "server_vad")
    if kind not in kinds:
        raise unsupported("session.audio.input.turn_detection.type", kind, list(kinds))
    whole = {**kinds[kind], **detection}
    if kind == "semantic_vad" and whole.get("idle_timeout_ms") is not None:
        raise ClientError(
            "invalid_value",
            "'idle_timeout_ms' is only supported for server_vad.",
            "session.audio.input.turn_detection.idle_timeout_ms",
        )
    return whole


def _check(config: Config) -> None:
    for path, check in _CHECKS.items():
        value: object = config
        for name in path.split("."):
            if not isinstance(value, dict):
                raise ClientError(
                    "invalid_type",
                    f"Invalid type for 'session.{path}': its parent must be an object.",
                    f"session.{path}",
                )
            value = value.get(name)
            if value is None:
                break
        if value is None and path not in _OPTIONAL:
            raise ClientError("invalid_value", f"'session.{path}' cannot be null.", f"session.{path}")
        if value is not None:
            check(value, f"session.{path}")


def _is(kind: type) -> Check:
    def check(value: object, param: str) -> None:
        of_type(value, param, kind)

    return check


def _one_of(*choices: str) -> Check:
    def check(value: object, param: str) -> None:
        if value not in choices:
            raise unsupported(param, value, list(choices))

    return check


def _between(kind: type, low: float, high: float) -> Check:
    def check(value: object, param: str) -> None:
        number = of_type(value, param, kind)
        if not low <= number <= high:
            raise ClientError(
                "invalid_value", f"Invalid '{param}': {number} is not between {low:g} and {high:g}.", param
            )

    return check


def _format(value: object, param: str) -> None:
    form = of_type(value, param, dict)
    if form.get("type") not in FORMATS:
        raise unsupported(f"{param}.type", form.get("type"), list(FORMATS))
    wanted = 24000 if form["type"] == "audio/pcm" else None
    if form.get("rate") not in (None, wanted):
        raise ClientError(
            "invalid_value", f"Invalid '{param}.rate': {form['type']} has no rate {form['rate']}.", f"{param}.rate"
        )


def _modalities(value: object, param: str) -> None:
    if value not in (["audio"], ["text"]):
        raise ClientError(
            "invalid_value", f"Invalid modalities: {value}. Supported combinations are: ['text'] and ['audio'].", param
        )


def _tools(value: object, param: str) -> None:
    for n, tool in enumerate(of_type(value, param, list)):
        of_type(tool, f"{param}[{n}]", dict)
        if tool.get("type") != "function":
            raise unsupported(f"{param}[{n}].type", tool.get("type"), ["function"])
        of_type(tool.get("name"), f"{param}[{n}].name", str)


def _tokens(value: object, param: str) -> None:
    if value != "inf":
        _between(int, 1, 4096)(value, param)


def _language(value: object, param: str) -> None:
    spoken = str(of_type(value, param, str)).split("-")[0].lower()
    if spoken not in LANGUAGES:
        raise ClientError(
            "unsupported_language",
            f"This engine has no voice or model for the language '{value}': it speaks {', '.join(LANGUAGES)}.",
            param,
        )


def _voice(value: object, param: str) -> None:
    if not isinstance(value, dict):
        of_type(value, param, str)


_OPTIONAL = {
    "audio.input.turn_detection.type",
    "audio.input.transcription.language",
    "audio.input.turn_detection.threshold",
    "audio.input.turn_detection.prefix_padding_ms",
    "audio.input.turn_detection.silence_duration_ms",
    "audio.input.turn_detection.idle_timeout_ms",
    "audio.input.turn_detection.eagerness",
    "audio.input.turn_detection.create_response",
    "audio.input.turn_detection.interrupt_response",
    "instructions",
    "tools",
    "tool_choice",
    "max_output_tokens",
    "audio.output.voice",
    "audio.output.speed",
    "model",
}
_CHECKS: dict[str, Check] = {
    "type": _one_of("realtime"),
    "model": _is(str),
    "instructions": _is(str),
    "output_modalities": _modalities,
    "tools": _tools,
    "max_output_tokens": _tokens,
    "audio.input.format": _format,
    "audio.output.format": _format,
    "audio.output.voice": _voice,
    "audio.output.speed": _between(float, 0.25, 1.5),
    "audio.input.transcription.language": _language,
    "audio.input.turn_detection.threshold": _between(float, 0.0, 1.0),
    "audio.input.turn_detection.prefix_padding_ms": _between(int, 0, 5000),
    "audio.input.turn_detection.silence_duration_ms": _between(int, 0, 10000),
    "audio.input.turn_detection.idle_timeout_ms": _between(int, 5000, 30000),
    "audio.input.turn_detection.eagerness": _one_of(*_EAGERNESS_MS),
    "audio.input.turn_detection.create_response": _is(bool),
    "audio.input.turn_detection.interrupt_response": _is(bool),
}
