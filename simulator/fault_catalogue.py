"""The faults by name, as `frontdesk simulate call --fault NAME` takes them: what each does in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.fault_callbacks import Chaos, Delayed, Duplicated, FinalLost, Lost, Reordered, VoiceRepeated
from simulator.fault_media import Bursts, Gaps, MarksLate, MarksMissing, OddSizes, SocketCut
from simulator.fault_people import Backchannel, Chatter, Echo, LeavesInSpeech, LeavesWhileWaiting
from simulator.fault_provider import (
    AnsweredBy,
    CallsThrottled,
    DualRefused,
    RecordingLate,
    RestFails,
    RingsInVain,
    StreamBeforeCreate,
)
from simulator.fault_set import FaultSet
from simulator.faults import Faults, RestFailure

_STATUS, _RECORDING, _BOTH = ("status",), ("recording",), ("status", "recording")
_TOO_MANY = RestFailure(429, 20429, "Too Many Requests")


class UnknownFault(ValueError):
    """No fault has that name; the message lists those that come near."""


@dataclass(frozen=True, slots=True)
class NamedFault:
    """One entry of the catalogue. `make` takes the seed. `outbound` ones concern calls that the server places."""

    name: str
    about: str
    make: Callable[[int], Faults]
    outbound: bool = False


CATALOGUE: dict[str, NamedFault] = {
    fault.name: fault
    for fault in (
        NamedFault("status-duplicated", "Every status callback comes twice.", lambda s: Duplicated(s, _STATUS)),
        NamedFault("status-reordered", "Status callbacks change places, the last with the one before it.",
                   lambda s: Reordered(s, _STATUS)),
        NamedFault("status-delayed", "Status callbacks come 1 to 5 s late and overtake each other.",
                   lambda s: Delayed(s, _STATUS)),
        NamedFault("status-lost", "No status callback comes.", lambda s: Lost(s, _STATUS)),
        NamedFault("status-final-lost", "The callback with the final status never comes.", FinalLost),
        NamedFault("recording-duplicated", "Every recording callback comes twice.",
                   lambda s: Duplicated(s, _RECORDING)),
        NamedFault("recording-reordered", "'completed' of a recording comes before 'in-progress'.",
                   lambda s: Reordered(s - s % 2, _RECORDING)),
        NamedFault("recording-delayed", "Recording callbacks come 1 to 5 s late.", lambda s: Delayed(s, _RECORDING)),
        NamedFault("recording-lost", "No recording callback comes.", lambda s: Lost(s, _RECORDING)),
        NamedFault("callbacks-duplicated", "Every status and recording callback comes twice.",
                   lambda s: Duplicated(s, _BOTH)),
        NamedFault("callbacks-reordered", "Status and recording callbacks change places.",
                   lambda s: Reordered(s, _BOTH)),
        NamedFault("callbacks-delayed", "Status and recording callbacks come 1 to 5 s late.",
                   lambda s: Delayed(s, _BOTH)),
        NamedFault("callbacks-lost", "No status or recording callback comes.", lambda s: Lost(s, _BOTH)),
        NamedFault("callbacks-chaos", "Each callback is doubled, late, out of order or lost, as the seed has it.",
                   Chaos),
        NamedFault("voice-repeated", "The voice webhook comes again a second later, with the same token.",
                   VoiceRepeated),
        NamedFault("voice-repeated-at-once", "The voice webhook comes twice at the same moment, with one token.",
                   lambda s: VoiceRepeated(s, 0.0)),
        NamedFault("media-gaps", "60 to 300 ms of the caller's audio are missing about once a second.", Gaps),
        NamedFault("media-bursts", "The caller's audio is held up for 100 to 400 ms and then comes at once.", Bursts),
        NamedFault("media-odd-sizes", "Media messages hold 1 to 400 bytes instead of 20 ms.", OddSizes),
        NamedFault("socket-cut", "The media socket breaks in the middle of a word of the agent's.", SocketCut),
        NamedFault("socket-cut-silent", "The media socket breaks in mid-word and no final status ever comes.",
                   lambda s: FaultSet([SocketCut(s), FinalLost(s)])),
        NamedFault("marks-late", "Marks come back 0.3 to 1.5 s after playback reached them.", MarksLate),
        NamedFault("marks-missing", "No mark ever comes back.", MarksMissing),
        NamedFault("marks-some-missing", "Every second mark never comes back.", lambda s: MarksMissing(s, 2)),
        NamedFault("recording-404", "A recording's media are 404 twice, then 200.", RecordingLate),
        NamedFault("recording-mono", "A recording with two channels is refused with 400; one channel is served.",
                   DualRefused),
        NamedFault("rest-429", "The first three REST calls are answered 429 (20429).",
                   lambda s: RestFails(s, _TOO_MANY)),
        NamedFault("rest-500", "The first three REST calls are answered 500.", RestFails),
        NamedFault("one-call-a-second", "A second outbound call within a second is answered 429 (20429).",
                   CallsThrottled, outbound=True),
        NamedFault("stream-before-create", "The media stream connects before calls.create(…) returns.",
                   StreamBeforeCreate, outbound=True),
        NamedFault("busy", "The callee is busy.", lambda s: RingsInVain(s, "busy"), outbound=True),
        NamedFault("no-answer", "Nobody answers until the timeout.", lambda s: RingsInVain(s, "no-answer"),
                   outbound=True),
        NamedFault("canceled", "The call is cancelled while it rings.", lambda s: RingsInVain(s, "canceled"),
                   outbound=True),
        NamedFault("failed", "The call cannot be put through.", lambda s: RingsInVain(s, "failed"), outbound=True),
        NamedFault("machine", "An answering machine answers: greeting, beep, silence.", AnsweredBy, outbound=True),
        NamedFault("machine-no-beep", "An answering machine answers and never beeps.",
                   lambda s: AnsweredBy(s, "machine-no-beep"), outbound=True),
        NamedFault("hangup-greeting", "The caller hangs up during the greeting.", LeavesInSpeech),
        NamedFault("hangup-tool", "The caller hangs up after the last line, while the server works on it.",
                   LeavesWhileWaiting),
        NamedFault("hangup-answer", "The caller hangs up in the middle of the first answer.",
                   lambda s: LeavesInSpeech(s, 2)),
        NamedFault("echo", "The agent's voice comes back on the caller's line, 20 dB weaker and 250 ms late.", Echo),
        NamedFault("echo-loud", "The agent's voice comes back 10 dB weaker and 400 ms late.",
                   lambda s: Echo(s, -10.0, 400)),
        NamedFault("backchannel", "The caller says 'uh-huh' while the agent speaks, and listens on.", Backchannel),
        NamedFault("chatter", "Other people talk in the background, 30 dB below the caller.", Chatter),
        NamedFault(
            "chatter-loud", "Other people talk close by, 18 dB below the caller.", lambda s: Chatter(s, -18.0)
        ),
    )
}  # fmt: skip


def fault(name: str, seed: int = 0) -> Faults:
    """A fresh fault of that name. The same seed makes it strike in the same places. Raises `UnknownFault`."""
    entry = CATALOGUE.get(name)
    if entry is None:
        family = [known for known in CATALOGUE if known.partition("-")[0] == name.partition("-")[0]]
        near = f"did you mean {', '.join(family)}?" if family else "frontdesk simulate faults lists them"
        raise UnknownFault(f"there is no fault {name!r}; {near}")
    made = entry.make(seed)
    made.name = name
    return made


def faults(*names: str, seed: int = 0) -> FaultSet:
    """Fresh faults of those names, together on one line. A set is for one call: its faults count what they see."""
    return FaultSet([fault(name, seed) for name in names])


def chosen(names: Sequence[str], seed: int) -> Faults:
    """`faults`, or a line without any when no name is given."""
    return faults(*names, seed=seed) if names else Faults()
