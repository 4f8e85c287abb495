"""Recordings through the openai SDK's own clients, with scripted ears."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai.types.audio import TranscriptionStreamEvent
from pydantic import TypeAdapter

from engine.http.audio_files import LARGEST_BYTES
from engine.settings import EngineSettings
from tests.unit.engine.http.made_audio import FORMATS, encoded, tone

STRICT: TypeAdapter[Any] = TypeAdapter(TranscriptionStreamEvent)
TWICE = encoded("wav", tone((0.0, 1.0), (1.0, 1.5), (1.0, 1.0), rate_hz=8000), 8000)
ONCE = encoded("wav", tone((1.0, 1.0), rate_hz=8000), 8000)
PATH = "/v1/audio/transcriptions"


def sdk(engine: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="any", base_url=f"{engine.base}/v1", max_retries=0)


async def test_a_recording_is_transcribed_in_pieces_with_their_times(engine: Any) -> None:
    engine.speech.script = ["Hello there.", "Goodbye."]
    result = await sdk(engine).audio.transcriptions.create(
        file=("call.wav", TWICE),
        model="gpt-transcribe",
        response_format="verbose_json",
        timestamp_granularities=["segment"],
    )
    assert result.text == "Hello there. Goodbye."
    assert [segment.text.strip() for segment in result.segments or []] == ["Hello there.", "Goodbye."]
    starts = [segment.start for segment in result.segments or []]
    assert starts == pytest.approx([0.8, 3.3], abs=0.1)
    assert result.duration == pytest.approx(5.5)
    assert engine.speech.out_vads == 0


async def test_every_format_in_every_form(engine: Any) -> None:
    create = sdk(engine).audio.transcriptions.create
    for kind in FORMATS:
        engine.speech.script = ["One.", "Two.", "Three."]
        data = encoded(kind, tone((0.0, 0.5), (1.0, 1.0)))
        plain = await create(file=(f"call.{kind}", data), model="gpt-transcribe")
        text = await create(file=(f"call.{kind}", data), model="gpt-transcribe", response_format="text")
        verbose = await create(file=("no-name", data), model="gpt-transcribe", response_format="verbose_json")
        assert (plain.text, str(text).strip(), verbose.text) == ("One.", "Two.", "Three."), kind
        assert plain.usage is not None and plain.usage.type == "duration"
        assert verbose.duration == pytest.approx(2.5, abs=0.15), kind


async def test_the_synchronous_client_and_a_form_full_of_hints(engine: Any) -> None:
    engine.speech.script = ["Hello there."]

    def transcribe() -> str:
        with openai.OpenAI(api_key="any", base_url=f"{engine.base}/v1") as client:
            return client.audio.transcriptions.create(
                file=("call.wav", ONCE),
                model="gpt-transcribe",
                language="en",
                languages=["en", "en-GB"],
                prompt="A salon.",
                keywords=["Maria Lopez"],
                temperature=0,
                include=["logprobs"],
                chunking_strategy="auto",
            ).text

    assert await asyncio.to_thread(transcribe) == "Hello there."


async def test_words_are_streamed_as_they_are_heard(engine: Any) -> None:
    engine.speech.script = ["Hello there.", "Goodbye."]
    stream = await sdk(engine).audio.transcriptions.create(
        file=("call.wav", TWICE), model="gpt-transcribe", stream=True
    )
    events = [STRICT.validate_python(event.to_dict()) async for event in stream]
    assert [event.type for event in events] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    assert "".join(event.delta for event in events[:-1]) == events[-1].text == "Hello there. Goodbye."
    assert events[-1].usage.input_tokens == 55


async def test_the_synchronous_client_streams_too(engine: Any) -> None:
    engine.speech.script = ["Hello there."]

    def words() -> list[str]:
        with openai.OpenAI(api_key="any", base_url=f"{engine.base}/v1") as client:
            file = ("call.wav", ONCE)
            return [
                event.type
                for event in client.audio.transcriptions.create(file=file, model="gpt-transcribe", stream=True)
            ]

    assert await asyncio.to_thread(words) == ["transcript.text.delta", "transcript.text.done"]


async def test_a_file_that_breaks_after_a_minute_ends_the_stream_with_an_error(engine: Any) -> None:
    engine.speech.script = ["Hello there."] * 9
    hiss = np.random.default_rng(1).integers(-300, 300, 90 * 8000)  # silence would need no bytes
    whole = encoded("flac", (tone((2.0, 88.0), rate_hz=8000) + hiss).astype("<i2"), 8000)
    broken = ("call.flac", whole[: int(len(whole) * 0.75)])
    stream = await sdk(engine).audio.transcriptions.create(file=broken, model="gpt-transcribe", stream=True)
    assert (await anext(stream)).type == "transcript.text.delta"
    with pytest.raises(openai.APIError, match="cut off"):
        await anext(stream)
    with pytest.raises(openai.BadRequestError, match="cut off"):
        await sdk(engine).audio.transcriptions.create(file=broken, model="gpt-transcribe")


async def test_silence_has_no_words(engine: Any) -> None:
    engine.speech.script = ["never"]
    silence = encoded("wav", tone((0.0, 2.0), rate_hz=8000), 8000)
    result = await sdk(engine).audio.transcriptions.create(file=("call.wav", silence), model="gpt-transcribe")
    assert result.text == ""


async def test_another_language_is_refused_not_answered_in_english(engine: Any) -> None:
    engine.speech.script = ["never"]
    create = sdk(engine).audio.transcriptions.create
    for language in ("de", "fr-FR", "german", "xx"):
        with pytest.raises(openai.BadRequestError, match="no voice or model for the language") as one:
            await create(file=("call.wav", ONCE), model="gpt-transcribe", language=language)
        with pytest.raises(openai.BadRequestError, match="no voice or model for the language") as many:
            await create(file=("call.wav", ONCE), model="gpt-transcribe", languages=["en", language])
        assert (one.value.param, many.value.param) == ("language", "languages")
    assert engine.speech.script == ["never"]


MISTAKES = [
    ({"model": ""}, "model"),
    ({"response_format": "srt"}, "response_format"),
    ({"timestamp_granularities[]": "word"}, "timestamp_granularities"),
    ({"timestamp_granularities[]": "letter"}, "timestamp_granularities"),
    ({"stream": "perhaps"}, "stream"),
]


async def test_mistakes_name_the_field(engine: Any) -> None:
    async with httpx.AsyncClient(base_url=engine.base) as http:
        for fields, param in MISTAKES:
            form = {"model": "gpt-transcribe", **fields}
            refused = await http.post(PATH, data=form, files={"file": ("a.wav", ONCE)})
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


async def test_a_file_that_cannot_be_used_names_the_file(engine: Any) -> None:
    async with httpx.AsyncClient(base_url=engine.base) as http:
        for data in (b"", b"nonsense", TWICE[:2000]):
            for stream in ("false", "true"):
                form = {"model": "gpt-transcribe", "stream": stream}
                refused = await http.post(PATH, data=form, files={"file": ("call.wav", data)})
                assert (refused.status_code, refused.json()["error"]["param"]) == (400, "file")
        missing = await http.post(PATH, data={"model": "gpt-transcribe"})
        text = await http.post(PATH, data={"model": "gpt-transcribe", "file": "call.wav"})
    assert missing.json()["error"]["param"] == text.json()["error"]["param"] == "file"


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(engine: Any) -> None:
    async with httpx.AsyncClient(base_url=engine.base) as http:
        large = await http.post(PATH, data={"model": "m"}, files={"file": ("a.wav", bytes(LARGEST_BYTES + 1))})
    assert (large.status_code, large.json()["error"]["param"]) == (413, "file")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(engine.base.rsplit(":", 1)[1]))
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST_BYTES * 2}\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"413", "before a byte of the body was sent"
    writer.close()


async def test_uploads_leave_a_recogniser_to_the_calls(serve: Any) -> None:
    running = peak = 0

    async with serve(EngineSettings(recognizer_workers=2)) as engine:
        hear = engine.speech.hear

        async def slow(samples: Any, rate_hz: int) -> Any:
            nonlocal running, peak
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(0.05)
            running -= 1
            return await hear(samples, rate_hz)

        engine.speech.hear = slow
        engine.speech.script = ["Hello."] * 6
        create = sdk(engine).audio.transcriptions.create
        results = await asyncio.gather(
            *(create(file=("call.wav", TWICE), model="gpt-transcribe") for _ in range(3)),
        )
    assert [result.text for result in results] == ["Hello. Hello."] * 3 and peak == 1
