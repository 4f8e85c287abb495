"""`session.update` as a client sees it: what merges, what clears, what is refused and how."""

from __future__ import annotations

import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

EVERYTHING: dict[str, Any] = {
    "model": "gpt-realtime-2.1",
    "output_modalities": ["audio"],
    "instructions": "Be kind.",
    "tools": [{"type": "function", "name": "look_up", "description": "Find it.", "parameters": {"type": "object"}}],
    "tool_choice": {"type": "function", "name": "look_up"},
    "max_output_tokens": 300,
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low"},
    "truncation": {"type": "retention_ratio", "retention_ratio": 0.8, "token_limits": {"post_instructions": 5000}},
    "tracing": {"workflow_name": "calls", "group_id": "g", "metadata": {"a": 1}},
    "prompt": {"id": "pmpt_1", "version": "2", "variables": {"name": "Ada"}},
    "include": ["item.input_audio_transcription.logprobs"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcma"},
            "noise_reduction": {"type": "near_field", "strength": 0.5},
            "transcription": {
                "model": "gpt-transcribe",
                "language": "en-GB",
                "languages": ["en"],
                "prompt": "a salon",
                "keywords": ["balayage"],
                "delay": "low",
            },
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.4,
                "prefix_padding_ms": 200,
                "silence_duration_ms": 400,
                "idle_timeout_ms": 6000,
                "create_response": False,
                "interrupt_response": False,
            },
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": {"id": "voice_1234"}, "speed": 1.25},
    },
}
CLEARED: list[tuple[dict[str, Any], str, Any]] = [
    ({"tools": []}, "tools", []),
    ({"tools": None}, "tools", []),
    ({"instructions": None}, "instructions", ""),
    ({"tool_choice": None}, "tool_choice", "auto"),
    ({"max_output_tokens": None}, "max_output_tokens", "inf"),
    ({"truncation": None}, "truncation", "auto"),
    ({"tracing": None}, "tracing", None),
    ({"prompt": None}, "prompt", None),
    ({"include": []}, "include", []),
    ({"audio": {"input": {"transcription": None}}}, "audio.input.transcription", None),
    ({"audio": {"input": {"noise_reduction": None}}}, "audio.input.noise_reduction", None),
    ({"audio": {"input": {"turn_detection": {"idle_timeout_ms": None}}}}, "audio.input.turn_detection", dict),
    ({"audio": {"input": {"turn_detection": None}}}, "audio.input.turn_detection", None),
    ({"audio": {"output": {"voice": None, "speed": None}}}, "audio.output.voice", "marin"),
]


def heard(**options: Any) -> dict[str, Any]:
    return {"audio": {"input": options}}


def vad(**options: Any) -> dict[str, Any]:
    return heard(turn_detection={"type": "server_vad", **options})


