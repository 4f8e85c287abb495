"""The ASGI application: OpenAI's paths over the speech bank and the dialogue."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from engine.dialogue.agent import DialogueAgent
from engine.errors import ApiError, authorised, unauthorised
from engine.http import responses, responses_request, speech, streams, transcriptions
from engine.http.audio_encoder import CONTENT_TYPES
from engine.http.body import json_object
from engine.http.errors import engine_failed, http_problem
from engine.http.speech_request import read_speech
from engine.http.uploads import Uploads
from engine.realtime import socket as realtime
from engine.realtime.brain import Brain
from engine.settings import EngineSettings
from engine.speech.bank import Models, SpeechBank

log = logging.getLogger("engine")

REALTIME_MODEL = "gpt-realtime-2.1"
MODELS = (REALTIME_MODEL, "gpt-realtime-2.1-mini", "gpt-transcribe", "gpt-5-mini", "tts-1")

Handler = Callable[[Request], Awaitable[Response]]


class EngineApp:
    """✅ OWNER of one process's speech bank, brain and count of open sessions."""

    def __init__(self, settings: EngineSettings, speech: Models, brain: Brain) -> None:
        self.settings = settings
        self.speech = speech
        self.brain = brain
        self._open_sessions = 0
        self._created = int(time.time())
        self._uploads = Uploads(max(1, settings.recognizer_workers - 1))

    async def healthz(self, request: Request) -> Response:
        """200 when calls can be served; 503 while models load or when they cannot."""
        if self.speech.failure is not None:
            return JSONResponse({"status": "failed", "reason": str(self.speech.failure)}, 503)
        if not self.speech.ready:
            return JSONResponse({"status": "loading", "reason": "the speech models are being loaded"}, 503)
        return JSONResponse({"status": "ok", "sessions": self._open_sessions, "max_sessions": self._most_sessions})

    @property
    def _most_sessions(self) -> int:
        return self.settings.max_sessions or self.speech.capacity

    async def models(self, request: Request) -> Response:
        """The model names clients may ask for; all are served by the same local models."""
        data = [{"id": name, "object": "model", "created": self._created, "owned_by": "frontdesk"} for name in MODELS]
        return JSONResponse({"object": "list", "data": data})

    async def model(self, request: Request) -> Response:
        """One model."""
        name = request.path_params["name"]
        if name not in MODELS:
            raise ApiError(404, "model_not_found", f"The model '{name}' does not exist.", "model")
        return JSONResponse({"id": name, "object": "model", "created": self._created, "owned_by": "frontdesk"})

    async def transcribe(self, request: Request) -> Response:
        """Words of an uploaded recording."""
        self._need_models()
        self._uploads.check()
        wanted = await transcriptions.read_request(request)
        if wanted.stream:
            events = transcriptions.stream_events(wanted.data, self.speech)
            return await self._events(self._in_turn(events))
        async with self._uploads.turn():
            result = await transcriptions.transcribe(wanted.data, self.speech, request.is_disconnected)
        if wanted.response_format == "text":
            return PlainTextResponse(f"{result.text}\n")
        return JSONResponse(transcriptions.wire_form(result, wanted.response_format))

    async def speak(self, request: Request) -> Response:
        """Text as sound."""
        wanted = read_speech(await json_object(request))
        self._need_models()
        if wanted.stream_format == "sse":
            return await self._events(speech.events(wanted, self.speech))
        audio = await streams.begun(speech.encoded(wanted, self.speech))
        return streams.Streamed(audio, CONTENT_TYPES[wanted.response_format])

    async def respond(self, request: Request) -> Response:
        """A text reply, or a summary."""
        wanted = responses_request.read_request(await json_object(request))
        if wanted.stream:
            return await self._events(responses.stream_events(wanted, self.brain))
        return JSONResponse(await responses.create(wanted, self.brain))

    async def _events(self, events: AsyncGenerator[streams.Event, None]) -> Response:
        return streams.Streamed(await streams.begun(streams.frames(events)), streams.EVENT_STREAM)

    async def _in_turn(self, events: AsyncGenerator[streams.Event, None]) -> AsyncGenerator[streams.Event, None]:
        async with aclosing(events), self._uploads.turn():
            async for event in events:
                yield event

    async def realtime(self, socket: WebSocket) -> None:
        """One realtime session."""
        if not await realtime.admit(socket, self.settings.api_key):
            return
        refusal = self._refusal(socket)
        if refusal is not None:
            await realtime.refuse(socket, *refusal)
            return
        self._open_sessions += 1
        try:
            model = socket.query_params.get("model") or REALTIME_MODEL
            await realtime.serve(socket, model, self.speech, self.brain, self.settings.session_limit_s)
        finally:
            self._open_sessions -= 1

    def guarded(self, handler: Handler) -> Handler:
        """The handler behind the bearer check, its `ApiError`s turned into answers."""

        async def checked(request: Request) -> Response:
            if not authorised(request.headers.get("authorization"), self.settings.api_key):
                return unauthorised().response()
            try:
                return await handler(request)
            except ApiError as problem:
                return problem.response()
            except HTTPException as problem:  # a form that cannot be read
                return http_problem(problem).response()
            except Exception:
                log.exception("%s failed", request.url.path)
                return engine_failed().response()

        return checked

    def _need_models(self) -> None:
        if not self.speech.ready:
            raise ApiError(
                503, "engine_loading", "The speech models are not loaded yet: wait until GET /healthz answers 200."
            )

    def _refusal(self, socket: WebSocket) -> tuple[str, str, int] | None:
        if realtime.asks_for_beta(socket):
            message = "The beta shape of the Realtime API is not supported: do not send the OpenAI-Beta header."
            return "beta_api_shape_disabled", message, realtime.CLOSE_BETA
        if not self.speech.ready:
            return (
                "engine_loading",
                "The speech models are not loaded yet: try again in a few seconds.",
                realtime.CLOSE_BUSY,
            )
        if self._open_sessions >= self._most_sessions:
            message = f"The engine is serving {self._open_sessions} sessions, all it can carry: try again later."
            return "session_limit_reached", message, realtime.CLOSE_BUSY
        if self.speech.overdue:
            message = "The engine is behind with hearing the calls it has: try again in a few seconds."
            return "session_limit_reached", message, realtime.CLOSE_BUSY
        return None


