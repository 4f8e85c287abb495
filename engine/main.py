"""`frontdesk engine`: the engine as a process of its own."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys

import uvicorn

from engine.app import create_app
from engine.realtime.brain import Brain
from engine.settings import EngineSettings, EngineSettingsError, LanguageModel, engine_settings

PORT_IN_USE = 2
UNUSABLE_SETTINGS = 2  # the supervisor does not start a process again that ends with this
_LARGEST_MESSAGE = 24 << 20  # a 15 MiB append in base64, with room for its envelope


def run(host: str, port: int, api_key: str | None) -> None:
    """Serve until interrupted. Exits with code 2 when the port cannot be had or a setting cannot be used.

    It prints one JSON line when it listens (models may still be loading: `/healthz` tells) and nothing per request.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    settings = _settings(api_key)
    listener = _listen(host, port)
    started = {"event": "engine_listening", "host": host, "port": listener.getsockname()[1]}
    if settings.language_model is not None:
        started["language_model"] = settings.language_model.model
    print(json.dumps(started), flush=True)  # noqa: T201 - the parent process reads it
    config = uvicorn.Config(
        create_app(settings, brain=_brain(settings.language_model)),
        log_level="warning",
        access_log=False,
        ws_max_size=_LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _settings(api_key: str | None) -> EngineSettings:
    try:
        return engine_settings(os.environ, api_key)
    except EngineSettingsError as problem:
        print(f"engine: {problem}", file=sys.stderr)  # noqa: T201
        raise SystemExit(UNUSABLE_SETTINGS) from problem


def _brain(model: LanguageModel | None) -> Brain | None:
    """The language model when there is one; None leaves the engine its own dialogue."""
    if model is None:
        return None
    # Loading the SDK takes a second that an engine without a language model does not spend.
    from engine.llm.brain import ChatBrain
    from engine.llm.check import check_in_background

    check_in_background(model)
    return ChatBrain(model)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as problem:
        remedy = "stop what is using it or choose another with --port"
        print(f"engine: cannot listen on {host} port {port}: {problem.strerror or problem}; {remedy}", file=sys.stderr)  # noqa: T201
        raise SystemExit(PORT_IN_USE) from problem
    return listener
