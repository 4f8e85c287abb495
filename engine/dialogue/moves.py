"""The two ends of a move: which words speak of where an appointment or a journey is, and which of where it goes."""

from __future__ import annotations

import re

_VERB = (
    r"(?:mov(?:e|ing)|chang(?:e|ing)|reschedul(?:e|ing)|rearrang(?:e|ing)|rebook(?:ing)?|switch(?:ing)?|"
    r"swap(?:ping)?|shift(?:ing)?|postpone|push|bring|put|delay|alter)"
)
_INSTEAD_OF = re.compile(r"\b(?:instead of|rather than)\b(?P<old>[^,.;?!]*)", re.IGNORECASE)
_FROM_TO = re.compile(r"\bfrom\b(?P<old>.+?)\b(?:to|until|onto)\b(?P<new>.+)$", re.IGNORECASE | re.DOTALL)
_CHANGED_TO = re.compile(
    rf"\b{_VERB}\b(?P<old>(?:(?!\bto (?:move|change|resch)).)*?)\b(?:to|until|onto|back to|forward to)\b(?P<new>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_VERB_FOR = re.compile(rf"\b{_VERB}(?: it| that| this)? (?:for|on)\b(?P<new>.+)$", re.IGNORECASE | re.DOTALL)
_NEW_CUE = re.compile(
    r"\b(?:instead|can we|could we|could i|can i|could you|can you|would like|i'd like|prefer|rather|how about|"
    r"what about|new|better|to be|make it|"
    r"move it|change it|come|do)\b",
    re.IGNORECASE,
)
_OLD_CUE = re.compile(
    r"\b(?:appointment|booking|booked|reservation|currently|at the moment|right now|existing|original|old one|i have|"
    r"i've got|i've|was for|it was|it's for|"
    r"supposed|down for|scheduled|my \w+day|can't (?:make|come|do)|cannot (?:make|come|do)|"
    r"can not (?:make|come|do)|not make|able to make|won't make)\b",
    re.IGNORECASE,
)
_PIECES = re.compile(
    r"(?<=[.?!;])\s+|,\s*|\s+(?:and|but|so)\s+|"
    r"\s+(?=(?:can|could) (?:we|i|you|it)\b|(?:how|what) about\b|i(?:'d| would) (?:like|prefer|rather)\b|i need to\b)",
    re.IGNORECASE,
)


_WAY = re.compile(
    r"\b(?:from (?P<from>.+?) )?to (?P<to>(?:the |my |our )?[\w'’-]+(?: (?!tomorrow|today|tonight|please|at|on|for|"
    r"in|by|around|about|"
    r"this|next|and|thanks)[\w'’-]+){0,5})",
    re.IGNORECASE,
)
_NO_PLACE = re.compile(
    r"^(?:go|book|get|have|make|take|be|come|see|order|you|it|that|do|ask|say|speak|talk|know|travel|pick)\b",
    re.IGNORECASE,
)


def from_and_to(text: str) -> dict[str, str]:
    """The two ends of a way: "from 14 Park Lane to the station"."""
    ends: dict[str, str] = {}
    for match in _WAY.finditer(text):
        if not _NO_PLACE.match(match["to"]):
            ends["to"] = match["to"].strip()
            if match["from"]:
                ends["from"] = match["from"].split(" from ")[-1].strip(" ,")
    return ends


def old_and_new(text: str, asked_old: bool) -> tuple[str, str]:
    """The part of a text that speaks of the appointment as it is, and the part about where it should go."""
    instead = _INSTEAD_OF.search(text)
    if instead:
        return instead["old"], f"{text[: instead.start()]} {text[instead.end() :]}"
    if both := _FROM_TO.search(text):
        return both["old"], both["new"]
    if changed := _CHANGED_TO.search(text):
        return f"{text[: changed.start()]} {changed['old']}", changed["new"]
    if moved := _VERB_FOR.search(text):
        return text[: moved.start()], moved["new"]
    return _by_cue(text, asked_old)


def _by_cue(text: str, asked_old: bool) -> tuple[str, str]:
    old: list[str] = []
    new: list[str] = []
    about_old = asked_old or bool(re.search(rf"\b{_VERB}\b", text, re.IGNORECASE))
    for piece in _PIECES.split(text):
        if _OLD_CUE.search(piece) and not re.search(r"\binstead\b", piece, re.IGNORECASE):
            about_old = True
        elif _NEW_CUE.search(piece) and not re.search(rf"\bto {_VERB}\b", piece, re.IGNORECASE):
            about_old = False
        (old if about_old else new).append(piece)
    return ", ".join(old), ", ".join(new)
