"""The words of a message, out of how somebody asks to have it passed on."""

from __future__ import annotations

import re

from engine.dialogue.speaking import sentence
from engine.dialogue.text import concepts

_WHO = r"(?:(?i:him|her|them|the \w+(?: \w+(?:er|or|ist|ian)\b)?)|(?:(?:Dr|Mr|Mrs|Ms|Miss|Doctor)\.? )?[A-Z]\w+)"
_MESSAGE = re.compile(
    rf"\b(?:(?i:tell|let) (?!(?i:me|you|us)\b)\w+ (?:know )?(?i:that )?(?=(?i:i|i'm|i’m|we|my|he|she|they|it|the)\b)|"
    rf"(?i:(?:a )?message for (?:\w+ ){{1,2}}?\w+): |(?i:(?:a )?message for) \w+[:,] |"
    rf"(?i:tell) {_WHO} (?i:that )?|(?i:let) {_WHO} (?i:know )(?i:that )?|"
    r"(?i:(?:the |my )?message is[:,]? (?:that )?|say that |pass on that |"
    r"(?:leave|take|give (?:him|her|them|\w+)) (?:a |the )?message(?: for [\w ]+?)?(?: that|,? saying|,? to say|:) ))"
    r"(?P<rest>.+)$"
)
_COMPLAINT = re.compile(r"\bcomplain(?:t)?\b(?: (?P<about>(?:about|that|because) .+))?", re.IGNORECASE)
_ASK_THEM = re.compile(
    r"\b(?i:ask|remind|get|have|want|need|like) (?P<who>him|her|them|(?:the |your )?[a-z]+|[A-Z]\w+) (?P<rest>(?:to|"
    r"if|whether|when|why|about|for) .+)$"
)
_CALL_ME = re.compile(
    r"\b(?:call|ring|phone|contact|get back to) (?:me|us)(?: back)? (?P<rest>(?:about|regarding|when|as soon|because|"
    r"so|on|before|after|at) .+)$"
)
_ABOUT_ONESELF = re.compile(
    r"^(?:(?:hi|hello|yes|and|it's|so|oh),? )?(?:my (?:full |last |first )?name|it's [A-Z]\w+ [A-Z]|this is [A-Z]|"
    r"I'm [A-Z]\w+ [A-Z]|my (?:phone |mobile )?number|"
    r"you can (?:reach|call)|(?:thank you|thanks|cheers|please)[.!]?$)",
    re.IGNORECASE,
)


def told_plainly(words: str) -> str:
    """A message without the caller's own name and number, which have slots of their own."""
    kept = [piece for piece in re.split(r"(?<=[a-z]{2}[.?!])\s+", words.strip()) if not _ABOUT_ONESELF.match(piece)]
    plain = re.sub(r"\s*,?\b(?:on|at) this number\b|,? please(?=[.?!]?$)", "", " ".join(kept))
    return sentence(plain)


_NOT_THEM = ("me", "you", "it", "us", "would", "i")


def find_message(text: str, asked: bool) -> str | None:
    """A message in what was said; `asked` takes anything."""
    plain = text.strip()
    match = _MESSAGE.search(plain)
    if match and concepts(match["rest"]):
        # "Could you tell Anna that I am late?" is a question; what Anna is told is not.
        return told_plainly(match["rest"].rstrip("?. "))
    wanted = _ASK_THEM.search(plain)
    if wanted and wanted["who"].lower() not in _NOT_THEM and len(wanted["rest"].split()) > 2:
        return told_plainly(wanted["rest"].removeprefix("to ").rstrip("?. ")) if not asked else whole(text)
    if not asked and _COMPLAINT.search(plain):
        told = [piece for piece in re.split(r"(?<=[.!?])\s+", plain) if not _COMPLAINT.search(piece)]
        about = _COMPLAINT.search(plain)
        rest = " ".join(told) or (f"Complaint {about['about']}" if about and about["about"] else "")
        return told_plainly(rest) if rest else None
    call = _CALL_ME.search(plain)
    if call and not asked:
        return told_plainly(f"call me back {call['rest'].rstrip('?. ')}")
    return whole(text) if asked else None


def whole(text: str) -> str | None:
    """What was said, without the words that only begin an answer."""
    kept = re.sub(
        r"^(?:(?:yes|okay|ok|sure|um|uh|er|well|please|yeah|so)[,. ]+)+", "", text.strip(), flags=re.IGNORECASE
    ).strip()
    return kept[:1].upper() + kept[1:] or None
