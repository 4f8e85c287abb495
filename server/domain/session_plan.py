"""What a call session starts with: its first words, its waits, and the sentences it may need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.domain.timing import Timing

HOLD_CLIP = "hold"
APOLOGY_CLIP = "apology"

CLIP_WORDS: Mapping[str, str] = {
    HOLD_CLIP: "One moment, please. I will be right back with you.",
    APOLOGY_CLIP: "I am sorry, I am having a technical problem and can't go on.",
}
"""What is said without the model, while it is gone: its audio is made beforehand and kept."""


def exactly(words: str) -> str:
    """The instruction to say these words and no others."""
    return f'Say exactly: "{words}"'


@dataclass(frozen=True, slots=True)
class Lines:
    """What the session has the agent say of its own accord. Instructions hold for one response."""

    bridges: tuple[str, ...] = (
        "One moment, I am looking that up.",
        "It is taking a little longer than usual. Please stay on the line.",
        "Thank you for waiting. I am still on it.",
    )
    still_there: tuple[str, ...] = (
        exactly("Are you still there?"),
        exactly("I can't hear you at the moment. Can you hear me?"),
    )
    caller_silent: str = exactly("It seems that the line is quiet, so I will hang up now. Please call again. Goodbye.")
    goodbye: str = "Say a short, friendly goodbye to the caller and nothing else."
    time_limit: str = (
        "Tell the caller that this call has reached its longest time and must end now, offer that they may call again, "
        "and say goodbye. Say nothing else."
    )
    stopping: str = exactly("I am sorry, I must end this call now. Please call again in a minute. Goodbye.")
    go_on: str = "The caller is listening and said nothing. Go on from where your last sentence was cut off."
    not_heard: str = exactly("Sorry, I did not catch that. Could you say it again, please?")
    announce: str = exactly("I will put you through now. One moment, please.")
    tool_too_slow: str = "This took too long and its result is not known. Tell the caller, and offer to take a message."
    went_on: str = "The caller went on speaking, so this was not done. Listen to what they say."
    transfer_too_slow: str = "Nobody could be reached. Tell the caller, and offer to take a message."


@dataclass(frozen=True, slots=True)
class PastTurn:
    """One turn of the same call from before its stream came back."""

    item_id: str
    sequence: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What a call starts with. `clips` holds the audio of `CLIP_WORDS` as μ-law base64, as far as it is there."""

    greeting: str
    context: str
    timing: Timing = field(default_factory=Timing)
    lines: Lines = field(default_factory=Lines)
    clips: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resumed: tuple[PastTurn, ...] = ()
