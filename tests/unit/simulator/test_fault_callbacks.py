"""Faults of webhooks: the same seed, the same fate."""

from __future__ import annotations

import pytest

from simulator.fault_callbacks import Chaos, Delayed, Duplicated, FinalLost, Lost, Reordered, VoiceRepeated
from simulator.fault_set import FaultSet
from simulator.faults import Faults

STATUSES = ("initiated", "ringing", "in-progress", "completed")


def status(value: str, **more: str) -> dict[str, str]:
    return {"CallSid": "CA1", "CallStatus": value} | more


def recording(value: str) -> dict[str, str]:
    return {"CallSid": "CA1", "RecordingStatus": value}


@pytest.mark.parametrize(
    ("fault", "deliveries"),
    [(Duplicated(1, ("status",)), 2), (Delayed(1, ("status",)), 1), (Lost(1, ("status",)), 0)],
)
def test_a_fault_concerns_its_own_kinds_alone(fault: Faults, deliveries: int) -> None:
    assert len(fault.callback_delays("status", status("ringing"))) == deliveries
    assert fault.callback_delays("recording", recording("completed")) == (0.0,)
    assert fault.times == 1


@pytest.mark.parametrize("make", [Duplicated, Delayed, Chaos])
def test_the_seed_alone_decides(make: type[Faults]) -> None:
    def fates(seed: int) -> list[tuple[float, ...]]:
        fault = make(seed)
        return [tuple(fault.callback_delays("status", status(value))) for value in STATUSES]

    assert fates(3) == fates(3)
    assert len({tuple(fates(seed)) for seed in range(20)}) > 5
    # Nor does it matter in which order callbacks come up.
    backwards = make(3)
    assert [tuple(backwards.callback_delays("status", status(value))) for value in STATUSES[::-1]] == fates(3)[::-1]


def test_delays_make_callbacks_overtake_each_other() -> None:
    delays = [Delayed(seed).callback_delays("status", status(value))[0] for seed in range(10) for value in STATUSES]
    assert all(1.0 <= delay <= 5.0 for delay in delays)
    assert any(delays[at] > delays[at + 1] for at in range(0, len(delays), 2))


def test_callbacks_change_places_with_the_next() -> None:
    even, odd = Reordered(0, ("status",)), Reordered(1, ("status",))
    assert [even.holds_callback("status", status(value)) for value in STATUSES] == [True, False, True, False]
    assert [odd.holds_callback("status", status(value)) for value in STATUSES] == [False, True, False, True]
    assert not even.holds_callback("recording", recording("completed"))


def test_only_the_final_status_of_the_call_itself_is_lost() -> None:
    fault = FinalLost()
    assert [len(fault.callback_delays("status", status(value))) for value in STATUSES] == [1, 1, 1, 0]
    assert fault.callback_delays("status", status("busy")) == ()
    assert fault.callback_delays("status", status("completed", ParentCallSid="CA0")) == (0.0,)
    assert fault.callback_delays("recording", recording("completed")) == (0.0,)


def test_chaos_knows_every_fate() -> None:
    seen: set[object] = set()
    for seed in range(60):
        fault = Chaos(seed)
        held = fault.holds_callback("amd", {"AnsweredBy": "human"})
        seen.add("held" if held else len(fault.callback_delays("amd", {"AnsweredBy": "human"})))
    assert seen == {"held", 0, 1, 2}


def test_the_voice_webhook_is_repeated_and_no_other() -> None:
    fault = VoiceRepeated(0, after_s=1.0)
    assert (fault.webhook_times("voice"), fault.webhook_times("action")) == ((0.0, 1.0), (0.0,))


def test_faults_together_multiply_deliveries_and_add_delays() -> None:
    both = FaultSet([Duplicated(2, ("status",)), Delayed(2, ("status",))])
    delays = both.callback_delays("status", status("ringing"))
    assert len(delays) == 2 and min(delays) >= 1.0
    assert FaultSet([Duplicated(2), Lost(2)]).callback_delays("status", status("ringing")) == []