def create_app(settings: EngineSettings, speech: Models | None = None, brain: Brain | None = None) -> ASGIApp:
    """The engine as an ASGI application. Models are loaded in the background while it already answers `/healthz`."""
    bank: Models = speech or SpeechBank(settings)
    engine = EngineApp(settings, bank, brain or DialogueAgent())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loading = asyncio.create_task(_load(bank))
        yield
        await loading
        bank.close()

    return Starlette(routes=_routes(engine), lifespan=lifespan, exception_handlers={HTTPException: _unrouted})


async def _unrouted(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, HTTPException):
        raise problem
    return http_problem(problem, request.method, request.url.path).response()


async def _load(bank: Models) -> None:
    try:
        if not bank.ready:
            await asyncio.to_thread(bank.load)
    except Exception:  # the job's edge: the process stays up, and /healthz says why it serves no calls
        log.exception("the speech models could not be loaded")


def _routes(engine: EngineApp) -> list[Any]:
    return [
        Route("/healthz", engine.healthz),
        Route("/v1/models", engine.guarded(engine.models)),
        Route("/v1/models/{name}", engine.guarded(engine.model)),
        Route("/v1/audio/transcriptions", engine.guarded(engine.transcribe), methods=["POST"]),
        Route("/v1/audio/speech", engine.guarded(engine.speak), methods=["POST"]),
        Route("/v1/responses", engine.guarded(engine.respond), methods=["POST"]),
        WebSocketRoute("/v1/realtime", engine.realtime),
    ]
