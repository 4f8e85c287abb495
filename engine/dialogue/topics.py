"""What a question is about and what kind of answer it asks for; and what a fact is about beside its own words."""

from __future__ import annotations

import re

from engine.dialogue.calendar import MONTHS, WEEKDAYS
from engine.dialogue.knowledge import Fact
from engine.dialogue.lexicon import GENERIC
from engine.dialogue.memo import remembered
from engine.dialogue.numbers import TENS, UNITS
from engine.dialogue.text import MATTER_HEADS, concept, concepts, normal, stem

# Words that shape a question but do not say what it is about: alone they are no reason to pick a fact.
_WEAK_WORDS = """cost pay open close time day long take offer service book appointment business place shop today
tomorrow tonight night come make use look call find give people work discount see treat old age here friendly welcome
allowed possible available last minute turn show same bring really exactly quick
live include included including inside
fit fitt job anyone allow tell still usual normal usually normally ever else them there"""
# A generic word of a group that has a matter of its own ("done" is "ready", "boss" is "owner") stays a matter.
_WEAK = frozenset(_WEAK_WORDS.split()) | (frozenset(concept(word) for word in GENERIC) - MATTER_HEADS)
_DAYS = frozenset(stem(day) for day in WEEKDAYS) | {
    "now",
    "soon",
    "right",
    "morn",
    "afternoon",
    "even",
    "week",
    "weekend",
}

_GETTING_THERE = re.compile(
    r"\bhow (?:do|can|would|should) (?:i|we|you) (?:get|find|reach|come) (?:to )?(?:you|there|here|the (?:shop|salon|"
    r"place|office|clinic|restaurant|practice))\b"
)
_ARRIVING = re.compile(
    r"\b(?:get (?:in|into|inside)|move in|arrive|arriving|check(?:ing)? ?(?:in|out)|be out|get out|leave)\s*(?:of )?"
    r"(?:the |our |my |a )?(?:\brooms?|\bby|\bfrom|\bat|\bon|$)|\bcheck ?-?(?:in|out)\b|"
    r"\b(?:what time|when) (?:can|do|could|must|should) we (?:arrive|leave|come)\b"
)
_WHO_WORKS = re.compile(
    r"\bwho(?: else)? (?:works?|cuts?|does|do|treats?|sees?|are (?:your|the)|is (?:there|working)|would|will|can|"
    r"looks?)\b(?! i\b)"
)
_WHERE_TO = re.compile(
    r"\b(?:do|would|will|can|could) you (?:\w+ )?(?:work|come|go|travel|deliver|serve|cover|ship|drive)(?: out)? "
    r"(?:in|to|as far as|at)\b|\b(?:what|which) (?:areas?|suburbs?|towns?|places|regions?|parts)\b"
)
_LEAVE_THE_CAR = re.compile(
    r"\b(?:leave|put|stop|space for) (?:my|the|our|a) car\b|\bwhere (?:does|do|can|should) (?:\w+ )?car\b"
)
_WAYS_TO_PAY = re.compile(
    r"\b(?:how (?:can|do|could|should) (?:i|we|you|people) (?:\w+ )?pay|"
    r"(?:ways?|methods?|forms?|kinds?|types?) (?:of payment|to pay)|payment (?:methods?|options?))\b"
)
_YEARS_OLD = re.compile(
    r"\b(?:[1-9]|1[0-7]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen)[- ]years?[- ]olds?\b"
)
_LIES = re.compile(
    r"^(?:we|[A-Z][\w &'’]+) (?:are|is|am) (?:at|in|on|located|opposite|next to|near) (?:the corner|unit|number|suite|"
    r"flat|\d|[A-Z][\w'’]+ (?:street|road|lane|avenue|square|place|parade|quay))",
    re.IGNORECASE,
)
_AGED = re.compile(
    r"\bunder[- ]?(?:\d+|sixteen|eighteen|twelve|five)s?\b(?! (?:pounds|euros|dollars|minutes|hours|people))",
    re.IGNORECASE,
)
_OUR_PEOPLE = re.compile(r"^Our \w+(?: \w+)? (?:is|are) (?:called |named )?(?:(?:Dr|Mr|Mrs|Ms|Miss)\.? )?[A-Z][a-z]")
_OLD_ENOUGH = re.compile(
    r"\b(?:\d+|sixteen|eighteen|twenty[- ]one)(?: years?)? (?:or|and|years) (?:older|over|above|upwards|of age)\b|"
    r"\bfrom (?:age )?(?:\d+|three|four|five|six|seven|eight|ten|twelve)(?: years?)? (?:old|of age|upwards|up)\b|"
    r"\b(?:over|aged?|from the age of|at least|minimum age(?: is)?(?: of)?) (?:\d+|sixteen|eighteen)\b"
    r"(?! (?:pounds|euros|dollars|minutes|hours|people|days|weeks))|\bover[- ]?(?:18|21|16)s\b",
    re.IGNORECASE,
)
_TELLS_AGE = re.compile(
    r"\b(?:is|am|are|only|just|turned|turns|aged|she is|he is|\w+'s) (?:only |just |nearly |almost )?(?:[1-9]|1\d|"
    r"sixteen|seventeen|eighteen|nineteen|fifteen|fourteen|thirteen|twelve|eleven|ten|nine|eight|seven|six)"
    r"(?: and\b| years?\b| but\b| so\b| can\b|$)|"
    r"\b(?:how old (?:do|must|should|does)|old enough|too young|too old|under age|underage|age limit|minimum age)\b"
)
_SERVES = re.compile(
    r"\bwe (?:work|serve|cover|deliver|operate|travel|come|go|ship) (?:in|to|across|within|all over|the)\b"
)

