"""Text to sound through the openai SDK's own clients, with a scripted voice (50 ms of tone a letter)."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from engine.http.audio_encoder import CONTENT_TYPES
from tests.unit.engine.http.made_audio import decoded

TEXT = "Good morning. We open at nine! Is that all right?"
SECONDS = 0.05 * (len(TEXT) - 2)


def sdk(engine: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="any", base_url=f"{engine.base}/v1", max_retries=0)


async def test_every_format_holds_the_whole_text(engine: Any) -> None:
    for form in [form for form in CONTENT_TYPES if form != "pcm"]:
        wanted: dict[str, Any] = {"model": "tts-1", "voice": "marin", "input": TEXT, "response_format": form}
        answer = await sdk(engine).audio.speech.create(**wanted)
        assert answer.response.headers["content-type"] == CONTENT_TYPES[form]
        assert decoded(answer.content)[0] == pytest.approx(SECONDS, abs=0.1), form
        assert engine.speech.said[-3:] == ["Good morning.", "We open at nine!", "Is that all right?"]


async def test_pcm_is_24_khz_and_mp3_the_default(engine: Any) -> None:
    create = sdk(engine).audio.speech.create
    pcm = await create(model="tts-1", voice="alloy", input=TEXT, response_format="pcm")
    assert len(pcm.content) == SECONDS * 48000
    default = await create(model="tts-1", voice="alloy", input=TEXT)
    assert default.response.headers["content-type"] == "audio/mpeg"


async def test_the_synchronous_client_streams_to_a_file(engine: Any, tmp_path: Path) -> None:
    def save() -> None:
        with (
            openai.OpenAI(api_key="any", base_url=f"{engine.base}/v1") as client,
            client.audio.speech.with_streaming_response.create(
                model="tts-1", voice="marin", input=TEXT, response_format="opus"
            ) as answer,
        ):
            answer.stream_to_file(tmp_path / "said.ogg")

    await asyncio.to_thread(save)
    assert decoded((tmp_path / "said.ogg").read_bytes())[0] == pytest.approx(SECONDS, abs=0.1)


async def test_the_first_sentence_leaves_before_the_last_is_made(engine: Any) -> None:
    say, go = engine.speech.say, asyncio.Event()

    async def held(sentence: str, speed: float) -> bytes:
        if sentence.startswith("Is that"):
            await go.wait()
        pcm: bytes = await say(sentence, speed)
        return pcm

    engine.speech.say = held
    for form in CONTENT_TYPES:
        go.clear()
        wanted: dict[str, Any] = {"model": "tts-1", "voice": "marin", "input": TEXT, "response_format": form}
        async with sdk(engine).audio.speech.with_streaming_response.create(**wanted) as answer:
            parts = answer.iter_bytes()
            async with asyncio.timeout(5):
                first = await anext(parts)
            assert len(first) > 500 and engine.speech.said[-1] != "Is that all right?", form
            go.set()
            rest = b"".join([part async for part in parts])
        assert rest and engine.speech.said[-1] == "Is that all right?", form


async def test_events_carry_the_same_audio(engine: Any) -> None:
    body = {"model": "tts-1", "voice": "marin", "input": TEXT, "response_format": "wav", "stream_format": "sse"}
    async with httpx.AsyncClient(base_url=engine.base) as http:
        answer = await http.post("/v1/audio/speech", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    assert events[-1]["type"] == "speech.audio.done" and events[-1]["usage"]["output_tokens"] == int(SECONDS * 20)
    audio = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert decoded(audio)[0] == pytest.approx(SECONDS, abs=0.01)


async def test_speed_reaches_the_voice(engine: Any) -> None:
    speeds = []
    say = engine.speech.say

    async def noted(sentence: str, speed: float) -> bytes:
        speeds.append(speed)
        pcm: bytes = await say(sentence, speed)
        return pcm

    engine.speech.say = noted
    await sdk(engine).audio.speech.create(model="tts-1", voice="marin", input="Hello.", speed=1.5, instructions="Calm.")
    assert speeds == [1.5]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"input": ""}, "input"),
    ({"input": "a" * 4097}, "input"),
    ({"input": "Guten Tag", "voice": "de-DE-Katja"}, "voice"),
    ({"input": "Добрый день"}, "input"),
    ({"response_format": "midi"}, "response_format"),
    ({"speed": 0.1}, "speed"),
    ({"voice": 7}, "voice"),
    ({"model": ""}, "model"),
]


async def test_mistakes_name_the_field(engine: Any) -> None:
    for change, param in MISTAKES:
        wanted: dict[str, Any] = {"model": "tts-1", "voice": "marin", "input": "Hello.", **change}
        with pytest.raises(openai.BadRequestError) as refused:
            await sdk(engine).audio.speech.create(**wanted)
        assert refused.value.param == param
    assert engine.speech.said == []


async def test_a_voice_that_fails_at_once_is_an_error_and_later_a_broken_stream(engine: Any) -> None:
    say = engine.speech.say

    async def failing(sentence: str, speed: float) -> bytes:
        if sentence.startswith("We open"):
            raise RuntimeError("secret path")
        pcm: bytes = await say(sentence, speed)
        return pcm

    engine.speech.say = failing
    create = sdk(engine).audio.speech.create
    with pytest.raises(openai.InternalServerError) as failed:
        await create(model="tts-1", voice="marin", input="We open at nine.")
    assert failed.value.code == "engine_error" and "secret" not in str(failed.value)
    with pytest.raises(Exception, match=r"Connection error|incomplete|peer closed"):
        await create(model="tts-1", voice="marin", input=TEXT)


async def test_a_client_that_hangs_up_ends_the_speaking(engine: Any) -> None:
    engine.speech.speak_delay_s = 0.02
    async with sdk(engine).audio.speech.with_streaming_response.create(
        model="tts-1", voice="marin", input="Hello there. " * 300, response_format="pcm"
    ) as answer:
        await anext(answer.iter_bytes())
    await asyncio.sleep(0.2)
    said = len(engine.speech.said)
    await asyncio.sleep(0.2)
    assert len(engine.speech.said) == said < 300
