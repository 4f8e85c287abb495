"""Callers put through, end to end: the real server, Twilio's stand-in, scripted colleagues, a model with lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from simulator.caller import Manners
from simulator.colleagues import Colleague
from simulator.fault_catalogue import faults
from tests.support.house import ANNA, BEN, GOODBYE, SALON, House, Says, Talker, house, transfer_to, until
from tests.support.sounds import tone

HELLO = Says("Harbour Hair, how can I help?")
SORRY = Says("I am sorry, Anna could not take the call.", "end_call")
WHY = "a refund for order 0047 1190 22, call 07700 900123"
ASK = tone(600, 900)
TO_ANNA: Sequence[Says] = (HELLO, transfer_to("Anna", WHY))


def anna(does: str, **more: object) -> Colleague:
    return Colleague(**({"number": ANNA, "does": does, "says": tone(600, 500), "stays_s": 2.0} | more))  # type: ignore[arg-type]


def nothing_is_left(here: House) -> None:
    assert here.lines_in_use == 0 and here.app.state.media.active == {}
    assert all(row.ended_at is not None and row.state != "ringing" for row in here.transfers)
    assert here.call.status == "completed"


async def test_a_cold_transfer_connects_at_once(tmp_path: Path, free_port: int) -> None:
    async with house(tmp_path, free_port, Talker(TO_ANNA), Anna=False) as here:
        report = await here.rings(lines=[ASK], colleagues=[anna("accepts")])
        call, (row,) = here.call, here.transfers
        nothing_is_left(here)
        assert here.events("transfer_whisper") == []
    (leg,) = report.legs
    assert report.ok and leg.call.from_ == SALON
    assert (row.state, row.dial_status, row.back_at, row.warm) == ("accepted", "completed", None, False)
    assert (call.status, call.disposition) == ("completed", "transferred") and row.talk_s is not None


async def test_regression_15_a_colleague_hears_why_accepts_and_it_stays_one_call(
    tmp_path: Path, free_port: int
) -> None:
    """Parent and child legs are one call: the timeline tells the leg's steps, and no second row is made."""
    async with house(tmp_path, free_port, Talker(TO_ANNA)) as here:
        report = await here.rings(lines=[ASK], colleagues=[anna("accepts")])
        call, (row,), kinds = here.call, here.transfers, here.kinds
        nothing_is_left(here)
    whisper = report.legs[0].said["agent"][0].text
    assert (
        whisper
        == "A caller is on the line for Harbour Hair. It is about: a refund for order, call. Press 1 to take the call."
    )
    assert whisper not in [said.text for said in report.said["agent"]]
    assert (row.state, row.back_at) == ("accepted", None) and row.accepted_at is not None
    assert call.disposition == "transferred"
    assert [kind for kind in kinds if kind.startswith("transfer")] == [
        "transfer", "transfer_dialled", "transfer_key", "transfer_accepted"
    ]  # fmt: skip
    assert kinds.count("leg_status") == 4 and "fallback" not in kinds


@pytest.mark.parametrize(
    ("does", "state"),
    [
        ("declines", "declined"),
        ("ignores", "declined"),
        ("machine", "declined"),
        ("no-answer", "no_answer"),
        ("busy", "busy"),
        ("failed", "failed"),
    ],
)
async def test_a_colleague_who_does_not_take_the_call_gives_it_back(
    tmp_path: Path, free_port: int, does: str, state: str
) -> None:
    talker = Talker(TO_ANNA, (SORRY,))
    async with house(tmp_path, free_port, talker) as here:
        report = await here.rings(lines=[ASK], colleagues=[anna(does)])
        call, (row,), turns = here.call, here.transfers, here.turns
        nothing_is_left(here)
    assert (row.state, call.disposition, row.talk_s) == (state, None, None) and row.back_at is not None
    first, second = talker.connections
    assert "sorry, Anna " in second.first_words and "take a message, or try somebody else?" in second.first_words
    said = [("assistant", HELLO.words), ("user", talker.hears), ("assistant", TO_ANNA[1].words)]
    assert second.restored == said and first.restored == []
    assert [(turn.speaker, turn.message) for turn in turns] == [*said, ("assistant", SORRY.words)]
    assert [turn.sequence for turn in turns] == [1, 2, 3, 4]
    times = [turn.started_ms for turn in turns if turn.started_ms is not None]
    assert times == sorted(times) and len(times) == 4
    # Nobody but the agent spoke to the caller: no apology, no other voice in between.
    assert not any("sorry" in said.text.lower() for said in report.said["agent"] if said.source == "say")


