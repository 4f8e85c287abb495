"""Our speech client against the openai SDK's own request, on a local server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import openai
import pytest

from phoneaudio.g711 import duration_ms
from server.adapters.openai_speech import OpenAISpeaker
from server.ports import ProviderError

ONE_SECOND = b"\x00\x10" * 24_000


class Server(ThreadingHTTPServer):
    """Answers with one second of PCM, or with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.status = 200

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = cast(Server, self.server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.asked.append((self.path, self.headers["Authorization"], body))
        sound = ONE_SECOND if server.status == 200 else b"{}"
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(sound)))
        self.end_headers()
        self.wfile.write(sound)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def test_the_request_is_the_sdk_s_and_the_answer_is_telephone_audio(server: Server) -> None:
    sound = OpenAISpeaker(server.url, "sk-test", "tts-x").say("One moment.", "marin")
    client = openai.OpenAI(base_url=server.url, api_key="sk-test")
    client.audio.speech.create(model="tts-x", voice="marin", input="One moment.", response_format="pcm")
    ours, theirs = server.asked
    assert ours == theirs
    assert abs(duration_ms(sound) - 1000) < 5


def test_a_server_that_does_not_speak_gives_nothing(server: Server) -> None:
    server.status = 404
    assert OpenAISpeaker(server.url, "k", "m").say("One moment.", "marin") == b""


@pytest.mark.parametrize(("status", "retryable"), [(503, True), (429, True), (401, False)])
def test_a_refusal_says_whether_it_may_pass(server: Server, status: int, retryable: bool) -> None:
    server.status = status
    with pytest.raises(ProviderError) as refusal:
        OpenAISpeaker(server.url, "k", "m").say("One moment.", "marin")
    assert refusal.value.retryable is retryable


def test_a_server_that_is_down_may_be_asked_again(free_port: int) -> None:
    with pytest.raises(ProviderError) as refusal:
        OpenAISpeaker(f"http://127.0.0.1:{free_port}/v1", "k", "m").say("One moment.", "marin")
    assert refusal.value.retryable
