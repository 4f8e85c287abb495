"""What short words over the agent's speech mean: "I am listening", an answer, or a farewell. English."""

from __future__ import annotations

import re
from typing import Final

from server.domain.playback import Heard, heard_chars

MOST_HEARD: Final = 0.85
"""When so much of a sentence was heard, short words are an answer to it."""
_WORDS: Final = re.compile(r"[a-z']+")
_LISTENING: Final = frozenset(
    _WORDS.findall(
        "uh huh uhhuh mm mmm mhm hm hmm mmhm mmhmm hmmm ah aha oh ooh yeah yep yup yes ya okay ok okey alright right "
        "sure great good fine nice cool perfect lovely gotcha exactly indeed really wow understood"
    )
)
_LISTENING_PHRASES: Final = re.compile(
    r"(i see|got it|go on|i understand|of course|makes sense|that's (?:right|good|great|fine)|very (?:good|well)"
    r"|all right)"
)
_FAREWELL: Final = re.compile(
    r"(good ?bye|bye(?: bye)*|thank you(?: very much| so much)?|thanks(?: a lot| so much)?|cheers|take care|see you"
    r"(?: then| soon| later| there)?|have a (?:good|nice|great|lovely) (?:day|evening|one|weekend|night|afternoon)"
    r"|you too|good night|talk (?:to you )?(?:soon|later)|that's all|that is all)"
)
_POLITE: Final = frozenset(["and", "so", "then", "well", "now", "very", "much", "to", "you", "too"])
_MOST_WORDS: Final = 4
_BEFORE: Final = 25
_AFTER: Final = 12
"""How near to the estimated place of the cut, in characters, a question mark counts."""


def is_backchannel(text: str) -> bool:
    """Nothing but signs of listening ("uh-huh", "okay, I see"). What has no words at all is a noise, and is one too."""
    words = _WORDS.findall(_without(_LISTENING_PHRASES, text))
    return len(words) <= _MOST_WORDS and all(word in _LISTENING for word in words)


def is_farewell(text: str) -> bool:
    """Nothing that keeps the call going: a goodbye, thanks, or a sign of listening."""
    rest = _without(_LISTENING_PHRASES, _without(_FAREWELL, text))
    return all(word in _LISTENING or word in _POLITE for word in _WORDS.findall(rest))


def answers_agent(said: str, heard: Heard | None, *, whole: bool) -> bool:
    """True when short words can be meant as an answer to what the agent was saying.

    `said` is its text as far as it is known, `heard` how much of it the caller heard, and `whole` says that
    no more is to come.
    """
    if heard is None:
        return True
    if whole and heard.heard_ms >= MOST_HEARD * heard.made_ms:
        return True
    at = heard_chars(said, heard.heard_ms, heard.made_ms)
    return "?" in said[max(0, at - _BEFORE) : at + _AFTER]


def _without(phrases: re.Pattern[str], text: str) -> str:
    plain = re.sub(r"[^a-z' ]+", " ", text.lower().replace("’", "'"))
    return phrases.sub(" ", " ".join(plain.split()))
