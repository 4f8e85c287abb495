"""Callers put through, end to end: the real server, Twilio's stand-in, scripted colleagues, a model with lines."""

from __future__ import annotations

from pathlib import Path

from simulator.colleagues import Colleague
from tests.support.house import ANNA, GOODBYE, SALON, Says, Talker, house, transfer_to
from tests.support.sounds import tone

HELLO = Says("Harbour Hair, how can I help?")
ASK = tone(600, 900)


async def test_a_cold_transfer_connects_at_once(tmp_path: Path, free_port: int) -> None:
    anna = Colleague(number=ANNA, says=tone(600, 500), stays_s=2.0)
    async with house(tmp_path, free_port, Talker([HELLO, transfer_to("Anna", "a refund")]), Anna=False) as here:
        report = await here.rings(lines=[ASK], colleagues=[anna])
        call, (row,) = here.call, here.transfers
    assert report.ok, report.reason
    print(here.kinds if False else [(e.kind) for e in report.events][-10:])
    assert (row.state, row.dial_status, row.back_at, row.warm) == ("accepted", "completed", None, False)
    assert (call.status, call.disposition) == ("completed", "transferred")
