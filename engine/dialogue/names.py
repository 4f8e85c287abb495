"""People's names in what they say: recognisers write them with capitals, callers spell them."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from engine.dialogue.calendar import MONTHS, WEEKDAYS
from engine.dialogue.memo import remembered
from engine.dialogue.numbers import TENS, UNITS
from engine.dialogue.spelling import respelled, spelled, without_spelling
from engine.dialogue.text import STOP_WORDS

_LETTER = r"A-Za-zÀ-ÖØ-öø-ÿĀ-ſ"
# A look-ahead for the small letter: a second repetition beside the first would backtrack without end ("Hello Hello …").
_WORD = rf"[A-ZÀ-ÖØ-ÞĀ-Ž](?=[{_LETTER}'’\-]*[a-zß-öø-ÿ'’ā-ž])[{_LETTER}'’\-]+|[A-Z]\.|[A-Z](?= [A-Z][a-z])"
_PARTICLE = r"de|van|von|der|den|la|le|del|da|dos|di|bin|al|el|O"
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Dr|Doctor|Professor|Prof|Sir)\.?"
_RUN = (
    rf"(?:{_TITLE} )?(?:(?:{_PARTICLE}) (?=[A-Z]))?(?:{_WORD})"
    rf"(?: (?:{_PARTICLE})\b(?= (?:[A-Z]|{_PARTICLE}\b))| (?:{_WORD})| [A-Z](?=$|[.,]))*"
)
_OWNER = r"(?i:my|the|his|her|their|full|whose)"
_INTRODUCED = re.compile(
    rf"\b(?:{_OWNER} (?i:full |first |last |sur)?(?i:name)(?i:['’]s| is| would be| will be| was)?|(?i:name(?:['’]s|"
    rf" is))|"
    rf"(?i:it(?: is|['’]s| was)|this is|that is|that['’]s|I(?: am|['’]m)|call me|called|named|surname(?: is|['’]s)?|"
    rf"I said|it should be|she(?: is|['’]s)|he(?: is|['’]s)))[:,]? (?:(?i:actually|just|really|called|"
    rf"for) )?(?P<name>{_RUN})"
)
_LOOSE = re.compile(
    r"\b(?:my (?:full )?name is|my name['’]s|the name is|the name['’]s|name is|in the name of|under the name(?: of)?)"
    r" (?P<name>[a-z'’\-]+(?: [a-z'’\-]+){0,2})",
    re.IGNORECASE,
)
_ALL_SMALL = re.compile(
    r"\b(?:it['’]?s|it is|that['’]?s|that is|book it|put it|name)(?: for|"
    r" under)? (?P<name>[a-z'’\-]+(?: [a-z'’\-]+){1,2})$"
)
_SMALL_SPEAKING = re.compile(
    r"^(?:(?:hi|hello|hey|hiya|yes|yeah|good|morning|afternoon|evening|there|um|uh|oh|so) ){0,4}"
    r"(?:it['’]?s |it is |this is |i['’]?m |i am |my name['’]?s |my name is )?"
    r"(?P<name>[a-z'’\-]+ [a-z'’\-]+) (?:here|speaking|calling)\b"
)
_SMALL_THEN = re.compile(
    r"\b(?:this is|my name['’]?s|my name is|name['’]?s|i['’]?m called|i am called) (?P<name>[a-z'’\-]+ [a-z'’\-]+)"
    r"(?= (?:and|i|i['’]m|i['’]ve|calling|from|speaking|could|can|just)\b|[,.]|$)"
)
_OTHER_NAME = re.compile(
    rf"\b(?i:maiden|married|husband['’]s|wife['’]s|partner['’]s|other|old|new) (?i:name)(?i: is|"
    rf"['’]s)?[:,]? (?P<name>{_RUN})"
)
_BOOK_IN = re.compile(rf"\b(?i:book|put|fit|squeeze|get|pencil) (?P<name>{_RUN}) (?i:in|down)\b")
_IS_THE_NAME = re.compile(rf"(?P<name>{_RUN}) is (?:the|my|his|her|their) (?:full )?name\b")
_ALONE = re.compile(rf"^(?P<name>(?:{_TITLE} )?(?:{_WORD})(?: (?:{_PARTICLE}))*(?: (?:{_WORD}))+)[.!]?$")
_ON_BEHALF = re.compile(
    rf"\b(?i:under|for|(?:in )?(?:the )?name of|under the name(?: of)?|(?:on )?behalf of)"
    rf"(?i: my (?:\w+,? ){{1,2}}?|,? )(?i:called |named |,? )?(?P<name>{_RUN})"
)
_PARTS = re.compile(
    rf"\b(?i:first|given|christian) (?i:name)(?i: is|['’]s)? (?P<first>{_WORD})\b.*?\b(?i:last name|surname|"
    rf"family name|second name)(?i: is|['’]s)? (?P<last>{_WORD})"
)
_PARTS_TURNED = re.compile(
    rf"\b(?i:last name|surname|family name|second name)(?i: is|['’]s)? (?P<last>{_WORD})\b.*?\b(?i:first|given|"
    rf"christian) "
    rf"(?i:name)(?i: is|['’]s)? (?P<first>{_WORD})"
)
_TRAILING = re.compile(rf"(?<=[a-z\d]) (?P<name>(?:{_WORD}) (?:{_WORD}))$")
_BEFORE_PLACES = re.compile(r"\b(?:at|in|on|to|near|from|of|the|by|opposite|called)$")
_BARE = re.compile(rf"^(?P<name>{_RUN})(?: (?:speaking|here|calling|again))?$")
_SPEAKING = re.compile(rf"^(?:(?i:hi|hello|yes|hey)[,.]? )?(?P<name>{_RUN}) (?i:speaking|here|calling)\b")
_FILLER = re.compile(
    r"^(?:(?:yes|yeah|yep|sure|okay|ok|of course|um|uh|er|erm|oh|well|so|hi|hello|hey|please|no|nope|sorry|actually|"
    r"and|it's|right|"
    r"it is|it’s|that's|that is|that would be|that'll be|my name is|my name's|the name is|the name's|name is|name's|"
    r"full name|i'm|i am|this is|it was|"
    r"put it under|put it in|under|for|call me|just|make it|make that|it should be|it'd be|it would be|is|"
    r"the surname is|surname|my|mine is|certainly|"
    r"i said|not|in the name of|name|you can put|you can use|put|let's say|say|let me see|thanks|"
    r"thank you)\b[\s,.:!;-]*)+",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[\s,.!-]*(?:please|thanks|thank you|speaking|here|is my name|is the name|is fine|will do|would be great|"
    r"again)?[\s,.!?]*$",
    re.IGNORECASE,
)
_SMALL_WORDS = """I Yes No Hello Hi Hey Thank Thanks Goodbye Bye Please Sorry Okay OK Tomorrow Today Tonight Can
Could Would What When Where Who How Is Are Do Does Did The A An My It That This Not Never Well Sure Correct Right
Great Good Morning Afternoon Evening Noon Half Quarter And But So At On In For Let Actually Oh Um Just Also You We
They He She There Next Maybe Perhaps Hold Wait Why Which Whose Was Were Will Be Been Have Has Had Should May Might
Must Nothing Something Anything Everything Nobody Somebody Anybody Someone Anyone Everyone Wrong Perfect Fine Lovely
Exactly Same Christmas Easter Monday's If To From With About Any Some All None Both Either Neither Nope Yeah Yep Yup
Nah Um Er Erm Uh Ah Hmm Only Really Very Too Here Now Then Again Still Already Because Since Until After Before Make
Book Cancel Change Move One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Instead Alright Brilliant
Cheers Looking Sometime Anytime Whenever Mornings Afternoons Evenings Preferably Ideally Around Usually Probably
Possibly Any Anything Sooner Later Earlier Calling Name Surname Number English Spanish French German"""
_NOT_NAMES = frozenset(
    {*(day.capitalize() for day in WEEKDAYS), *(month.capitalize() for month in MONTHS), *_SMALL_WORDS.split()}
    | {word.capitalize() for word in (*UNITS, *TENS)}
) - {"April", "May", "June"}
_SENTENCE = re.compile(r"(?<=[a-z]{2}[.?!;])(?<!Mrs\.)(?<!Prof\.)(?<!Mr\.)(?<!Dr\.)(?<!Ms\.)\s+")
_LONGEST_WORDS = 4
_ALIKE = 0.6


@remembered
def find_name(text: str, asked: bool = False, behalf: bool = True) -> str | None:
    """A person's name in a text. Introduced names are always taken; with `asked`, an answer that is only a name is too.

    `behalf` takes "for Maria" as well: right for a booking, wrong for a message, which is FOR somebody else.
    """
    letters = spelled(text) if asked or re.search(r"\b(?:spel|name)", text, re.IGNORECASE) else None
    found: str | None = None
    plain = without_spelling(text) if letters else text
    for piece in _SENTENCE.split(plain):
        if behalf and (whose := _for_whom(piece)):
            return respelled(whose, letters)
        found = _better(found, _in_piece(piece, asked))
    return respelled(found or _last_alone(plain), letters)


def _for_whom(text: str) -> str | None:
    """ "For my mum, Doris Marsh", "book Jo in": the last such name."""
    found = [match for pattern in (_ON_BEHALF, _BOOK_IN) for match in pattern.finditer(text)]
    names = [name for match in found if (name := _clean(match["name"]))]
    return names[-1] if names else None


def _last_alone(text: str) -> str | None:
    """ "Saturday at ten, Jane Austen.": a full name that stands by itself."""
    pieces = reversed(re.split(r"[,;] ", text.strip()))
    alone = next((match for piece in pieces if (match := _ALONE.match(piece)) and _clean(match["name"])), None)
    if alone is None and (trailing := _TRAILING.search(text.strip(" .!"))) is not None:
        alone = None if _BEFORE_PLACES.search(text[: trailing.start()]) else trailing
    name = _clean(alone["name"]) if alone else None
    return name if name and " " in name else None


def _in_piece(text: str, asked: bool) -> str | None:
    parts = _PARTS.search(text) or _PARTS_TURNED.search(text)
    if parts:
        return f"{parts['first']} {parts['last']}"
    names = [
        name
        for pattern in (_INTRODUCED, _SPEAKING, _OTHER_NAME, _IS_THE_NAME, _ALONE)
        for match in pattern.finditer(text)
        if (name := _clean(match["name"]))
    ]
    if names:
        return names[-1]
    if text == text.lower() and (small := _SMALL_SPEAKING.search(text) or _SMALL_THEN.search(text)) is not None:
        name = _loosely(small["name"])
        if name and " " in name:
            return name
    loose = _LOOSE.search(text) or (_ALL_SMALL.search(text) if text == text.lower() else None)
    if loose and (name := _loosely(loose["name"])) and (" " in name or loose.re is _LOOSE):
        return name
    return _answer(text) if asked else None


def _better(known: str | None, new: str | None) -> str | None:
    """Of two tries in one breath ("Katherine with a K. Katherine O'Connor") the fuller, else the first."""
    if known is None or new is None:
        return known or new
    shared = {word.lower() for word in known.split()} & {word.lower() for word in new.split()}
    return new if shared and len(new) >= len(known) else known


def corrected(old: str, new: str) -> str:
    """A name after a correction: "no, Maria" mends the first word of "Mario Lopez" and leaves the rest."""
    words = old.split()
    if len(words) < 2 or " " in new:
        return new
    alike = [SequenceMatcher(None, word.lower(), new.lower()).ratio() for word in words]
    best = max(range(len(words)), key=alike.__getitem__)
    return " ".join([*words[:best], new, *words[best + 1 :]]) if alike[best] >= _ALIKE else new


def resembles(name: str, text: str) -> bool:
    """Whether a short text is one of a name's words, heard better: "Lopez" after "Maria Lopes"."""
    said = re.findall(rf"[{_LETTER}'’-]+", text)
    known = name.lower().split()
    return 0 < len(said) <= _LONGEST_WORDS and any(
        SequenceMatcher(None, word.lower(), old).ratio() >= _ALIKE for word in said[:1] for old in known
    )


