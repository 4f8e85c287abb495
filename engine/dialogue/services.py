"""What somebody wants to come in for: a choice of a tool's schema, or the caller's own words."""

from __future__ import annotations

import re

from engine.dialogue.memo import remembered
from engine.dialogue.text import SENTENCE_END, concepts, near, normal
from engine.dialogue.topics import is_weak

_ENDS = (
    r"(?= (?:for|on|at|with|tomorrow|today|tonight|this|next|please|in|by|from|around|about|under|and|or|but|if|as|"
    r"when|because|sometime|some|any|"
    r"later|early|first|before|after|that|to|monday|tuesday|wednesday|thursday|friday|saturday|sunday|half|quarter|"
    r"\d)\b|$)"
)
_OBJECT = re.compile(
    r"\b(?:book(?:ed)?|booking|reserve|schedule|arrange|make|get|have|need|want|like|after|wanted|having|do)(?: in|"
    r" up)?(?: to book| to have| to get| to make| to schedule| to arrange| to reserve)?"
    r"(?: me| my \w+| us| him| her)?(?: in)?(?: for)? (?:a|an|some|the|another)? ?"
    rf"(?P<thing>[a-z][a-z' &-]*?){_ENDS}"
)
_FOR_A = re.compile(
    r"\b(?:appointment|booking|slot|reservation|session|in|come|me|visit|it|booked) for (?:a |an |some |my |the )?"
    rf"(?P<thing>[a-z][a-z' &-]*?){_ENDS}"
)
_FOR_ANY = re.compile(rf"\bfor (?:a|an) (?P<thing>[a-z][a-z' &-]*?){_ENDS}")
_PLAIN = re.compile(rf"^(?:and |also |just )?(?:a|an) (?P<thing>[a-z][a-z' &-]*?){_ENDS}")
_IT_IS = re.compile(
    rf"\b(?:it is|it would be|it will be|just|make it|it should be|i said) (?:for )?(?:a|an|"
    rf"the) (?P<thing>[a-z][a-z' &-]*?){_ENDS}"
)
_APPOINTMENT = re.compile(
    r"\b(?:a|an|another) (?P<thing>(?!new|different|quick|later|earlier|"
    r"existing)[a-z-]+(?: [a-z-]+)?) (?:appointment|booking|session|slot)\b"
)
_TO_HAVE_DONE = re.compile(
    r"\b(?:get|have|need|getting|having) my (?:(?P<what>\w+) )?(?P<done>haircut|cut|coloured|colored|checked|cleaned|"
    r"serviced|"
    r"fixed|repaired|trimmed|tested|washed|styled|dyed)\b"
)
_NOT_A_SERVICE = re.compile(
    r"\b(appointment|booking|slot|reservation|book|table|time|something|anything|it|one|know|to|that|"
    r"i|you|we|question|message|visit|available|today|tomorrow|called|that|this|him|her|them|name|number|call|"
    r"word|look|idea|person|human|manager|someone|somebody|minute|moment|second|day|week|morning|afternoon|evening|"
    r"problem|chance|been|got|done|not|people|price|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"january|february|march|april|june|july|august|september|october|november|december|same|space|room|seen|"
    r"complaint|callback|another|change|way|daughter|son|wife|husband|mum|mother|father|dad|friend|half|noon|earlier|"
    r"later|"
    r"child|kid|boy|girl|baby|man|woman|party|while|bit|lot|couple|group|family|quote|moment|"
    r"speak|talk|move|cancel|reschedule|there|here|please|sure|hi|hello|with|first|last|next|me|us|my|mine|what|how|is|"
    r"are|do|did)\b"
)
_CORRECTION = re.compile(
    r"\b(?:no,? sorry|no,? wait|sorry,? (?:no|i mean)|i mean|scratch that|or rather|actually,? no)\b[, ]*",
    re.IGNORECASE,
)
_FIRST = re.compile(
    rf"^(?:(?:hi|hello|hey|yes|good|morning|afternoon|a|an|just|there|and|also|another|please|one|"
    rf"then) )*(?P<thing>[a-z-]+(?: [a-z&-]+){{0,2}}?){_ENDS}"
)
_LEAST_LIKENESS = 0.5
_LEAST_UNASKED = 0.6
_LONGEST = 5


@remembered
def find_service(text: str, asked: bool, known: tuple[str, ...] = ()) -> str | None:
    """What is wanted, in the caller's words; only a clear wish or what the facts name, unless it was asked for."""
    corrected = _CORRECTION.split(text)
    if len(corrected) > 1 and (thing := find_service(corrected[-1], False, known)) is not None:
        return thing
    for piece in re.split(rf"{SENTENCE_END}|(?<=,)\s+", text):
        thing = _in_piece(normal(piece), known) or _named_first(normal(piece), known)
        if thing is not None and not _is_name(thing, piece):
            return thing
    return _bare(normal(text)) if asked else None


def _bare(plain: str) -> str | None:
    """An answer to what somebody would like to come in for."""
    thing = re.sub(r"^(?:(?:a|an|the|just|for|i would like|i want|i need|it is|please|um|er|yes) )+", "", plain)
    thing = re.sub(r"(?: please| thanks| thank you)+$", "", thing)
    if not thing or len(thing.split()) > _LONGEST or re.search(r"\d|\bnot\b|\bno\b|\?", thing):
        return None
    return thing


