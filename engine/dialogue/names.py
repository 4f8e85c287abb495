"""People's names in what they say: recognisers write them with capitals, callers spell them."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from engine.dialogue.calendar import MONTHS, WEEKDAYS
from engine.dialogue.text import STOP_WORDS

_WORD = r"[A-Z][A-Za-z'’\-]*[a-z'’][A-Za-z'’\-]*|[A-Z]\."
_PARTICLE = r"de|van|von|der|la|del|bin|al|O"
_RUN = rf"(?:(?:Mr|Mrs|Ms|Miss|Dr|Professor)\.? )?(?:{_WORD})(?: (?:{_PARTICLE})\b(?= [A-Z])| (?:{_WORD}))*"
_INTRODUCED = re.compile(
    r"\b(?i:(?:my|the|his|her|their|full) (?:full |first |last )?name(?:['’]s| is| would be| will be)?|"
    rf"name(?:['’]s| is)|it(?: is|['’]s)|this is|I(?: am|['’]m)|call me)[:,]? (?P<name>{_RUN})"
)
_ON_BEHALF = re.compile(rf"\b(?i:under|for|in the name of|under the name(?: of)?|behalf of) (?P<name>{_RUN})")
_BARE = re.compile(rf"^(?P<name>{_RUN})(?: (?:speaking|here))?$")
_SPELLED = re.compile(r"\b(?P<letters>[A-Za-z](?:[-\s.,]+[A-Za-z]){2,})\b")
_FILLER = re.compile(
    r"^(?:(?:yes|yeah|yep|sure|okay|ok|of course|um|uh|er|oh|well|so|hi|hello|hey|please|no|sorry|actually|and|it's|"
    r"it is|it’s|that's|that is|that would be|my name is|my name's|the name is|name is|i'm|i am|this is|"
    r"put it under|under|for|call me|just)\b[\s,.:!-]*)+",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s,.!-]*(?:please|thanks|thank you|speaking|here|is my name)?[\s,.!?]*$", re.IGNORECASE)
_SMALL_WORDS = """I Yes No Hello Hi Hey Thank Thanks Goodbye Bye Please Sorry Okay OK Tomorrow Today Tonight Can Could
Would What When Where Who How Is Are Do Does Did The A An My It That This Not Never Well Sure Correct Right Great Good
Morning Afternoon Evening Noon Half Quarter And But So At On In For Let Actually Oh Um Just Also You We They He She
There Next Maybe Perhaps Hold Wait"""
_NOT_NAMES = frozenset(
    {*(day.capitalize() for day in WEEKDAYS), *(month.capitalize() for month in MONTHS), *_SMALL_WORDS.split()}
)
_LONGEST_WORDS = 4
_ALIKE = 0.6


def find_name(text: str, asked: bool = False, behalf: bool = True) -> str | None:
    """A person's name in a text. Introduced names are always taken; with `asked`, an answer that is only a name is too.

    `behalf` takes "for Maria" as well: right for a booking, wrong for a message, which is FOR somebody else.
    """
    spelled = _spelled(text) if asked else None
    places = [*(_ON_BEHALF.finditer(text) if behalf else ()), *_INTRODUCED.finditer(text)]
    names = [name for match in places if (name := _clean(match["name"]))]
    if names:
        return _respelled(names[-1], spelled)
    return _respelled(_answer(text), spelled) if asked else None


def corrected(old: str, new: str) -> str:
    """A name after a correction: "no, Maria" mends the first word of "Mario Lopez" and leaves the rest."""
    words = old.split()
    if len(words) < 2 or " " in new:
        return new
    alike = [SequenceMatcher(None, word.lower(), new.lower()).ratio() for word in words]
    best = max(range(len(words)), key=alike.__getitem__)
    return " ".join([*words[:best], new, *words[best + 1 :]]) if alike[best] >= _ALIKE else new


def _answer(text: str) -> str | None:
    core = _TAIL.sub("", _FILLER.sub("", text.strip()))
    core = _SPELLED.sub("", core).strip(" ,.-") or core
    first = re.split(r"[,.;?!]| on | at | and ", core)[0].strip()
    words = first.split()
    if not words or len(words) > _LONGEST_WORDS or any(char.isdigit() for char in first):
        return None
    titled = " ".join(word if word[:1].isupper() else word.capitalize() for word in words)
    if any(word.islower() and word in STOP_WORDS for word in words):
        return None
    bare = _BARE.match(titled)
    return _clean(bare["name"]) if bare else None


def _clean(name: str) -> str | None:
    kept: list[str] = []
    for word in name.split():
        if word.strip(".,") in _NOT_NAMES:
            break
        kept.append(word)
    return " ".join(kept).strip(" .,'") or None


def _spelled(text: str) -> str | None:
    match = _SPELLED.search(text)
    letters = re.sub(r"[^A-Za-z]", "", match["letters"]) if match else ""
    return letters.capitalize() if len(letters) > 2 else None


def _respelled(name: str | None, spelled: str | None) -> str | None:
    """Spelling wins over hearing: "Lopes, L O P E Z" is Lopez. One word is replaced, the one that looks like it."""
    if name is None or spelled is None or spelled.lower() in name.lower():
        return name or spelled
    words = name.split()
    for at in range(len(words) - 1, -1, -1):
        if words[at][0].lower() == spelled[0].lower():
            return " ".join([*words[:at], spelled, *words[at + 1 :]])
    return f"{name} {spelled}"
