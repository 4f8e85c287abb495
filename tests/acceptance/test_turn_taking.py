"""Who has the floor, by ear: a spoken caller, the local engine, and the times of a real call.

The server weighs pauses and loudness by the clock on the wall, so these two tests run at real pace.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from server.models_sql import CallEvent
from simulator.caller import Manners
from simulator.fault_catalogue import faults
from simulator.fault_people import Backchannel
from simulator.faults import Faults, Moment
from simulator.report import CallReport
from tests.support.ports import free_port
from tests.support.process import ManagedProcess
from tests.support.whole_house import House, running_house

pytestmark = [pytest.mark.speech, pytest.mark.timeout(150)]
GREETING = "Thank you for calling Harbour Hair. How can I help you today?"
HOURS = "What are your opening hours?"
GOODBYE = "Thank you, goodbye."


class Listening(Backchannel):
    """Says that they listen once, in the first answer."""

    def observe(self, moment: Moment) -> None:
        before = self._answered
        super().observe(moment)
        if self._answered != before and (self._speeches.count != 2 or self.times > 1):
            self.times -= 1
            self._at = -1


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    port = free_port()
    with ManagedProcess([sys.executable, "-m", "server.cli", "engine", "--port", str(port)]) as engine:
        engine.wait_for_url(f"http://127.0.0.1:{port}/healthz", timeout_s=90)
        folder = tmp_path_factory.mktemp("house")
        with running_house(folder, worker=False, model_url=f"http://127.0.0.1:{port}/v1") as made:
            made.change(record_calls=False, consent_announcement="", greeting=GREETING)
            yield made


def _hold(house: House, *calls: tuple[Faults, Sequence[str]], pause_ms: int = 700) -> list[CallReport]:
    """Hold calls at the same time, at real pace."""

    async def all_of_them() -> list[CallReport]:
        plans = [
            house.plan(lines=lines, faults=line, speed=1.0, manners=Manners(pause_ms=pause_ms),
                       from_=f"+4477009002{number:02d}")
            for number, (line, lines) in enumerate(calls)
        ]  # fmt: skip
        return list(await asyncio.gather(*map(house.standin.place_call, plans)))

    return house.run(all_of_them(), 100)


def _noted(house: House, report: CallReport, kind: str) -> list[dict[str, Any]]:
    return [row.detail for row in house.rows(CallEvent, call_sid=report.call.sid) if row.kind == kind]


def _said(house: House, report: CallReport, speaker: str) -> list[str]:
    return [words for who, words in house.turns(report.call.sid) if who == speaker]


def _spoken_ms(report: CallReport) -> list[int]:
    return [said.to_ms - said.from_ms for said in report.said["agent"]]


@pytest.mark.realtime
def test_regressions_10_and_11_echo_stops_nothing_and_an_interruption_is_cut_where_it_was_heard(house: House) -> None:
    echo, cut = _hold(
        house,
        (faults("echo"), [HOURS, GOODBYE]),
        (Faults(), [HOURS, "@1.5 Sorry, do you have parking?", GOODBYE]),
    )
    assert echo.ok and echo.clears == [], echo.reason
    assert _noted(house, echo, "barge_in") == []
    answers = _said(house, echo, "assistant")
    assert len(answers) == 3 and answers[0] == GREETING and "9 am to 6 pm" in answers[1]
    assert max(_spoken_ms(echo)) > 5000, "the answer was heard to its end"
    assert cut.ok, cut.reason
    (barge_in,) = _noted(house, cut, "barge_in")
    assert 1200 < barge_in["heard_ms"] < 3500 < barge_in["sent_ms"]
    assert len(cut.clears) == 1
    answers = _said(house, cut, "assistant")
    assert len(answers) == 4 and "Parking is free" in answers[2]
    assert len(_said(house, cut, "user")) == 3


@pytest.mark.realtime
def test_a_sign_of_listening_lets_the_agent_go_on_to_the_end(house: House) -> None:
    (report,) = _hold(house, (Listening(words="Okay."), [HOURS, GOODBYE]), pause_ms=2600)
    assert report.ok, report.reason
    assert len(_noted(house, report, "backchannel")) == 1
    assert _noted(house, report, "barge_in") == []
    assert len(_said(house, report, "assistant")) == 3
    assert len(_said(house, report, "user")) == 2 and "Okay." not in _said(house, report, "user")
    assert sum(_spoken_ms(report)) > 3000 + 7000, "the whole answer was heard"