# What a question asks for must be in its answer: a price is no answer to "how long", nor a name to "when".
_DAY_NAMES = r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"
_KINDS = [
    (
        re.compile(r"\bhow much\b|\bprices?\b|\bcosts?\b|\bcharge[ds]?\b|\bfees?\b|\bexpensive\b"),
        re.compile(
            r"[£$€%]|\b(?:pounds?|euros?|dollars?|free|costs?|prices?|charges?|fees?|pence|cents|half price|included?|"
            r"percent|discount)\b"
        ),
    ),
    (
        re.compile(r"\bhow (?:long|far)\b"),
        re.compile(r"\b(?:minutes?|hours?|days?|weeks?|months?|years?|long|since|away|miles?|metres?)\b"),
    ),
    (
        re.compile(r"^(?:\w+ ){0,3}?what time\b"),
        re.compile(r"\d[:.]\d\d|\d ?(?:am|pm)\b|\b(?:noon|midday|midnight|oclock|o'clock|hours?|early|late)\b"),
    ),
    (
        re.compile(r"^(?:\w+ ){0,3}?(?:when|what days?|which days?)\b"),
        re.compile(
            rf"\d|{_DAY_NAMES}|\b(?:daily|every|morning|afternoon|evening|weekends?|weekdays?|always|never|"
            rf"{'|'.join(MONTHS)}|(?:at|by) the (?:start|beginning|end))\b"
        ),
    ),
    (
        re.compile(r"\bhow old\b|\bwhat age\b"),
        re.compile(r"\b(?:years?|since|aged?|old|older|over|under|from|1[89]\d\d|20\d\d)\b"),
    ),
    (
        re.compile(r"\bhow many\b"),
        re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|and)\b"),
    ),
]


