"""What all of the engine's HTTP paths share: models, health, the bearer check, and errors in OpenAI's envelope."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import openai
import pytest

from engine.main import PORT_IN_USE, run
from engine.settings import EngineSettings
from phoneaudio.wav import wav_bytes

PATHS = [
    ("GET", "/v1/models"),
    ("GET", "/v1/models/gpt-transcribe"),
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/audio/speech"),
    ("POST", "/v1/responses"),
]


def sdk(engine: Any, key: str = "any") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=key, base_url=f"{engine.base}/v1", max_retries=0)


async def test_models_and_health(engine: Any) -> None:
    names = [model.id async for model in sdk(engine).models.list()]
    assert {"gpt-realtime-2.1", "gpt-transcribe"} <= set(names)
    with pytest.raises(openai.NotFoundError):
        await sdk(engine).models.retrieve("gpt-9")
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{engine.base}/healthz")).json()["status"] == "ok"


async def test_the_synchronous_client_lists_and_retrieves_models(engine: Any) -> None:
    def names() -> tuple[list[str], str]:
        with openai.OpenAI(api_key="any", base_url=f"{engine.base}/v1") as client:
            return [model.id for model in client.models.list()], client.models.retrieve("tts-1").id

    listed, one = await asyncio.to_thread(names)
    assert one == "tts-1" and one in listed


async def test_every_path_checks_the_key_before_anything_else(serve: Any) -> None:
    async with serve(EngineSettings(api_key="right")) as engine, httpx.AsyncClient(base_url=engine.base) as http:
        for method, path in PATHS:
            for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "right"}):
                refused = await http.request(method, path, headers=headers)
                assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key"), path
            taken = await http.request(method, path, headers={"authorization": "Bearer right"})
            assert taken.status_code == (200 if method == "GET" else 400), path


async def test_a_wrong_key_is_refused_but_health_is_open(serve: Any) -> None:
    async with serve(EngineSettings(api_key="right")) as engine, httpx.AsyncClient() as http:
        with pytest.raises(openai.AuthenticationError):
            await sdk(engine, "wrong").models.list()
        assert [model async for model in sdk(engine, "right").models.list()]
        assert (await http.get(f"{engine.base}/healthz")).status_code == 200


async def test_health_tells_loading_and_failure(engine: Any) -> None:
    speech = engine.speech
    speech.ready = False
    async with httpx.AsyncClient() as http:
        loading = await http.get(f"{engine.base}/healthz")
        speech.failure = RuntimeError("model.bin.part1 is missing")
        failed = await http.get(f"{engine.base}/healthz")
    assert (loading.status_code, loading.json()["status"]) == (503, "loading")
    assert (failed.status_code, failed.json()["reason"]) == (503, "model.bin.part1 is missing")


async def test_what_needs_the_models_waits_for_them_and_says_so(engine: Any) -> None:
    engine.speech.ready = False
    with pytest.raises(openai.InternalServerError, match="not loaded yet") as heard:
        await sdk(engine).audio.transcriptions.create(file=("a.wav", wav_bytes(8000, b"")), model="gpt-transcribe")
    with pytest.raises(openai.InternalServerError, match="not loaded yet") as said:
        await sdk(engine).audio.speech.create(model="tts-1", voice="marin", input="Hello.")
    assert heard.value.status_code == said.value.status_code == 503
    told = await sdk(engine).responses.create(model="m", instructions="Name: Hair", input="Hello")
    assert told.output_text, "text needs no speech models"


async def test_unknown_paths_and_methods_get_the_envelope(engine: Any) -> None:
    async with httpx.AsyncClient(base_url=engine.base) as http:
        for method, path, status in (
            ("GET", "/v1/embeddings", 404),
            ("GET", "/v1/responses/resp_1", 404),
            ("GET", "/v1/responses", 405),
            ("DELETE", "/v1/models", 405),
        ):
            refused = await http.request(method, path)
            assert refused.status_code == status and path in refused.json()["error"]["message"]


async def test_broken_bodies_get_the_envelope(engine: Any) -> None:
    async with httpx.AsyncClient(base_url=engine.base) as http:
        for path in ("/v1/responses", "/v1/audio/speech"):
            for body, code in ((b"{", "invalid_json"), (b"[1]", "invalid_type")):
                refused = await http.post(path, content=body)
                assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
        form = {"content-type": "multipart/form-data; boundary=x"}
        broken = await http.post("/v1/audio/transcriptions", content=b"no form", headers=form)
        no_form = await http.post("/v1/audio/transcriptions", json={"file": "a.wav"})
    assert broken.status_code == 400 and broken.json()["error"]["type"] == "invalid_request_error"
    assert (no_form.status_code, no_form.json()["error"]["param"]) == (400, "file")


async def test_a_port_in_use_exits_with_2_and_says_what_to_do(engine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    port = int(engine.base.rsplit(":", 1)[1])
    with pytest.raises(SystemExit) as ended:
        run("127.0.0.1", port, None)
    assert ended.value.code == PORT_IN_USE == 2
    assert f"port {port}" in (told := capsys.readouterr().err) and "--port" in told
