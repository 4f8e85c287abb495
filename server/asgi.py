"""The web process: one port for webhooks, API, console and the phone's media stream.

uvicorn serves HTTP. A WebSocket upgrade on the media path is handed, with its transport, to picows: frames then never
pass through ASGI. The hand-over uses picows' internal constructor, so picows is pinned and a contract test covers it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import picows
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from picows.picows import WSProtocol  # type: ignore[attr-defined]
from starlette.exceptions import HTTPException
from twilio.request_validator import RequestValidator

from server import bootstrap, console, metrics, migrations, routes_api, routes_twilio
from server.config import calls as limits
from server.config.settings import Settings
from server.db import db
from server.logging_setup import get_logger
from server.media_ws_ai import MediaHub, MediaStream
from server.services import access

log = get_logger(__name__)

MEDIA_PATH: Final = "/ws/twilio-media"
MAX_FRAME_BYTES: Final = 1024 * 1024
THREAD_SWITCH_S: Final = 0.0005
"""How long a thread that writes to the database may keep a caller's audio waiting (Python's own value: 5 ms)."""


def create_app(settings: Settings) -> FastAPI:
    """The application, for a process that `bootstrap.build` prepared with these settings."""
    app = FastAPI(
        title="Frontdesk",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.secret = settings.secret_key
    app.include_router(routes_twilio.router, include_in_schema=False)
    app.include_router(routes_api.router())
    app.include_router(console.router(), include_in_schema=False)
    app.mount("/static", _OwnFiles(directory=Path(console.__file__).parent / "static"), name="static")
    app.add_api_route("/healthz", healthz, methods=["GET"], include_in_schema=False)
    app.add_api_route("/metrics", metrics_page, methods=["GET"], include_in_schema=False)
    app.add_api_route("/readyz", readyz, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)
    return app


class _OwnFiles(StaticFiles):
    """Our stylesheets and scripts, of the type their name says and no other."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        """One file."""
        answer = super().file_response(*arguments, **named)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.media = MediaHub()
    app.state.media.transferring = app.state.media.put_through
    app.state.media.prepare_voices()
    app.state.stopping = False
    yield
    await app.state.media.close()


async def _refused(request: Request, problem: Exception) -> Response:
    """A refusal: JSON for the API and for machines, the plain redirect or words for a browser."""
    assert isinstance(problem, HTTPException)
    if 300 <= problem.status_code < 400:
        return Response(status_code=problem.status_code, headers=problem.headers)
    code = getattr(problem, "code", None) or _CODES.get(problem.status_code, "refused")
    return _error(problem.status_code, code, str(problem.detail), problem.headers)


async def _invalid(request: Request, problem: Exception) -> Response:
    """Parameters that don't fit: each is named, with what is wanted."""
    assert isinstance(problem, RequestValidationError)
    named = [f"{'.'.join(str(part) for part in error['loc'][1:])}: {error['msg']}" for error in problem.errors()]
    return _error(422, "invalid", "; ".join(named))


async def _failed(request: Request, problem: Exception) -> Response:
    """A request's edge: what nobody caught is logged once and answered with 500, so that the provider tries again."""
    log.error("request failed", path=request.url.path, error=repr(problem), exc_info=problem)
    return _error(500, "internal", "the request failed; the server's log says why")


_CODES: Final = {400: "bad_request", 401: "unauthorised", 403: "forbidden", 404: "not_found", 409: "not_yet"}


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """One form for every error: what is wrong, and after the colon what to do."""
    what, _, remedy = message.partition(": ")
    return JSONResponse({"error": {"code": code, "message": what, "remedy": remedy or None}}, status, headers)


def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


def readyz(request: Request) -> JSONResponse:
    """What this process needs: the database with the newest schema, and the model's server."""
    parts = {"database": _database_state(), "model": _model_state(request.app.state.settings)}
    ready = all(state == "ok" for state in parts.values())
    return JSONResponse({"ready": ready, "parts": parts}, 200 if ready else 503)


def metrics_page(request: Request) -> Response:
    """What is counted, in Prometheus' text format: for this machine, or with an API key of the whole installation."""
    if not (_is_local(request) or _is_operator(request)):
        raise HTTPException(
            401,
            "metrics are shown to this machine alone: or send `Authorization: Bearer` with a key of the installation",
            {"WWW-Authenticate": "Bearer"},
        )
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


def _is_local(request: Request) -> bool:
    """A request from this machine that no proxy passed on: behind one, everybody comes from this machine."""
    passed_on = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"))
    return request.client is not None and request.client.host in ("127.0.0.1", "::1") and not passed_on


def _is_operator(request: Request) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return False
    with db.scope(write=False):
        key = access.api_key(token)
        return key is not None and key.business_id is None


def _database_state() -> str:
    try:
        return "the schema is old: run `frontdesk db upgrade`" if migrations.pending(db.engine) else "ok"
    except sa.exc.SQLAlchemyError as problem:
        return f"can't be reached: {type(problem).__name__}"