async def test_a_caller_who_leaves_while_it_rings_leaves_nothing_behind(tmp_path: Path, free_port: int) -> None:
    async with house(tmp_path, free_port, Talker(TO_ANNA, (SORRY,))) as here:
        report = await here.rings(lines=[ASK], colleagues=[anna("accepts", ring_s=20.0)], manners=Manners(hold_ms=2000))
        await until(lambda: here.events("transfer_ended"))
        (row,) = here.transfers
        assert (row.state, row.back_at, here.call.disposition) == ("canceled", None, None)
        nothing_is_left(here)
        assert len(here.talker.connections) == 1
    assert report.call.ended_by == "caller" and report.legs[0].call.statuses[-1]["status"] == "canceled"


async def test_two_transfers_in_one_call_the_second_is_taken(tmp_path: Path, free_port: int) -> None:
    again = (Says("Anna is busy. Shall I try Ben?"), transfer_to("Ben"))
    talker = Talker(TO_ANNA, again)
    ben = Colleague(number=BEN, says=tone(600, 500), stays_s=2.0)
    async with house(tmp_path, free_port, talker) as here:
        report = await here.rings(lines=[ASK, ASK], colleagues=[anna("busy"), ben])
        assert [(row.name, row.state) for row in here.transfers] == [("Anna", "busy"), ("Ben", "accepted")]
        assert here.call.disposition == "transferred" and len(report.legs) == 2
        nothing_is_left(here)
        assert [turn.sequence for turn in here.turns] == list(range(1, 7))


async def test_after_three_attempts_no_transfer_is_offered(tmp_path: Path, free_port: int) -> None:
    tries = [(transfer_to("Anna"),) for _ in range(3)]
    talker = Talker(*tries, (SORRY,))
    async with house(tmp_path, free_port, talker) as here:
        await here.rings(colleagues=[anna("busy")])
        assert [row.state for row in here.transfers] == ["busy"] * 3
        nothing_is_left(here)
    offered = ["transfer_call" in connection.tools for connection in talker.connections]
    assert offered == [True, True, True, False]
    assert talker.connections[-1].first_words.count("try somebody else") == 0


async def test_a_redirect_that_is_refused_gives_the_call_back_in_words(tmp_path: Path, free_port: int) -> None:
    refused = faults("rest-500", seed=1)
    talker = Talker((HELLO, transfer_to("Anna"), GOODBYE))
    async with house(tmp_path, free_port, talker) as here:
        await here.rings(lines=[ASK], colleagues=[anna("accepts")], faults=refused)
        (row,) = here.transfers
        assert (row.state, row.dial_status) == ("failed", None) and "transfer_failed" in here.kinds
        nothing_is_left(here)
    (only,) = talker.connections
    (told,) = [one.output for one in only.told if hasattr(one, "output")]
    assert "Anna can't be reached at the moment" in told


@pytest.mark.parametrize("fault", ["callbacks-duplicated", "callbacks-delayed", "callbacks-lost", "voice-repeated"])
async def test_callbacks_in_any_order_make_the_same_end(tmp_path: Path, free_port: int, fault: str) -> None:
    async with house(tmp_path, free_port, Talker(TO_ANNA)) as here:
        await here.rings(lines=[ASK], colleagues=[anna("accepts")], faults=faults(fault, seed=3))
        (row,) = here.transfers
        assert (row.state, here.call.disposition) == ("accepted", "transferred")
        if fault != "callbacks-lost":
            await until(lambda: here.call.status == "completed")
            assert here.lines_in_use == 0 and here.kinds.count("transfer_accepted") == 1