def asked(question: str, facts: tuple[Fact, ...]) -> list[str]:
    """What a question is about, as concepts; some ask for a thing without its name ("how do I get there?")."""
    plain = normal(question)
    instead = _in_other_words(plain, facts)
    if instead is not None:
        return [instead]
    words = concepts(question)
    if _TELLS_AGE.search(plain) and any("old enough" in about(fact) for fact in facts):
        return ["old enough"]
    if (young := _YOUNG.search(plain)) is not None and any("child" in about(fact) for fact in facts):
        return [*(word for word in words if not is_figure(word) and word != young["who"]), "child"]
    if _YEARS_OLD.search(plain):
        words = [*(word for word in words if word != "year"), "child"]
    # "Where can I park?" is about parking: only a bare "where are you?" asks the address.
    if "address" in words and len([word for word in words if not is_weak(word)]) > 1 and "where" in plain.split():
        words.remove("address")
    if {"email", "website"} & set(words) and "address" in words:
        words.remove("address")
    return words


def _in_other_words(plain: str, facts: tuple[Fact, ...]) -> str | None:
    if _WAYS_TO_PAY.search(plain):
        return "card" if any("card" in about(fact) for fact in facts) else "cash"
    for pattern, matter in (
        (_WHO_WORKS, "staff"),
        (_WHERE_TO, "area"),
        (_ARRIVING, "check"),
        (_LEAVE_THE_CAR, "park"),
        (_GETTING_THERE, "address"),
    ):
        if pattern.search(plain) and any(matter in about(fact) for fact in facts):
            return matter
    return None


_OF_THEIRS = re.compile(r"\b(?:my|our|his|her|their) (?P<what>[a-z]+)\b")
_PRESUPPOSES = re.compile(r"^(?:\w+ ){0,3}?(?:when|where|how much|how long|what time|what days?|which days?)\b")


def presupposed(question: str) -> list[str]:
    """What belongs to the caller where only time, place or price is asked: "when can I get my ear pierced?"."""
    plain = normal(question)
    if not _PRESUPPOSES.search(plain):
        return []
    return [word for match in _OF_THEIRS.finditer(plain) for word in concepts(match["what"])]


_YOUNG = re.compile(
    r"\b(?P<who>\w+) (?:is|are) (?:only |just |nearly |almost )?(?:[1-9]|1[0-7]|one|two|three|four|five|six|seven|"
    r"eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen)"
    r"(?= (?:and|years?|but|so|can|could|is|may|will)\b|$)|"
    r"\bmy (?:son|daughter|child|kid|boy|girl|brother|sister|nephew|niece|grandson|granddaughter)'s (?:only |just )?"
    r"(?:[1-9]|1[0-7]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen)\b"
)


@remembered
def about(fact: Fact) -> frozenset[str]:
    """What a fact is about; where something lies or whom it serves counts, whatever its words."""
    words = set(concepts(fact.text))
    if _LIES.search(fact.text):
        words.add("address")
    if _SERVES.search(fact.text.lower()):
        words.add("area")
    if _OUR_PEOPLE.search(fact.text):
        words.add("staff")
    if _OLD_ENOUGH.search(fact.text):
        words.add("old enough")
    if _AGED.search(fact.text):
        words.add("child")
    return frozenset(words)


def right_kind(question: str, fact: Fact) -> bool:
    """Whether a fact has the kind of thing that the question asks for: a price, a time, a length."""
    plain, text = normal(question), fact.text.lower()
    return all(evidence.search(text) for asks, evidence in _KINDS if asks.search(plain))


def is_weak(word: str) -> bool:
    """Whether a word only shapes a question. Figures do as well: "a child of eight" is about children."""
    return word in _WEAK or is_shaping(word)


def is_shaping(word: str) -> bool:
    """Whether a word is a figure or a day, and names no matter even by itself."""
    return is_figure(word) or word in _DAYS


def is_figure(word: str) -> bool:
    """Whether a word is a number, or nothing but "now"."""
    return word.isdigit() or word in UNITS or word in TENS or word == "now"


def is_day(word: str) -> bool:
    """Whether a word names a day or a part of one: it counts in full when a fact names days too."""
    return word in _DAYS
