"""Which calls `calls.list(…)` finds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simulator.call_filter import BadDate, wanted
from simulator.records import CallRecord

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
CALL = CallRecord("CA1", "AC1", "+1555", "+1666", "outbound-dial", "completed", NOON, NOON, NOON, parent_sid="CA0")
RINGING = CallRecord("CA2", "AC1", "+1555", "+1666", "inbound", "ringing", NOON)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, True),
        ({"To": "+1666", "From": "+1555", "Status": "completed", "ParentCallSid": "CA0"}, True),
        ({"To": "+1667"}, False),
        ({"ParentCallSid": "CA9"}, False),
        ({"StartTime>": "2026-03-05T12:00:00Z"}, True),
        ({"StartTime>": "2026-03-05T12:00:01Z"}, False),
        ({"StartTime<": "2026-03-05T12:00:00Z"}, False),
        ({"StartTime<": "2026-03-06"}, True),
        ({"StartTime": "2026-03-05"}, True),
        ({"StartTime": "2026-03-04"}, False),
        ({"EndTime>": "2026-03-05", "StartTime<": "2026-03-06", "To": "+1666"}, True),
        ({"PageSize": "20"}, True),
    ],
)
def test_every_parameter_has_to_match(query: dict[str, str], found: bool) -> None:
    assert wanted(CALL, query) is found


def test_a_call_under_way_started_and_has_not_ended() -> None:
    assert wanted(RINGING, {"StartTime>": "2026-03-05"})
    assert not wanted(RINGING, {"EndTime>": "2026-03-05"})


def test_what_is_no_date_is_named() -> None:
    with pytest.raises(BadDate, match="EndTime<"):
        wanted(CALL, {"EndTime<": "tomorrow"})
