"""`frontdesk engine`: the engine as a process of its own."""

from __future__ import annotations

import json
import logging
import socket
import sys

import uvicorn

from engine.app import create_app
from engine.settings import EngineSettings

PORT_IN_USE = 2
_LARGEST_MESSAGE = 24 << 20  # a 15 MiB append in base64, with room for its envelope


def run(host: str, port: int, api_key: str | None) -> None:
    """Serve until interrupted. Exits with code 2 when the port cannot be had.

    It prints one JSON line when it listens (models may still be loading: `/healthz` tells) and nothing per request.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    listener = _listen(host, port)
    bound = listener.getsockname()[1]
    print(json.dumps({"event": "engine_listening", "host": host, "port": bound}), flush=True)  # noqa: T201 - the parent process reads it
    config = uvicorn.Config(
        create_app(EngineSettings(api_key=api_key)),
        log_level="warning",
        access_log=False,
        ws_max_size=_LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listener])


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
