"""Faults of the media stream, frame by frame."""

from __future__ import annotations

import pytest

from simulator.fault_media import Bursts, Gaps, MarksLate, MarksMissing, OddSizes, SocketCut
from simulator.fault_set import FaultSet
from simulator.faults import Faults, Moment

FRAMES = [bytes([at % 256]) * 160 for at in range(500)]


def sent(fault: Faults) -> list[list[bytes]]:
    """What goes out for each of the frames."""
    return [list(fault.caller_frames(frame)) for frame in FRAMES]


def test_gaps_lose_whole_frames_about_once_a_second() -> None:
    fault = Gaps(1)
    rows = sent(fault)
    missing = sum(not row for row in rows)
    assert all(row in ([], [frame]) for row, frame in zip(rows, FRAMES, strict=True))
    assert 20 < missing < 200 and 5 <= fault.times <= 20
    assert sent(Gaps(1)) == rows and sent(Gaps(2)) != rows


def test_bursts_lose_nothing_and_keep_the_order() -> None:
    fault = Bursts(1)
    rows = sent(fault)
    out = [frame for row in rows for frame in row]
    assert out == FRAMES[: len(out)] and len(FRAMES) - len(out) < 20
    assert {len(row) for row in rows} >= {0, 1, 5} and fault.times > 5


def test_odd_sizes_lose_no_byte() -> None:
    fault = OddSizes(1)
    out = [piece for row in sent(fault) for piece in row]
    joined = b"".join(out)
    assert joined == b"".join(FRAMES)[: len(joined)] and 80_000 - len(joined) < 400
    assert len({len(piece) for piece in out}) > 50 and max(map(len, out)) <= 400


def test_gaps_bursts_and_odd_sizes_work_together() -> None:
    rows = sent(FaultSet([Gaps(1), Bursts(1), OddSizes(1)]))
    total = sum(len(piece) for row in rows for piece in row)
    assert 40_000 < total < 80_000


def play(fault: SocketCut, speeches: list[tuple[int, int]], until_ms: int) -> int | None:
    """When the socket is cut while the agent is audible in these spans (ms)."""
    for at in range(0, until_ms, 20):
        fault.observe(Moment(at, any(begin <= at < end for begin, end in speeches), False, 1))
        if fault.cuts_socket(at):
            return at
    return None


@pytest.mark.parametrize("seed", range(6))
def test_the_socket_is_cut_within_a_speech(seed: int) -> None:
    speeches = [(200, 3000), (5000, 8000)]
    cut = play(SocketCut(seed), speeches, 9000)
    assert cut is not None
    assert 600 <= cut <= 1200 or 5400 <= cut <= 6000
    assert play(SocketCut(seed), speeches, 9000) == cut


def test_the_socket_is_cut_once_and_only_in_speech() -> None:
    fault = SocketCut(1, speech=1)
    assert play(fault, [(0, 300), (2000, 2300)], 4000) is None
    assert play(fault, [(0, 2000)], 4000) is not None
    assert play(fault, [(0, 2000)], 4000) is None


def test_marks_come_late_or_never() -> None:
    late = [MarksLate(4).mark_delay(f"m{at}") for at in range(20)]
    assert all(delay is not None and 0.3 <= delay <= 1.5 for delay in late) and len(set(late)) > 10
    assert [MarksMissing(0).mark_delay("m") for _ in range(3)] == [None] * 3
    every_second = MarksMissing(0, 2)
    assert [every_second.mark_delay("m") for _ in range(4)] == [0.0, None, 0.0, None]


def test_a_mark_that_one_fault_loses_is_lost() -> None:
    assert FaultSet([MarksLate(1), MarksMissing(1)]).mark_delay("m") is None
    delay = FaultSet([MarksLate(1), MarksLate(2)]).mark_delay("m")
    assert delay is not None and delay >= 0.6
