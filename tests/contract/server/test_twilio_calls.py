"""Placing, finding, fetching and redirecting calls by the real SDK, against a host that answers as Twilio does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from server.adapters.twilio_rest import TwilioTelephony
from server.ports import CallFacts, CallNotPlaced, CallOrder, ProviderError

SID, TOKEN = "AC" + "1" * 32, "token"
TO, FROM = "+447700900123", "+441632960101"
NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
ORDER = CallOrder(
    TO, FROM, "https://d/voice?request=r", "https://d/status?request=r", 30, 600, "https://d/amd?request=r"
)
Answer = tuple[int, dict[str, str], Any]


class Twilio:
    """The account's REST host: gives the answers in `says`, by path and method, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, list[str]]]] = []
        self.says: Callable[[str], Answer] = lambda _: (404, {}, {"code": 20404, "message": "not found"})
        twilio = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                self._answer("GET", path, query)

            def do_POST(self) -> None:
                self._answer("POST", self.path, self.rfile.read(int(self.headers["Content-Length"])).decode())

            def _answer(self, method: str, path: str, form: str) -> None:
                twilio.asked.append((method, path.rpartition(SID)[2], parse_qs(form)))
                status, headers, body = twilio.says(method)
                raw = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.telephony = TwilioTelephony(SID, TOKEN, f"http://127.0.0.1:{self._server.server_port}")

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    made = Twilio()
    yield made
    made.stop()


def row(sid: str, age_s: int, **more: Any) -> dict[str, Any]:
    """A call as the API shows it; one that waits has no start time."""
    made = format_datetime(NOW - timedelta(seconds=age_s))
    return {
        "sid": sid, "to": TO, "from": FROM, "direction": "outbound-api", "status": "queued", "date_created": made,
        "start_time": None, "duration": None, "answered_by": None,
    } | more  # fmt: skip


def test_a_call_is_placed_with_every_callback_and_its_limits(twilio: Twilio) -> None:
    twilio.says = lambda _: (201, {}, row("CA1", 0))
    assert twilio.telephony.place_call(ORDER) == "CA1"
    ((method, path, form),) = twilio.asked
    assert (method, path) == ("POST", "/Calls.json")
    assert form == {
        "To": [TO], "From": [FROM], "Url": ["https://d/voice?request=r"], "Method": ["POST"],
        "StatusCallback": ["https://d/status?request=r"], "StatusCallbackMethod": ["POST"],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"], "Timeout": ["30"],
        "TimeLimit": ["600"], "MachineDetection": ["DetectMessageEnd"], "AsyncAmd": ["true"],
        "AsyncAmdStatusCallback": ["https://d/amd?request=r"], "AsyncAmdStatusCallbackMethod": ["POST"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "later", "delay_s"),
    [
        ((429, {"Retry-After": "9"}, {"code": 20429, "message": "Too Many Requests"}), True, 9.0),
        ((429, {}, {"code": 20429, "message": "Too Many Requests"}), True, None),
        ((400, {}, {"code": 10004, "message": "Call concurrency limit exceeded"}), True, None),
        ((400, {}, {"code": 21215, "message": "Geo permission"}), False, None),
        ((401, {}, {"code": 20003, "message": "Authenticate"}), False, None),
    ],
)
def test_a_refusal_is_no_call_and_says_when_to_come_back(
    twilio: Twilio, answer: Answer, later: bool, delay_s: float | None
) -> None:
    twilio.says = lambda _: answer
    with pytest.raises(CallNotPlaced, match=str(answer[2]["code"])) as refusal:
        twilio.telephony.place_call(ORDER)
    assert (refusal.value.retryable, refusal.value.delay_s) == (later, delay_s)


def test_after_a_server_error_the_call_may_exist(twilio: Twilio) -> None:
    twilio.says = lambda _: (500, {}, {"code": 20500, "message": "Internal"})
    with pytest.raises(ProviderError) as problem:
        twilio.telephony.place_call(ORDER)
    assert not isinstance(problem.value, CallNotPlaced) and problem.value.retryable


def test_a_host_that_is_down_leaves_it_open_too(free_port: int) -> None:
    with pytest.raises(ProviderError) as problem:
        TwilioTelephony(SID, TOKEN, f"http://127.0.0.1:{free_port}").place_call(ORDER)
    assert not isinstance(problem.value, CallNotPlaced) and problem.value.retryable


def test_calls_are_found_by_numbers_direction_and_age_newest_first(twilio: Twilio) -> None:
    listed = [
        row("CAold", 600), row("CAfirst", 20), row("CAnewest", 5), row("CAinbound", 5, direction="inbound"),
        row("CAother", 5, to="+447700900999"),
    ]  # fmt: skip
    twilio.says = lambda _: (200, {}, {"calls": listed, "page": 0, "page_size": 50, "next_page_uri": None})
    found = twilio.telephony.find_calls(to=TO, from_=FROM, since=NOW - timedelta(seconds=60))
    assert [facts.sid for facts in found] == ["CAnewest", "CAfirst"]
    assert twilio.asked[0][2]["To"] == [TO] and twilio.asked[0][2]["From"] == [FROM]


def test_a_call_is_fetched_or_is_not_known(twilio: Twilio) -> None:
    ended = row("CA1", 60, status="completed", duration="42", answered_by="human")
    twilio.says = lambda _: (200, {}, ended)
    assert twilio.telephony.fetch_call("CA1") == CallFacts("CA1", "completed", 42, "human")
    twilio.says = lambda _: (404, {}, {"code": 20404, "message": "not found"})
    assert twilio.telephony.fetch_call("CA2") is None
    twilio.says = lambda _: (503, {}, {"code": 20503, "message": "later"})
    with pytest.raises(ProviderError, match="503"):
        twilio.telephony.fetch_call("CA3")


def test_a_call_is_redirected_unless_it_is_over(twilio: Twilio) -> None:
    twilio.says = lambda _: (200, {}, row("CA1", 60))
    twilio.telephony.redirect_call("CA1", "<Response/>")
    assert twilio.asked[0] == ("POST", "/Calls/CA1.json", {"Twiml": ["<Response/>"]})
    twilio.says = lambda _: (400, {}, {"code": 21220, "message": "Call is not in-progress"})
    twilio.telephony.redirect_call("CA1", "<Response/>")
    twilio.says = lambda _: (429, {}, {"code": 20429, "message": "Too Many Requests"})
    with pytest.raises(ProviderError) as problem:
        twilio.telephony.redirect_call("CA1", "<Response/>")
    assert problem.value.retryable