# (what a client sends, the error's code, the error's param)
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "conversation"}, "invalid_value", "session.type"),
    ({"model": 7}, "invalid_type", "session.model"),
    ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
    ({"output_modalities": "audio"}, "invalid_type", "session.output_modalities"),
    ({"instructions": {"text": "x"}}, "invalid_type", "session.instructions"),
    ({"tools": "none"}, "invalid_type", "session.tools"),
    ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
    ({"tools": [{"type": "mcp", "server_label": "x"}]}, "invalid_value", "session.tools[0].type"),
    ({"tools": [{"type": "function", "name": "f", "parameters": []}]}, "invalid_type", "session.tools[0].parameters"),
    ({"tool_choice": "always"}, "invalid_value", "session.tool_choice"),
    ({"tool_choice": {"type": "function"}}, "missing_required_parameter", "session.tool_choice.name"),
    ({"max_output_tokens": 0}, "invalid_value", "session.max_output_tokens"),
    ({"max_output_tokens": 4097}, "invalid_value", "session.max_output_tokens"),
    ({"max_output_tokens": "many"}, "invalid_type", "session.max_output_tokens"),
    ({"truncation": "sometimes"}, "invalid_value", "session.truncation"),
    ({"truncation": {"type": "retention_ratio"}}, "missing_required_parameter", "session.truncation.retention_ratio"),
    (
        {"truncation": {"type": "retention_ratio", "retention_ratio": 2}},
        "invalid_value",
        "session.truncation.retention_ratio",
    ),
    ({"tracing": "on"}, "invalid_value", "session.tracing"),
    ({"prompt": {"version": "1"}}, "missing_required_parameter", "session.prompt.id"),
    ({"include": ["everything"]}, "invalid_value", "session.include[0]"),
    ({"audio": []}, "invalid_type", "session.audio"),
    ({"audio": {"output": None}}, "invalid_type", "session.audio.output"),
    (heard(format="g711_ulaw"), "invalid_type", "session.audio.input.format"),
    (heard(format={"type": ["audio/pcm"]}), "invalid_value", "session.audio.input.format.type"),
    (heard(format={"type": "audio/pcmu", "rate": 8000}), "invalid_value", "session.audio.input.format.rate"),
    (heard(format={"type": "audio/pcm", "rate": 16000}), "invalid_value", "session.audio.input.format.rate"),
    (heard(noise_reduction={"type": "loud"}), "invalid_value", "session.audio.input.noise_reduction.type"),
    (heard(transcription="gpt-transcribe"), "invalid_type", "session.audio.input.transcription"),
    (heard(transcription={"language": "de"}), "unsupported_language", "session.audio.input.transcription.language"),
    (
        heard(transcription={"languages": ["en", "fr"]}),
        "unsupported_language",
        "session.audio.input.transcription.languages[1]",
    ),
    (heard(turn_detection=False), "invalid_type", "session.audio.input.turn_detection"),
    (heard(turn_detection={"type": "none"}), "invalid_value", "session.audio.input.turn_detection.type"),
    (vad(threshold="high"), "invalid_type", "session.audio.input.turn_detection.threshold"),
    (vad(threshold=1.5), "invalid_value", "session.audio.input.turn_detection.threshold"),
    (vad(silence_duration_ms=0.5), "invalid_type", "session.audio.input.turn_detection.silence_duration_ms"),
    (vad(prefix_padding_ms=-1), "invalid_value", "session.audio.input.turn_detection.prefix_padding_ms"),
    (vad(idle_timeout_ms=10), "invalid_value", "session.audio.input.turn_detection.idle_timeout_ms"),
    (vad(create_response=1), "invalid_type", "session.audio.input.turn_detection.create_response"),
    (
        heard(turn_detection={"type": "semantic_vad", "idle_timeout_ms": 6000}),
        "invalid_value",
        "session.audio.input.turn_detection.idle_timeout_ms",
    ),
    (
        heard(turn_detection={"type": "semantic_vad", "eagerness": "very"}),
        "invalid_value",
        "session.audio.input.turn_detection.eagerness",
    ),
    ({"audio": {"output": {"voice": 5}}}, "invalid_type", "session.audio.output.voice"),
    ({"audio": {"output": {"voice": "de-DE-KatjaNeural"}}}, "unsupported_language", "session.audio.output.voice"),
    ({"audio": {"output": {"speed": 9}}}, "invalid_value", "session.audio.output.speed"),
    ({"voice": "alloy"}, "unknown_parameter", "session.voice"),
    ({"input_audio_format": "pcm16"}, "unknown_parameter", "session.input_audio_format"),
]


def at(session: dict[str, Any], path: str) -> Any:
    value: Any = session
    for name in path.split("."):
        value = value[name]
    return value


async def test_every_field_of_the_sdks_type_is_taken_and_echoed(engine: Any) -> None:
    async with engine.client() as client:
        before = client.seen[0]["session"]
        assert 3500 < before["expires_at"] - time.time() <= 3600
        session = (await client.session(**EVERYTHING))["session"]
        assert {name: session[name] for name in EVERYTHING} == EVERYTHING
        assert session["id"] == before["id"] and session["type"] == "realtime"


