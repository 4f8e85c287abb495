"""The session's settings: defaults, deep merge, and the retired beta shape."""

from __future__ import annotations

import copy
from typing import Any

from engine.realtime.protocol import ClientError
from engine.realtime.session_fields import DEFAULT_VOICE, EAGERNESS_MS, SESSION
from engine.speech.turns import TurnRules

Config = dict[str, Any]

DEFAULT_INSTRUCTIONS = "You are a helpful assistant on the telephone. Be brief and honest."
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
_KINDS = {"server_vad": _SERVER_VAD, "semantic_vad": _SEMANTIC_VAD}
# Where the beta's fields are now.
_MOVED = {
    "modalities": "output_modalities",
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "input_audio_transcription": "audio.input.transcription",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "turn_detection": "audio.input.turn_detection",
    "max_response_output_tokens": "max_output_tokens",
}
_REPLACED_WHOLE = {"prompt", "tracing", "truncation", "tool_choice", "voice"}


class BetaShape(ClientError):
    """The session has the retired beta shape: the connection is closed with 4000."""

    def __init__(self) -> None:
        super().__init__(
            "beta_api_shape_disabled",
            "The beta shape of the Realtime API is not supported: send the GA shape (session.type, session.audio.…).",
            "session",
        )


def default_config(model: str, kind: str = "realtime") -> Config:
    """What a session has before its first `session.update` (`kind`: realtime or transcription)."""
    return {
        "type": kind,
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
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": DEFAULT_VOICE, "speed": 1.0},
        },
    }


def merged(config: Config, change: Config, *, voice_frozen: bool) -> Config:
    """The config after a client's `session.update`: objects merge, `null` and `[]` clear. Raises `ClientError`."""
    _refuse_beta(change)
    return with_change(config, SESSION(change, "session"), voice_frozen=voice_frozen)


def with_change(config: Config, checked: Config, *, voice_frozen: bool, root: str = "session") -> Config:
    """The config with checked fields merged in. Raises `ClientError` for what cannot be had together."""
    new = _merge(config, checked)
    detection = new["audio"]["input"]["turn_detection"]
    if detection is not None:
        new["audio"]["input"]["turn_detection"] = _whole_detection(detection)
    if voice_frozen and new["audio"]["output"]["voice"] != config["audio"]["output"]["voice"]:
        raise ClientError(
            "cannot_update_voice",
            "Cannot update a conversation's voice if assistant audio is present.",
            f"{root}.audio.output.voice",
        )
    return new


def refuse_moved(change: Config, root: str) -> None:
    """Raise for a beta field inside a GA object: silently left out, it would surprise."""
    for name, place in _MOVED.items():
        if name in change:
            message = f"Unknown parameter: '{root}.{name}'. In the GA shape it is '{root}.{place}'."
            raise ClientError("unknown_parameter", message, f"{root}.{name}")


def wire_session(config: Config, session_id: str, expires_at: int) -> Config:
    """The session object that events carry; a transcription session shows only what it has."""
    own = {"id": session_id, "expires_at": expires_at}
    if config["type"] == "transcription":
        audio = {"input": config["audio"]["input"]}
        own["object"] = "realtime.transcription_session"
        return {**own, "type": "transcription", "include": config["include"], "audio": audio}
    return {**own, "object": "realtime.session", **config}


def turn_rules(detection: Config) -> TurnRules:
    """The turn detector's rules for a `turn_detection` object. Semantic: its eagerness sets the silence."""
    if detection["type"] == "semantic_vad":
        return TurnRules(silence_ms=EAGERNESS_MS[detection["eagerness"]])
    return TurnRules(
        threshold=float(detection["threshold"]),
        silence_ms=int(detection["silence_duration_ms"]),
        prefix_ms=int(detection["prefix_padding_ms"]),
        early_ms=min(160, int(detection["silence_duration_ms"]) // 2),
    )


def _refuse_beta(change: Config) -> None:
    if "type" not in change and "audio" not in change and (_MOVED.keys() | {"temperature"}) & change.keys():
        raise BetaShape
    refuse_moved(change, "session")


def _merge(old: Config, change: Config) -> Config:
    new = copy.deepcopy(old)
    for key, value in change.items():
        both_objects = isinstance(value, dict) and isinstance(new.get(key), dict) and key not in _REPLACED_WHOLE
        # A format or a detector of another type replaces the old one whole.
        same_kind = both_objects and value.get("type") in (None, new[key].get("type"))
        new[key] = _merge(new[key], value) if same_kind else copy.deepcopy(value)
    return new


def _whole_detection(detection: Config) -> Config:
    kind = detection.get("type") or "server_vad"
    if kind == "semantic_vad" and detection.get("idle_timeout_ms") is not None:
        raise ClientError(
            "invalid_value",
            "'idle_timeout_ms' is only supported for server_vad.",
            "session.audio.input.turn_detection.idle_timeout_ms",
        )
    given = {key: value for key, value in detection.items() if key in _KINDS[kind] and value is not None}
    return {**_KINDS[kind], **given}