def _answer(text: str) -> str | None:
    core = _TAIL.sub("", _FILLER.sub("", text.strip()))
    pieces = [
        piece.strip() for piece in re.split(r"[,;?!]|(?<=[a-z]{2})\.| on | at | and | with an? [A-Z]\b| but ", core)
    ]
    for first in pieces:
        words = first.split()
        if not words or len(words) > _LONGEST_WORDS or any(char.isdigit() for char in first):
            return None
        if text[:1].isupper() and first != text.strip(" ,.!?") and all(word.islower() for word in words):
            return None  # "This is ridiculous": where capitals are written, a name has one.
        titled = " ".join(
            word if word[:1].isupper() or word in _PARTICLE.split("|") else word.capitalize() for word in words
        )
        if any(word.islower() and word in STOP_WORDS for word in words):
            return None
        bare = _BARE.match(titled)
        name = _clean(bare["name"]) if bare else None
        # "Bond, James Bond": the fuller one follows.
        fuller = next((piece for piece in pieces[1:] if name and piece.endswith(name) and _BARE.match(piece)), None)
        return fuller or name
    return None


def _loosely(name: str) -> str | None:
    """A name in small letters, up to the first word that cannot be one."""
    kept: list[str] = []
    for word in name.split():
        if word.lower() in STOP_WORDS or word.capitalize() in _NOT_NAMES:
            break
        kept.append(word if word[:1].isupper() else word.capitalize())
    return " ".join(kept) or None


def _clean(name: str) -> str | None:
    kept: list[str] = []
    for word in name.split():
        word = re.sub(r"['’](?:s|m|re|ll|ve|d)$", "", word)
        if word.strip(".,'’") in _NOT_NAMES:
            break
        kept.append(word)
    plain = " ".join(kept).strip(" .,'’")
    return None if not plain or re.fullmatch(_TITLE, plain) else plain
