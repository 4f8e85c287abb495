"""Faults of the provider."""

from __future__ import annotations

import pytest

from simulator.fault_catalogue import CATALOGUE, UnknownFault, chosen, fault, faults
from simulator.fault_provider import CallsThrottled, DualRefused, RecordingLate, RestFails
from simulator.fault_set import FaultSet
from simulator.faults import Faults, RestFailure

CALLS = "/2010-04-01/Accounts/AC1/Calls.json"
MEDIA = "/2010-04-01/Accounts/AC1/Recordings/RE1.wav"


def test_rest_fails_for_a_while_and_media_never() -> None:
    fault_429 = RestFails(0, RestFailure(429, 20429, "Too Many Requests"), 2)
    assert fault_429.rest_failure("GET", MEDIA) is None
    results = [fault_429.rest_failure("POST", CALLS) for _ in range(3)]
    assert [result and result.status for result in results] == [429, 429, None]


def test_one_call_a_second() -> None:
    now = [10.0]
    fault_calls = CallsThrottled(0, 1.0, lambda: now[0])
    allowed = []
    for moment in (10.0, 10.5, 11.0, 11.2, 12.5):
        now[0] = moment
        allowed.append(fault_calls.rest_failure("POST", CALLS) is None)
    assert allowed == [True, False, True, False, True]
    assert fault_calls.rest_failure("GET", CALLS) is None


def test_a_recording_is_late_and_dual_is_refused() -> None:
    both = FaultSet([RecordingLate(0, 2), DualRefused()])
    statuses = [both.recording_failure(attempt, channels) for attempt, channels in ((1, 2), (2, 1), (3, 2), (4, 1))]
    assert [failure and failure.status for failure in statuses] == [404, 404, 400, None]


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_named_fault_can_be_made_and_says_what_it_does(name: str) -> None:
    made = fault(name, 7)
    assert made.name == name and [row.name for row in made.facts()] == [name]
    assert CATALOGUE[name].about.endswith(".") and len(CATALOGUE[name].about) < 100


def test_an_unknown_name_is_told_its_neighbours() -> None:
    with pytest.raises(UnknownFault, match="status-duplicated"):
        fault("status-doubled")
    with pytest.raises(UnknownFault, match="simulate faults"):
        faults("earthquake")


def test_no_names_mean_no_faults() -> None:
    assert type(chosen([], 0)) is Faults and chosen([], 0).facts() == []
    assert isinstance(chosen(["busy"], 0), FaultSet)


def test_a_set_reports_each_member_and_tells_the_first_time() -> None:
    told: list[str] = []
    together = faults("rest-500", "socket-cut-silent", "busy")
    together.listen(lambda name, _data: told.append(name))
    for _ in range(2):
        together.rest_failure("GET", CALLS)
        together.callback_delays("status", {"CallStatus": "completed"})
    assert together.ring_result() == "busy"
    assert told == ["rest-500", "socket-cut-silent", "busy"]
    assert [(row.name, row.times) for row in together.facts()] == [
        ("rest-500", 2), ("socket-cut-silent", 2), ("busy", 1),
    ]  # fmt: skip


def test_outbound_answers_are_the_first_ones_named() -> None:
    assert faults("machine", "echo").answerer() == "machine"
    assert faults("echo").answerer() is None
    assert faults("stream-before-create", "echo").create_waits_for_stream()
