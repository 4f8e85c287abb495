"""`<Dial>`: a second leg of its own, connected to the caller's line when its own TwiML has run out."""

from __future__ import annotations

import asyncio
from typing import Any

from simulator.equipment import Leg, LegOrder
from simulator.line import Line
from simulator.stage import Stage, stop
from simulator.verbs import Dial, Document


class _Crossed:
    """What one side says is what the other side hears."""

    def __init__(self, other: Line) -> None:
        self._other = other

    def send_media(self, audio: bytes) -> None:
        self._other.play(audio)

    def send_mark(self, name: str) -> None:
        """No marks are set on a bridge."""

    def send_key(self, digit: str) -> None:
        """Keys are not carried across."""

    def tick(self) -> None:
        """20 ms have passed."""


class Bridge:
    """✅ OWNER: who is connected to the caller. Of several legs the first that is ready gets the line."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.connected = asyncio.Event()
        self.winner: Leg | None = None
        self.bridged_at_ms = 0

    async def join(self, leg: Leg) -> str:
        """Connect a leg until it is ended from outside; returns at once when another one was faster."""
        if self.winner is not None:
            return "Twilio"
        self.winner = leg
        journal = self._stage.kit.journal
        journal.note("bridged", sid=leg.record.sid, to=leg.record.to)
        ours, theirs = self._stage.line, leg.line
        ours.hold(waiting=False)
        ours.attach(_Crossed(theirs))
        theirs.attach(_Crossed(ours))
        theirs.cue("bridged")
        self.connected.set()
        try:
            await asyncio.Event().wait()
            return "Twilio"
        finally:
            for line in (ours, theirs):
                line.attach(None)
                line.drop()
            journal.note("unbridged", sid=leg.record.sid)


async def dial(stage: Stage, verb: Dial) -> Document | None:
    """Dial, and wait until it is over. The action's TwiML, or `None` when there is no action."""
    new_leg = stage.kit.new_leg
    if new_leg is None:
        stage.kit.journal.warn("<Dial> in the TwiML of a leg that was dialled itself is not acted out, as with Twilio")
        return None
    bridge = Bridge(stage)
    caller_id = verb.caller_id or stage.record.from_
    legs = [new_leg(LegOrder(number, caller_id, verb.timeout, bridge.join)) for number in verb.numbers]
    try:
        await _run(stage, verb, bridge, legs)
    except asyncio.CancelledError:
        if verb.action:
            stage.part(verb.action, verb.method, lambda: _outcome(bridge, legs))
        raise
    return await stage.fetch("action", verb.action, verb.method, _outcome(bridge, legs)) if verb.action else None


async def _run(stage: Stage, verb: Dial, bridge: Bridge, legs: list[Leg]) -> None:
    """Ring everybody, connect the first who is ready, and return when nobody is on the line any more."""
    runs = [asyncio.create_task(leg.run()) for leg in legs]
    stage.line.hold(waiting=True)
    connected = asyncio.create_task(bridge.connected.wait())
    everybody = asyncio.gather(*runs, return_exceptions=True)
    either: set[asyncio.Future[Any]] = {connected, everybody}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if bridge.winner is not None:
            stage.served = True
            for leg in legs:
                if leg is not bridge.winner:
                    leg.hang_up("Twilio")
            if await stage.within(verb.time_limit, asyncio.shield(everybody)) is None:
                bridge.winner.hang_up("time limit")
                await everybody
    finally:
        stage.line.hold(waiting=False)
        await stop(connected)
        for leg in legs:
            if not leg.record.final:
                leg.hang_up("caller")
        await asyncio.shield(everybody)
    for problem in everybody.result():
        if isinstance(problem, Exception):
            raise problem


def _outcome(bridge: Bridge, legs: list[Leg]) -> dict[str, str]:
    """The parameters of the action webhook. A leg that was answered and never connected is `completed`, not bridged."""
    ranked = sorted(legs, key=lambda leg: leg.record.status != "completed")
    chosen = (bridge.winner or ranked[0]).record
    params = {
        "DialCallStatus": chosen.status,
        "DialCallSid": chosen.sid,
        "DialBridged": str(bridge.winner is not None).lower(),
    }
    if chosen.status == "completed":
        params["DialCallDuration"] = str(chosen.duration_s or 0)
    return params
