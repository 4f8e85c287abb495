"""Our Twilio adapter, by the real SDK, against the stand-in and against a host that misbehaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from phoneaudio.wav import wav_bytes
from server.adapters.twilio_rest import TwilioTelephony
from server.ports import ProviderError, RecordingUnavailable
from simulator.standin import Standin

SID, TOKEN, NUMBER = "AC" + "1" * 32, "token", "+441632960101"
WAV = wav_bytes(8000, b"\1\0" * 80)


@pytest.fixture
async def standin() -> AsyncIterator[Standin]:
    made = await Standin.start(account_sid=SID, auth_token=TOKEN)
    yield made
    await made.stop()


def _telephony(standin: Standin, token: str = TOKEN) -> TwilioTelephony:
    return TwilioTelephony(SID, token, standin.base_url)


async def test_a_number_s_webhooks_are_set(standin: Standin) -> None:
    standin.add_number(NUMBER)
    sid = await asyncio.to_thread(
        _telephony(standin).connect_number, NUMBER, "https://d.example/webhook/voice", "https://d.example/webhook/s"
    )
    settings = standin.account.numbers[sid].as_json()
    assert settings["voice_url"] == "https://d.example/webhook/voice"
    assert settings["status_callback"] == "https://d.example/webhook/s"


async def test_a_number_the_account_does_not_own_is_told(standin: Standin) -> None:
    with pytest.raises(ProviderError, match="owns no number"):
        await asyncio.to_thread(_telephony(standin).connect_number, NUMBER, "https://x/v", "https://x/s")


async def test_a_recording_of_an_unknown_call_may_be_asked_for_again(standin: Standin) -> None:
    with pytest.raises(ProviderError, match="404 20404") as refusal:
        await asyncio.to_thread(_telephony(standin).start_recording, "CA" + "2" * 32, "https://x/r")
    assert refusal.value.retryable


async def test_ending_a_call_that_is_gone_is_no_error(standin: Standin) -> None:
    await asyncio.to_thread(_telephony(standin).end_call, "CA" + "2" * 32)


async def test_a_wrong_token_is_told_and_not_retried(standin: Standin) -> None:
    with pytest.raises(ProviderError) as refusal:
        await asyncio.to_thread(_telephony(standin, "wrong").start_recording, "CA" + "2" * 32, "https://x/r")
    assert not refusal.value.retryable


Answer = Callable[[str, str | None], tuple[int, dict[str, str], bytes]]


class Host:
    """A recording host that answers as it is told, and remembers who asked with which credentials."""

    def __init__(self, answer: Answer) -> None:
        self.seen: list[tuple[str, str | None]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                authorization = self.headers.get("Authorization")
                host.seen.append((self.path, authorization))
                status, headers, body = answer(self.path, authorization)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hosts() -> Iterator[Callable[[Answer], Host]]:
    made: list[Host] = []

    def start(answer: Answer) -> Host:
        made.append(Host(answer))
        return made[-1]

    yield start
    for host in made:
        host.stop()


def test_regression_25_dual_channel_refused_is_asked_for_with_one(
    hosts: Callable[[Answer], Host], tmp_path: Path
) -> None:
    host = hosts(lambda path, _: (200, {}, WAV) if path.endswith("=1") else (400, {}, b""))
    size = TwilioTelephony(SID, TOKEN, host.url).fetch_recording(f"{host.url}/RE1", tmp_path / "x.wav")
    assert (tmp_path / "x.wav").read_bytes() == WAV and size == len(WAV)
    assert [path for path, _ in host.seen] == ["/RE1.wav?RequestedChannels=2", "/RE1.wav?RequestedChannels=1"]


@pytest.mark.parametrize(("status", "retryable"), [(404, True), (503, True), (429, True), (401, False), (410, False)])
def test_regression_25_what_may_help_later_is_said(
    hosts: Callable[[Answer], Host], tmp_path: Path, status: int, retryable: bool
) -> None:
    host = hosts(lambda *_: (status, {}, b""))
    with pytest.raises(RecordingUnavailable, match=str(status)) as refusal:
        TwilioTelephony(SID, TOKEN, host.url).fetch_recording(f"{host.url}/RE1", tmp_path / "x.wav")
    assert refusal.value.retryable is retryable


def test_credentials_go_to_the_account_s_host_alone(hosts: Callable[[Answer], Host], tmp_path: Path) -> None:
    elsewhere = hosts(lambda *_: (200, {}, WAV))
    host = hosts(lambda *_: (200, {}, WAV))
    telephony = TwilioTelephony(SID, TOKEN, host.url)
    with pytest.raises(RecordingUnavailable, match="not this account's host"):
        telephony.fetch_recording(f"{elsewhere.url}/RE1", tmp_path / "x.wav")
    assert elsewhere.seen == []


def test_a_redirect_never_carries_them_away(hosts: Callable[[Answer], Host], tmp_path: Path) -> None:
    elsewhere = hosts(lambda *_: (200, {}, WAV))
    host = hosts(lambda *_: (302, {"Location": f"{elsewhere.url}/stolen"}, b""))
    with pytest.raises(RecordingUnavailable, match="not https"):
        TwilioTelephony(SID, TOKEN, host.url).fetch_recording(f"{host.url}/RE1", tmp_path / "x.wav")
    assert elsewhere.seen == []


def test_a_host_that_is_down_may_be_back_later(free_port: int, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port}"
    with pytest.raises(RecordingUnavailable, match="can't be fetched") as refusal:
        TwilioTelephony(SID, TOKEN, url).fetch_recording(f"{url}/RE1", tmp_path / "x.wav")
    assert refusal.value.retryable
