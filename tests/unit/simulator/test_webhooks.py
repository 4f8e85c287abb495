"""The order in which callbacks are delivered, on a server that only takes notes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from simulator.clock import ScaledClock
from simulator.fault_catalogue import faults
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.places import Places
from simulator.report import CallFacts, CallReport
from simulator.signing import Signer
from simulator.webhooks import Courier

ORIGIN = "http://desk.test"
TOKEN = "I-Twilio-Idempotency-Token"


class Notes:
    """Takes every request and can refuse some."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.report = CallReport(CallFacts("CA1", "AC1", "+1", "+2", "inbound"))
        self.refuse: dict[str, int] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        words = dict(pair.split("=") for pair in (request.content.decode() or request.url.query.decode()).split("&"))
        self.rows.append((words["CallStatus"], request.headers[TOKEN]))
        return httpx.Response(self.refuse.get(words["CallStatus"], 204))

    def statuses(self) -> list[str]:
        return [status for status, _ in self.rows]


@pytest.fixture
async def post() -> AsyncIterator[Callable[[Faults], tuple[Courier, Notes]]]:
    """`post(faults)` is a courier and what its server saw."""
    couriers: list[Courier] = []

    def make(line: Faults) -> tuple[Courier, Notes]:
        notes, clock = Notes(), ScaledClock(100.0)
        http = httpx.AsyncClient(transport=httpx.MockTransport(notes.answer))
        journal = Journal(notes.report, clock)
        courier = Courier(Signer("token"), Places(ORIGIN, ORIGIN), journal, http, clock, line)
        couriers.append(courier)
        return courier, notes

    yield make
    for courier in couriers:
        await courier.close()


def tell_all(courier: Courier, url: str = f"{ORIGIN}/status") -> None:
    for status in ("initiated", "ringing", "in-progress", "completed"):
        courier.tell("status", url, {"CallStatus": status})


async def test_callbacks_come_in_order_when_nothing_is_wrong(post: Callable[[Faults], tuple[Courier, Notes]]) -> None:
    courier, notes = post(Faults())
    tell_all(courier)
    await courier.drain()
    assert notes.statuses() == ["initiated", "ringing", "in-progress", "completed"]
    assert len({token for _, token in notes.rows}) == 4


@pytest.mark.parametrize(
    ("seed", "order"),
    [
        (0, ["ringing", "initiated", "completed", "in-progress"]),
        (1, ["initiated", "in-progress", "ringing", "completed"]),
    ],
)
async def test_held_callbacks_come_behind_the_next_or_at_the_end(
    post: Callable[[Faults], tuple[Courier, Notes]], seed: int, order: list[str]
) -> None:
    courier, notes = post(faults("status-reordered", seed=seed))
    tell_all(courier)
    await courier.drain()
    assert notes.statuses() == order


async def test_faults_of_callbacks_work_together(post: Callable[[Faults], tuple[Courier, Notes]]) -> None:
    courier, notes = post(faults("status-reordered", "status-duplicated", "status-delayed", "status-final-lost"))
    tell_all(courier)
    await courier.drain()
    assert sorted(notes.statuses()) == sorted(["initiated", "ringing", "in-progress"] * 2)
    assert len({token for _, token in notes.rows}) == 3


async def test_a_retry_and_a_get_carry_the_same_token_and_parameters(
    post: Callable[[Faults], tuple[Courier, Notes]],
) -> None:
    courier, notes = post(Faults())
    notes.refuse["ringing"] = 503
    answer = await courier.ask("voice", f"{ORIGIN}/voice?a=1#rc=2&rp=5xx", {"CallStatus": "ringing"}, "GET")
    assert answer.status == 503 and notes.statuses() == ["ringing"] * 3
    assert len({token for _, token in notes.rows}) == 1
    assert [facts.url for facts in notes.report.webhooks] == [f"{ORIGIN}/voice?a=1&CallStatus=ringing"] * 3


async def test_a_callback_that_cannot_be_sent_is_a_warning(post: Callable[[Faults], tuple[Courier, Notes]]) -> None:
    courier, notes = post(Faults())
    courier.tell("status", "not a url", {"CallStatus": "ringing"})
    await courier.drain()
    assert notes.rows == [] and "not sent" in notes.report.warnings[0]
