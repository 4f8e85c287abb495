"""Deep merge, defaults and checks of the session's settings."""

from __future__ import annotations

from typing import Any

import pytest

from engine.realtime.protocol import ClientError
from engine.realtime.session_config import BetaShape, default_config, merged, turn_rules


def change(**fields: Any) -> dict[str, Any]:
    return merged(default_config("m"), {"type": "realtime", **fields}, voice_frozen=False)


def test_objects_merge_lists_replace_and_null_clears() -> None:
    new = change(
        tools=[{"type": "function", "name": "f"}], audio={"output": {"speed": 1.2}, "input": {"turn_detection": None}}
    )
    assert new["audio"]["output"] == {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.2}
    assert new["audio"]["input"]["turn_detection"] is None
    assert merged(new, {"tools": []}, voice_frozen=False)["tools"] == []


def test_a_format_of_another_type_leaves_no_rate_behind() -> None:
    assert change(audio={"input": {"format": {"type": "audio/pcmu"}}})["audio"]["input"]["format"] == {
        "type": "audio/pcmu"
    }


def test_a_detector_gets_its_kinds_defaults() -> None:
    semantic = change(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}})
    detection = semantic["audio"]["input"]["turn_detection"]
    assert detection == {
        "type": "semantic_vad",
        "eagerness": "high",
        "create_response": True,
        "interrupt_response": True,
    }
    assert turn_rules(detection).silence_ms == 300


def test_short_silences_leave_room_for_the_early_start() -> None:
    detection = change(audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 200}}})[
        "audio"
    ]["input"]["turn_detection"]
    assert (turn_rules(detection).silence_ms, turn_rules(detection).early_ms) == (200, 100)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"output_modalities": ["audio", "text"]}, "session.output_modalities"),
        ({"instructions": 7}, "session.instructions"),
        ({"tools": [{"type": "mcp"}]}, "session.tools[0].type"),
        ({"max_output_tokens": 0}, "session.max_output_tokens"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
        ({"audio": {"input": {"format": {"type": "audio/pcmu", "rate": 16000}}}}, "session.audio.input.format.rate"),
        ({"audio": {"input": {"format": None}}}, "session.audio.input.format"),
        ({"audio": {"input": {"turn_detection": {"type": "magic"}}}}, "session.audio.input.turn_detection.type"),
        ({"audio": "loud"}, "session.audio"),
        ({"audio": {"output": None}}, "session.audio.output"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(ClientError) as refused:
        change(**fields)
    assert refused.value.param == param


def test_the_voice_is_frozen_once_heard() -> None:
    with pytest.raises(ClientError, match="assistant audio is present"):
        merged(default_config("m"), {"audio": {"output": {"voice": "cedar"}}}, voice_frozen=True)


def test_the_beta_shape_is_recognised() -> None:
    with pytest.raises(BetaShape):
        merged(default_config("m"), {"modalities": ["audio"], "voice": "alloy"}, voice_frozen=False)