async def test_null_and_an_empty_list_clear_and_the_rest_stays(engine: Any) -> None:
    async with engine.client() as client:
        await client.session(**EVERYTHING)
        for change, path, cleared in CLEARED:
            session = (await client.session(**change))["session"]
            value = at(session, path)
            assert isinstance(value, dict) if cleared is dict else value == cleared, path
        assert session["audio"]["input"]["format"] == {"type": "audio/pcma"}
        assert session["audio"]["output"]["speed"] == 1.0
        assert session["model"] == "gpt-realtime-2.1"


async def test_a_wrong_field_is_named_and_changes_nothing(engine: Any) -> None:
    async with engine.client() as client:
        before = (await client.session())["session"]
        for change, code, param in REFUSED:
            error = await client.refused("session.update", session={"type": "realtime", **change})
            assert (error["code"], error["param"]) == (code, param), error
        assert (await client.session())["session"] == before
        await client.alive()


async def test_what_nobody_knows_is_left_out_rather_than_refused(engine: Any) -> None:
    """A newer client's option must not end a call; `session.updated` shows that it was not taken."""
    async with engine.client("?model=gpt-realtime-2.1&temperature=0.8&voice=alloy&whatever=1") as client:
        session = (await client.session(temperature=0.7, colour="blue", **vad(mood="calm")))["session"]
        assert "temperature" not in session and "colour" not in session
        assert "mood" not in session["audio"]["input"]["turn_detection"]


async def test_detectors_of_another_kind_replace_the_old_one_whole(engine: Any) -> None:
    async with engine.client() as client:
        await client.session(**vad(idle_timeout_ms=6000, threshold=0.9))
        semantic = await client.session(**heard(turn_detection={"type": "semantic_vad", "eagerness": "high"}))
        assert semantic["session"]["audio"]["input"]["turn_detection"] == {
            "type": "semantic_vad",
            "eagerness": "high",
            "create_response": True,
            "interrupt_response": True,
        }
        back = await client.session(**vad())
        assert back["session"]["audio"]["input"]["turn_detection"]["threshold"] == 0.5


async def test_the_voice_is_frozen_once_it_was_heard(engine: Any) -> None:
    async with engine.client() as client:
        await client.session(audio={"output": {"voice": "cedar"}})
        await client.alive()
        error = await client.refused(
            "session.update", session={"type": "realtime", "audio": {"output": {"voice": "ash"}}}
        )
        assert (error["code"], error["param"]) == ("cannot_update_voice", "session.audio.output.voice")
        error = await client.refused("response.create", response={"audio": {"output": {"voice": "ash"}}})
        assert (error["code"], error["param"]) == ("cannot_update_voice", "response.audio.output.voice")
        assert (await client.session(audio={"output": {"voice": "cedar"}}))["session"]


@pytest.mark.parametrize("name", ["modalities", "voice", "input_audio_format", "turn_detection", "temperature"])
async def test_a_beta_session_ends_with_4000(engine: Any, name: str) -> None:
    async with engine.client() as client:
        error = await client.refused("session.update", session={name: "x", "instructions": "Be kind."})
        assert error["code"] == "beta_api_shape_disabled"
        with pytest.raises(ConnectionClosed) as closed:
            await client.get()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4000


async def test_a_transcription_session_hears_and_never_answers(engine: Any) -> None:
    engine.speech.script = ["Is there parking nearby?", "And a bus?"]
    async with engine.client("?intent=transcription") as client:
        created = client.seen[0]["session"]
        assert (created["type"], created["object"]) == ("transcription", "realtime.transcription_session")
        assert "instructions" not in created and "output" not in created["audio"]
        await client.send(
            "session.update",
            session={"type": "transcription", "audio": {"input": {"format": {"type": "audio/pcmu"}}}},
        )
        await client.until("session.updated")
        for words in list(engine.speech.script):
            await client.speak()
            completed = await client.until("conversation.item.input_audio_transcription.completed")
            assert completed["transcript"] == words
        assert (await client.refused("response.create"))["code"] == "invalid_value"
        assert not [kind for kind in client.kinds() if kind.startswith("response.")]