def _model_state(settings: Settings) -> str:
    """The local engine is asked; a provider on the internet is not, at every probe."""
    host = urlsplit(settings.model_base_url)
    if host.hostname not in ("127.0.0.1", "localhost", "::1"):
        return "ok"
    try:
        with urllib.request.urlopen(f"{host.scheme}://{host.netloc}/healthz", timeout=2) as answer:  # noqa: S310 - http(s) by the settings' check
            return "ok" if answer.status == 200 else f"answers {answer.status}"
    except urllib.error.HTTPError as problem:
        return "ok" if problem.code == 404 else "is loading its models"
    except OSError as problem:
        return f"can't be reached at {host.netloc}: {problem}"


class MediaHandover(asyncio.Protocol):
    """uvicorn's `ws=` protocol class: checks an upgrade and gives the media path's connection to picows."""

    def __init__(self, config: uvicorn.Config, server_state: Any, app_state: dict[str, Any], **_: Any) -> None:
        if not config.loaded:
            config.load()
        self._settings: Settings = config.app.state.settings  # type: ignore[union-attr]
        self._hub: MediaHub = config.app.state.media  # type: ignore[union-attr]
        self._connections: set[Any] = server_state.connections
        self._transport: asyncio.Transport | None = None
        self._protocol: Any = None
        self._stream: MediaStream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """uvicorn hands the connection over; the upgrade request follows as data."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]
        self._connections.add(self)
        self._protocol = WSProtocol(
            None, None, False, self._accept, logging.getLogger("picows"), True, 5.0, False, 20.0, 20.0,
            picows.WSAutoPingStrategy.PING_WHEN_IDLE, True, MAX_FRAME_BYTES, None, 4096,
        )  # fmt: skip
        self._protocol.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Feed what uvicorn has read; from the next turn of the loop on, picows reads for itself."""
        view = memoryview(data)
        while view:
            buffer = self._protocol.get_buffer(len(view))
            size = min(len(buffer), len(view))
            buffer[:size] = view[:size]
            self._protocol.buffer_updated(size)
            view = view[size:]
        asyncio.get_running_loop().call_soon(self._step_aside)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection broke before picows had it."""
        self._connections.discard(self)
        self._protocol.connection_lost(exc)

    def shutdown(self) -> None:
        """uvicorn drains: a call in progress ends when its people end it; a socket without one is closed."""
        if self._stream is None and self._transport is not None:
            self._transport.close()

    def _step_aside(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.set_protocol(self._protocol)

    def _accept(self, request: picows.WSUpgradeRequest) -> Any:
        path = request.path.decode("latin-1")
        self._gone()
        if path.partition("?")[0] != MEDIA_PATH:
            return _refusal(404, "there is no WebSocket here; the media stream's path is " + MEDIA_PATH)
        if not self._signed(request):
            log.warning("media stream refused", why="X-Twilio-Signature does not fit: check PUBLIC_URL")
            return _refusal(403, "X-Twilio-Signature does not fit this upgrade: check PUBLIC_URL and the auth token")
        self._connections.add(self)
        self._stream = _Tracked(self._hub, self._gone)
        return self._stream

    def _signed(self, request: picows.WSUpgradeRequest) -> bool:
        """Upgrades are signed over the stream's public `wss://` URL, with no parameters."""
        signature = request.headers.get("X-Twilio-Signature") or ""
        validator = RequestValidator(self._settings.twilio_auth_token)
        return bool(validator.validate(self._settings.media_url, {}, signature))

    def _gone(self) -> None:
        self._connections.discard(self)


class _Tracked(MediaStream):
    """A media stream that leaves uvicorn's list of connections when it ends, so that a drain can finish."""

    def __init__(self, hub: MediaHub, gone: Any) -> None:
        super().__init__(hub)
        self._gone = gone

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The socket is gone."""
        super().on_ws_disconnected(transport)
        self._gone()


def _refusal(status: int, why: str) -> picows.WSUpgradeResponseWithListener:
    body = why.encode()
    response = picows.WSUpgradeResponse.create_error_response(status, body)
    return picows.WSUpgradeResponseWithListener(response, None)


def run(settings: Settings, *, host: str, port: int) -> None:
    """Serve until told to stop."""
    bootstrap.upgrade(settings)
    settings = bootstrap.build(settings)
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws=MediaHandover,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=int(limits.STOP_DRAIN_S + limits.STOP_GOODBYE_S),
        proxy_headers=False,
    )
    sys.setswitchinterval(THREAD_SWITCH_S)
    log.info("web server ready", url=settings.public_url)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean stop
        _Server(config).run()


class _Server(uvicorn.Server):
    """Tells calls, and the pages that are kept live, that the server stops: neither is cut off nor holds it up."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """A signal to stop."""
        state = self.config.loaded_app.state
        state.stopping = True
        if hasattr(state, "media"):
            state.media.stop_soon()
        super().handle_exit(sig, frame)