def _is_name(thing: str, piece: str) -> bool:
    """ "See Dr. Nguyen", "book Rex in": what is written with a capital is somebody, unless in capitals throughout."""
    said = re.search(r"\b" + r".{1,2}".join(map(re.escape, thing.split())), piece, re.IGNORECASE)
    return said is not None and any(re.match(r"[A-Z][a-z]", word) for word in said[0].split()) and said.start() > 0


def _named_first(plain: str, known: tuple[str, ...]) -> str | None:
    """ "Haircut for Helen on Friday": no wish is spoken, but the business writes of haircuts."""
    match = _FIRST.match(plain)
    if match is None or _NOT_A_SERVICE.search(match["thing"]):
        return None
    about = set(concepts(match["thing"]))
    named = about and any(about <= set(concepts(fact)) for fact in known)
    return _with_and(match["thing"], plain[match.end("thing") :], known) if named else None


def _in_piece(plain: str, known: tuple[str, ...]) -> str | None:
    done = _TO_HAVE_DONE.search(plain)
    if done:
        return f"{done['what']} {done['done']}" if done["what"] else done["done"]
    for pattern in (_FOR_A, _APPOINTMENT, _OBJECT, _IT_IS, _PLAIN, _FOR_ANY):
        for match in pattern.finditer(plain):
            if pattern is _APPOINTMENT and not _NOT_A_SERVICE.search(match["thing"]):
                return f"{match['thing']} appointment"
            thing = re.sub(r"^(?:a|an|some|quick|new|book) ", "", match["thing"].strip())
            if thing and not _NOT_A_SERVICE.search(thing) and len(thing.split()) <= 4:
                return _with_and(thing, plain[match.end() :], known)
    return None


def _with_and(thing: str, rest: str, known: tuple[str, ...]) -> str:
    """ "A cut and blow-dry" is one service where the business writes of one."""
    more = re.match(r" and (?:a )?(?P<more>[a-z-]+(?: [a-z-]+)?)", rest)
    for words in [more["more"], more["more"].split()[0]] if more else []:
        both = f"{thing} and {words}"
        if any(set(concepts(both)) <= set(concepts(fact)) for fact in known):
            return both
    return thing


def find_choice(choices: tuple[str, ...], text: str, asked: bool) -> str | None:
    """One of a schema's choices: by its words, or when it was asked for by most of what they are about."""
    plain = f" {normal(text)} "
    whole = [choice for choice in choices if f" {normal(_words(choice))} " in plain]
    if whole:
        return max(whole, key=len)
    run = plain.replace(" ", "")
    joined = [choice for choice in choices if asked and normal(_words(choice)).replace(" ", "") in run]
    if len(joined) == 1:
        return joined[0]
    if asked and (hurry := _by_hurry(choices, plain)) is not None:
        return hurry
    said = set(concepts(text))
    likeness = {choice: _likeness(set(concepts(_words(choice))), said) for choice in choices}
    best = max(likeness, key=likeness.__getitem__, default=None)
    alone = best is not None and list(likeness.values()).count(likeness[best]) == 1
    several = best is not None and len(set(concepts(_words(best))) & said) > 1
    least = _LEAST_LIKENESS if asked else _LEAST_UNASKED if several else 1.0
    enough = best is not None and likeness[best] >= least
    return best if alone and enough else None


def for_what(choices: tuple[str, ...], description: str, text: str) -> str | None:
    """The choice whose purpose, as the description tells it ("Ann: invoices; Bo: repairs"), is what was said."""
    said = {word for word in concepts(text) if not is_weak(word)}
    said |= {akin for word in said for akin in near(word)}
    fits: dict[str, int] = {}
    for choice in choices:
        told = re.search(rf"{re.escape(choice)}\s*[:(–-]\s*(?P<what>[^;.)]+)", description)
        fits[choice] = len(said & set(concepts(told["what"]))) if told else 0
    best = max(fits, key=fits.__getitem__, default=None)
    return best if best is not None and fits[best] > 0 and list(fits.values()).count(fits[best]) == 1 else None


_HURRY = [
    (
        re.compile(
            r"\b(?:as soon as possible|asap|straight away|right away|immediately|now|urgent\w*|quickly|emergency)\b"
        ),
        re.compile(r"today|now|urgent|asap|immediate|emergency|high|soon"),
    ),
    (
        re.compile(r"\b(?:no (?:rush|hurry)|not urgent|any ?time|does not matter|do not mind|whenever|flexible|low)\b"),
        re.compile(r"whenever|any|flexible|low|not urgent|routine|normal"),
    ),
]


def _by_hurry(choices: tuple[str, ...], plain: str) -> str | None:
    """ "As soon as possible" among today, this week and whenever."""
    for said, meant in reversed(_HURRY):
        fitting = [choice for choice in choices if meant.search(choice.lower())]
        if said.search(plain) and fitting:
            return fitting[0]
    return None


def _likeness(wanted: set[str], said: set[str]) -> float:
    return len(wanted & said) / len(wanted) if wanted else 0.0


def _words(choice: str) -> str:
    return re.sub(r"[_-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", choice))
