"""The HTTP endpoints through the openai SDK, with scripted speech."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from engine.main import PORT_IN_USE, run
from engine.settings import EngineSettings
from phoneaudio.resample import pcm16_from_float
from phoneaudio.wav import wav_bytes


def tones(*seconds: tuple[float, float]) -> bytes:
    """8 kHz PCM: for each pair, so much tone, then so much silence."""
    parts = []
    for loud, quiet in seconds:
        parts += [np.sin(np.arange(int(loud * 8000)) / 4) * 0.4, np.zeros(int(quiet * 8000))]
    return pcm16_from_float(np.concatenate(parts).astype(np.float32))


def sdk(engine: Any, key: str = "any") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=key, base_url=f"{engine.base}/v1", max_retries=0)


async def test_a_recording_is_transcribed_in_pieces_with_their_times(engine: Any) -> None:
    engine.speech.script = ["Hello there.", "Goodbye."]
    wav = wav_bytes(8000, tones((0.0, 1.0), (1.0, 1.5), (1.0, 1.0)))
    result = await sdk(engine).audio.transcriptions.create(
        file=("call.wav", wav), model="gpt-transcribe", response_format="verbose_json"
    )
    assert result.text == "Hello there. Goodbye."
    assert [segment.text.strip() for segment in result.segments or []] == ["Hello there.", "Goodbye."]
    starts = [segment.start for segment in result.segments or []]
    assert starts == pytest.approx([0.8, 3.3], abs=0.1)
    assert result.duration == pytest.approx(5.5)


async def test_text_and_json_forms_and_two_channels(engine: Any) -> None:
    engine.speech.script = ["One.", "Two."]
    wav = wav_bytes(8000, tones((1.0, 1.0)), tones((0.0, 2.0)))
    one = await sdk(engine).audio.transcriptions.create(file=("call.wav", wav), model="gpt-transcribe")
    two = await sdk(engine).audio.transcriptions.create(
        file=("call.wav", wav), model="gpt-transcribe", response_format="text"
    )
    assert one.text == "One."
    assert str(two).strip() == "Two."


async def test_silence_has_no_words(engine: Any) -> None:
    engine.speech.script = ["never"]
    result = await sdk(engine).audio.transcriptions.create(
        file=("call.wav", wav_bytes(8000, tones((0.0, 2.0)))), model="gpt-transcribe"
    )
    assert result.text == ""


async def test_what_is_no_wav_gets_a_clear_error(engine: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="could not be decoded: it is not"):
        await sdk(engine).audio.transcriptions.create(file=("call.wav", b"nonsense"), model="gpt-transcribe")
    async with httpx.AsyncClient() as http:
        missing = await http.post(f"{engine.base}/v1/audio/transcriptions", data={"model": "x"})
        wrong = await http.post(
            f"{engine.base}/v1/audio/transcriptions", data={"response_format": "srt"}, files={"file": ("a.wav", b"x")}
        )
    assert missing.status_code == wrong.status_code == 400
    assert missing.json()["error"]["param"] == "file"
    assert wrong.json()["error"]["param"] == "response_format"


async def test_models_and_health(engine: Any) -> None:
    names = [model.id async for model in sdk(engine).models.list()]
    assert {"gpt-realtime-2.1", "gpt-transcribe"} <= set(names)
    with pytest.raises(openai.NotFoundError):
        await sdk(engine).models.retrieve("gpt-9")
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{engine.base}/healthz")).json()["status"] == "ok"


async def test_a_wrong_key_is_refused_but_health_is_open(serve: Any) -> None:
    async with serve(EngineSettings(api_key="right")) as engine, httpx.AsyncClient() as http:
        with pytest.raises(openai.AuthenticationError):
            await sdk(engine, "wrong").models.list()
        assert [model async for model in sdk(engine, "right").models.list()]
        assert (await http.get(f"{engine.base}/healthz")).status_code == 200


async def test_health_tells_loading_and_failure(serve: Any, engine: Any) -> None:
    speech = engine.speech
    speech.ready = False
    async with httpx.AsyncClient() as http:
        loading = await http.get(f"{engine.base}/healthz")
        speech.failure = RuntimeError("model.bin.part1 is missing")
        failed = await http.get(f"{engine.base}/healthz")
        refused = await http.post(f"{engine.base}/v1/audio/transcriptions", files={"file": ("a.wav", b"x")})
    assert (loading.status_code, loading.json()["status"]) == (503, "loading")
    assert (failed.status_code, failed.json()["reason"]) == (503, "model.bin.part1 is missing")
    assert refused.status_code == 503


TRANSCRIPT = """Agent: How can I help you?
Caller: Is there parking nearby?
Agent: Parking is free behind the building.
Caller: I'd like to book a haircut for Maria Lopez on Thursday at half past two.
Agent: So that is a haircut for Maria Lopez on Thursday 26 November at 2:30 pm. Is that right?
Caller: Yes.
Agent: Booked for Maria Lopez on Thursday 26 November at 14:30. Is there anything else I can help you with?
Caller: No, goodbye."""


async def test_a_summary_is_taken_from_the_transcript(engine: Any) -> None:
    reply = await sdk(engine).responses.create(
        model="gpt-5-mini", instructions="Summarise this call.", input=TRANSCRIPT
    )
    assert "Is there parking nearby?" in reply.output_text
    assert "Booked for Maria Lopez on Thursday 26 November at 14:30." in reply.output_text


async def test_a_summary_fits_the_schema_asked_for(engine: Any) -> None:
    properties = {
        "summary": {"type": "string"},
        "reason": {"type": ["string", "null"]},
        "outcome": {"type": "string", "enum": ["appointment_booked", "message_taken", "other"]},
        "appointment_made": {"type": "boolean"},
        "follow_ups": {"type": "array", "items": {"type": "string"}},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    reply = await sdk(engine).responses.create(
        model="gpt-5-mini",
        instructions="Summarise this call.",
        input=[{"role": "user", "content": TRANSCRIPT}],
        text={"format": {"type": "json_schema", "name": "call", "schema": schema, "strict": True}},
    )
    data = json.loads(reply.output_text)
    assert set(data) == set(properties)
    assert data["outcome"] == "appointment_booked" and data["appointment_made"] is True and data["follow_ups"] == []


async def test_a_text_conversation_answers_from_the_instructions_and_calls_tools(
    engine: Any, salon: dict[str, Any]
) -> None:
    client = sdk(engine)
    flat = [{**tool, "strict": False} for tool in salon["tools"]]
    told = await client.responses.create(model="m", instructions=salon["instructions"], input="Do you have parking?")
    assert told.output_text == "Parking is free behind the building."
    history = [
        {"role": "user", "content": "Book a cut for Ann Lee on 2026-12-03 at 10 am please"},
        {"role": "assistant", "content": "Is that right?"},
        {"role": "user", "content": "yes"},
    ]
    called = await client.responses.create(model="m", instructions=salon["instructions"], input=history, tools=flat)
    assert called.output[0].type == "function_call"
    assert json.loads(called.output[0].arguments)["date"] == "2026-12-03"


async def test_bad_bodies_name_the_field(engine: Any) -> None:
    async with httpx.AsyncClient() as http:
        broken = await http.post(f"{engine.base}/v1/responses", content=b"{")
        empty = await http.post(f"{engine.base}/v1/responses", json={"model": "m"})
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_json")
    assert (empty.status_code, empty.json()["error"]["param"]) == (400, "input")


async def test_a_port_in_use_exits_with_2_and_says_what_to_do(engine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    port = int(engine.base.rsplit(":", 1)[1])
    with pytest.raises(SystemExit) as ended:
        run("127.0.0.1", port, None)
    assert ended.value.code == PORT_IN_USE == 2
    assert f"port {port}" in (told := capsys.readouterr().err) and "--port" in told
