"""What goes over the wire to OpenAI's HTTP API, and what its answers and refusals become."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from server.adapters.openai_http import OpenAITranscriber, OpenAIWriter
from server.ports import ProviderError
from tests.support.fakes import RECORDING
from tests.support.ports import free_port

ANSWER = {
    "id": "resp_1", "object": "response", "created_at": 0, "status": "completed", "model": "gpt-5-mini",
    "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": " A summary.\n", "annotations": []}]}],
}  # fmt: skip


class Provider(BaseHTTPRequestHandler):
    """Answers what the test put into `status` and `body`, and keeps what it was asked."""

    status: ClassVar[int] = 200
    body: ClassVar[Any] = {"text": " Hello there. "}
    seen: ClassVar[list[tuple[str, str, bytes, str]]] = []

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["Authorization"], content, self.headers["Content-Type"]))
        answer = json.dumps(self.body).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    Provider.status, Provider.body = 200, {"text": " Hello there. "}
    Provider.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def form(content: bytes, kind: str) -> dict[str, list[Any]]:
    """A multipart body by field name."""
    whole = BytesParser(EmailMessage, policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + content)
    fields: dict[str, list[Any]] = {}
    for part in whole.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        fields.setdefault(name, []).append(part.get_payload(decode=True))
    return fields


def test_a_stretch_of_sound_becomes_its_words(url: str) -> None:
    transcriber = OpenAITranscriber(url, "secret", "gpt-transcribe")
    assert transcriber.transcribe(RECORDING, keywords=["Harbour Hair", "Zoë"], language="en-GB") == "Hello there."
    path, authorization, content, kind = Provider.seen[0]
    assert (path, authorization) == ("/v1/audio/transcriptions", "Bearer secret")
    fields = form(content, kind)
    assert fields["model"] == [b"gpt-transcribe"] and fields["language"] == [b"en"]
    assert fields["keywords[]"] == [b"Harbour Hair", "Zoë".encode()]
    assert fields["file"] == [RECORDING]


def test_no_keywords_are_not_sent(url: str) -> None:
    OpenAITranscriber(url, "secret", "whisper-1").transcribe(RECORDING, keywords=[], language="en")
    assert not [name for name in form(*Provider.seen[0][2:]) if name.startswith("keywords")]


def test_a_text_becomes_the_model_s_answer(url: str) -> None:
    Provider.body = ANSWER
    assert OpenAIWriter(url, "secret", "gpt-5-mini").write("Summarise this.", "Caller: Hello.") == "A summary."
    path, _, content, _ = Provider.seen[0]
    asked = json.loads(content)
    assert path == "/v1/responses"
    assert (asked["model"], asked["instructions"], asked["input"]) == (
        "gpt-5-mini", "Summarise this.", "Caller: Hello."
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (404, False), (408, True), (429, True), (500, True), (503, True)],
)
def test_a_refusal_says_whether_it_may_pass(url: str, status: int, retryable: bool) -> None:
    Provider.status, Provider.body = status, {"error": {"message": "no", "type": "t", "param": None, "code": None}}
    for ask in (
        lambda: OpenAITranscriber(url, "secret", "m").transcribe(RECORDING, keywords=[], language="en"),
        lambda: OpenAIWriter(url, "secret", "m").write("Summarise this.", "x"),
    ):
        with pytest.raises(ProviderError, match=str(status)) as raised:
            ask()
        assert raised.value.retryable is retryable
    assert len(Provider.seen) == 2, "the SDK's own retries are off: the job engine retries"


def test_a_server_that_is_down_may_come_back() -> None:
    with pytest.raises(ProviderError) as raised:
        OpenAIWriter(f"http://127.0.0.1:{free_port()}/v1", "secret", "m").write("Summarise this.", "x")
    assert raised.value.retryable
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("model", "prompt"),
    [("whisper-1", [b"Harbour Hair, Maria"]), ("gpt-4o-transcribe", [b"Harbour Hair, Maria"]),
     ("gpt-4o-transcribe-diarize", None)],
)  # fmt: skip
def test_models_without_keywords_get_the_names_as_they_take_them(
    url: str, model: str, prompt: list[bytes] | None
) -> None:
    OpenAITranscriber(url, "secret", model).transcribe(RECORDING, keywords=["Harbour Hair", "Maria"], language="en")
    fields = form(*Provider.seen[0][2:])
    assert fields.get("prompt") == prompt
    assert "keywords[]" not in fields


def test_an_account_without_credit_is_not_asked_again(url: str) -> None:
    Provider.status, Provider.body = 429, {"error": {"message": "no", "type": "t", "code": "insufficient_quota"}}
    with pytest.raises(ProviderError) as raised:
        OpenAIWriter(url, "secret", "m").write("Summarise this.", "x")
    assert not raised.value.retryable
