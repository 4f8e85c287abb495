"""Twilio's recordings and calls, and OpenAI's HTTP API, on one local port, for tests with real worker processes.

It answers what the test says, counts what it was asked, and can hold an answer back: a process under test is then
known to be in the middle of that request.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from tests.support.fakes import RECORDING

ACCOUNT = "AC" + "0" * 32
RECORDING_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1"
CALLS_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
RESPONSES = "/v1/responses"
HOLD_S = 60.0


@dataclass
class Provider:
    """What the server knows: `refusals` are statuses that come before the real answers, by kind of request."""

    port: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    refusals: dict[str, list[int]] = field(default_factory=dict)
    recording: bytes = RECORDING
    summary: str = "The caller asked for the opening hours."
    calls: list[dict[str, str]] = field(default_factory=list)
    _holds: dict[str, threading.Event] = field(default_factory=dict)
    _arrived: dict[str, threading.Event] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it answers; Twilio's API base and, with `/v1`, OpenAI's."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def recording_url(self) -> str:
        """The one recording it has."""
        return self.url + RECORDING_PATH

    def hold(self, kind: str) -> Callable[[], None]:
        """Keep back the answers of one kind (`recording`, `transcription`, `summary`); call the result to let go."""
        self._arrived[kind] = threading.Event()
        self._holds[kind] = threading.Event()
        return self._holds[kind].set

    def wait_until_asked(self, kind: str, timeout_s: float = 30.0) -> None:
        """Wait for a request that is then held."""
        assert self._arrived[kind].wait(timeout_s), f"no {kind} was asked for within {timeout_s} s"

    def answer(self, kind: str) -> int:
        """Count a request, hold it if that was asked for; the status to answer."""
        with self._lock:
            self.asked[kind] += 1
            refusals = self.refusals.get(kind) or [200]
            status = refusals.pop(0)
        if kind in self._holds and not self._holds[kind].is_set():
            self._arrived[kind].set()
            self._holds[kind].wait(HOLD_S)
        return status

    def dial(self, form: dict[str, str]) -> dict[str, str]:
        """A new call, which exists from now on, whether its answer arrives or not."""
        made = {
            "sid": f"CA{len(self.calls)}", "to": form["To"], "from": form["From"], "direction": "outbound-api",
            "status": "queued", "date_created": format_datetime(datetime.now(UTC)), "url": form["Url"],
        }  # fmt: skip
        self.calls.append(made)
        return made

    def let_go(self) -> None:
        """Let go of everything that is held."""
        for event in self._holds.values():
            event.set()


@contextmanager
def serving() -> Iterator[Provider]:
    """A provider on a free port."""
    provider = Provider()

    class Handler(_Handler):
        known = provider

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.let_go()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    known: Provider

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == CALLS_PATH:
            self.known.answer("list")
            page = {"calls": self.known.calls, "page": 0, "page_size": 50, "uri": CALLS_PATH, "next_page_uri": None}
            self._send(200, json.dumps(page).encode())
            return
        if self.path.partition("?")[0] != f"{RECORDING_PATH}.wav":
            self._send(404, b"{}")
            return
        status = self.known.answer("recording")
        self._send(status, self.known.recording if status == 200 else b"{}", "audio/x-wav")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == CALLS_PATH:
            made = self.known.dial(dict(parse_qsl(body.decode())))
            self._send(201 if self.known.answer("call") == 200 else 500, json.dumps(made).encode())
            return
        kind = {TRANSCRIPTIONS: "transcription", RESPONSES: "summary"}[self.path]
        status = self.known.answer(kind)
        if status != 200:
            self._send(status, json.dumps({"error": {"message": "not now", "code": None}}).encode())
            return
        words = {"text": f"words {self.known.asked[kind]}"} if kind == "transcription" else self._response()
        self._send(200, json.dumps(words).encode())

    def _response(self) -> dict[str, object]:
        part = {"type": "output_text", "text": self.known.summary, "annotations": []}
        message = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}
        return {
            "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m",
            "output": [message], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        }  # fmt: skip

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            """Whoever asked was killed meanwhile, as the test wanted."""

    def log_message(self, format: str, *args: object) -> None:
        """Silence: the test reads the counters."""
