"""Which of the business's facts answers a question, if any does."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

from engine.dialogue.calendar import WEEKDAYS
from engine.dialogue.knowledge import Fact
from engine.dialogue.memo import remembered
from engine.dialogue.numbers import TENS, UNITS
from engine.dialogue.speaking import sentence
from engine.dialogue.text import concepts, normal, stem

# Words that shape a question but do not say what it is about: alone they are no reason to pick a fact.
_WEAK_WORDS = """cost pay open close time day long take offer service book appointment business place shop today
tomorrow come make use look call find give people work discount see treat old age here
friendly welcome allowed possible available last minute turn show same bring damage really exactly quick"""
_WEAK = frozenset(_WEAK_WORDS.split())
_WEEKDAYS = frozenset(stem(day) for day in WEEKDAYS) | {
    "now",
    "soon",
    "right",
    "morn",
    "afternoon",
    "even",
    "week",
    "weekend",
}
_LEAST_COVER = 0.5
_WEAK_WEIGHT = 0.25
_CLOSE_SECOND = 0.8
_FUZZY_LETTERS = 6
_FUZZY_RATIO = 0.84
_GENERAL_PRICES = re.compile(r"\b(prices?|price list|do you charge|rates?|cost|how much)\b", re.IGNORECASE)
_MONEY = re.compile(r"[£$€]\s?\d|\d\s?(?:pounds|euros|dollars)", re.IGNORECASE)
_WHO_WORKS = re.compile(
    r"\bwho(?: else)? (?:works?|cuts?|does|do|treats?|sees?|are (?:your|the)|is (?:there|working)|would|will|can|"
    r"looks?)\b(?! i\b)",
    re.IGNORECASE,
)
_LIES = re.compile(
    r"^(?:we|[A-Z][\w &'’]+) (?:are|is|am) (?:at|on|in|located|opposite|next to|near) (?:the corner|unit|number|"
    r"suite|flat|\d|[A-Z][\w'’]+ (?:street|road|lane|avenue|square|place|parade|quay))",
    re.IGNORECASE,
)
_ARRIVING = re.compile(
    r"\b(?:get (?:in|into|inside)|move in|arrive|arriving|check(?:ing)?[ -]?(?:in|out)|be out|get out|"
    r"leave)\s*(?:of )?(?:the |our |my |a )?(?:\brooms?|\bby|\bfrom|\bat|\bon|\?|$)|\b(?:what time|when) (?:can|do|"
    r"could|must|should) we (?:arrive|leave|come)\b|\bcheck[ -]?(?:in|out)\b",
    re.IGNORECASE,
)
_GETTING_THERE = re.compile(
    r"\bhow (?:do|can|would|should) (?:i|we|you) (?:get|find|reach|come) (?:to )?(?:you|there|here|the (?:shop|salon|"
    r"place|office|clinic|restaurant|practice))\b",
    re.IGNORECASE,
)
_YEARS_OLD = re.compile(
    r"\b(?:[1-9]|1[0-7]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen)[- ]years?[- ]olds?\b",
    re.IGNORECASE,
)
_WAYS_TO_PAY = re.compile(
    r"\b(?:how (?:can|do|could|should) (?:i|we|you|people) (?:\w+ )?pay|(?:ways?|methods?|forms?|kinds?|"
    r"types?) (?:of payment|to pay)|payment (?:methods?|options?))\b",
    re.IGNORECASE,
)
_MOST_PRICES = 3


@dataclass(frozen=True, slots=True)
class Match:
    """A fact and how well it fits (0 to 1)."""

    fact: Fact
    score: float


def answer(question: str, facts: tuple[Fact, ...]) -> list[str]:
    """The best fact in words, and a second one that fits about as well; none when nothing fits."""
    return list(_answer(question, facts))


@remembered
def _answer(question: str, facts: tuple[Fact, ...]) -> list[str]:
    if _GENERAL_PRICES.search(question) and all(is_weak(word) for word in concepts(question)):
        return _prices(facts)
    matches = [match for match in rank(question, facts) if _of_the_right_kind(question, match.fact)]
    return [spoken_fact(match.fact) for match in matches[:2] if match.score >= matches[0].score * _CLOSE_SECOND]


# What a question asks for must be in its answer: a price is no answer to "how long", nor a name to "when".
_KINDS = [
    (re.compile(
        r"\bhow much\b|\bprices?\b|\bcosts?\b|\bcharge[ds]?\b|\bfees?\b|\bexpensive\b|\bhow many (?:pounds|euros|"
        r"dollars)\b"),
     re.compile(
         r"[£$€]|\b(?:pounds?|euros?|dollars?|free|costs?|prices?|charges?|fees?|pence|cents|half price|included?|"
         r"percent|discount)\b|%")),
    (re.compile(r"\bhow long\b"),
     re.compile(r"\b(?:minutes?|hours?|days?|weeks?|months?|years?|long|since|takes?)\b|\d")),
    (re.compile(r"^(?:\w+ ){0,3}?what time\b"),
     re.compile(r"\d{1,2}[:.]\d\d|\d ?(?:am|pm)\b|\b(?:noon|midday|midnight|oclock|o'clock|hours?|early|late)\b")),
    (re.compile(r"^(?:\w+ ){0,3}?(?:when|what days?|which days?)\b"),
     re.compile(
         r"\d|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:daily|every|morning|afternoon|evening|weekends?|"
         r"weekdays?|always|never|any time)\b")),
    (re.compile(r"\bhow many\b|\bhow old\b|\bwhat age\b"),
     re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|and)\b")),
]  # fmt: skip


def _of_the_right_kind(question: str, fact: Fact) -> bool:
    plain, text = normal(question), fact.text.lower()
    return all(evidence.search(text) for asks, evidence in _KINDS if asks.search(plain))


def _prices(facts: tuple[Fact, ...]) -> list[str]:
    return [spoken_fact(fact) for fact in facts if _MONEY.search(fact.text)][:_MOST_PRICES]


def rank(question: str, facts: tuple[Fact, ...]) -> list[Match]:
    """The facts that answer a question, best first; those that only share its small words are left out."""
    asked = _asked(question, facts)
    known = [_known(fact) for fact in facts]
    counts = Counter(word for words in known for word in words)
    matches = [
        Match(fact, _score(asked, words, counts, len(facts), fact)) for fact, words in zip(facts, known, strict=True)
    ]
    return sorted((match for match in matches if match.score > 0), key=lambda match: -match.score)


def _known(fact: Fact) -> set[str]:
    """What a fact is about; one that says where something lies is about an address, whatever its words."""
    words = set(concepts(fact.text))
    return words | {"address"} if _LIES.search(fact.text) else words


def _asked(question: str, facts: tuple[Fact, ...]) -> list[str]:
    """What a question is about. "Where can I park?" is about parking: only a bare "where are you?" asks the address."""
    asked = concepts(question)
    if _WAYS_TO_PAY.search(question):
        return ["card"] if any("card" in concepts(fact.text) for fact in facts) else ["cash"]
    if _WHO_WORKS.search(question) and any("staff" in concepts(fact.text) for fact in facts):
        return ["staff"]
    if _ARRIVING.search(question):
        return ["check"]
    if _GETTING_THERE.search(question):
        return ["address"]
    if _YEARS_OLD.search(question):
        asked = [*(word for word in asked if word != "year"), "child"]
    if len([word for word in asked if not is_weak(word)]) > 1 and "where" in normal(question).split():
        asked.remove("address")
    return asked


def _score(asked: list[str], words: set[str], counts: Counter[str], total: int, fact: Fact) -> float:
    weights = {word: _weight(word, counts, total) for word in asked}
    hit = {word for word in asked if word in words or _resembles(word, words)}
    strong = [word for word in asked if not is_weak(word)]
    # A question of weak words alone ("how much is it?", "where can I pay?") may still meet a fact's own key.
    evidence = [word for word in strong if word in hit] or [word for word in asked if word in concepts(fact.key)]
    cover = sum(weights[word] for word in hit) / (sum(weights.values()) or 1.0)
    if not evidence or cover < _LEAST_COVER:
        return 0.0
    keyed = 0.1 if fact.key and set(concepts(fact.key)) & hit else 0.0
    return cover + keyed + 0.01 * len(hit)


def is_weak(word: str) -> bool:
    """Whether a word only shapes a question. Figures shape a question as well: "a child of eight" is about children."""
    return word in _WEAK or word in _WEEKDAYS or _is_figure(word)


def is_shaping(word: str) -> bool:
    """Whether a word is a figure or a day, and names no matter even by itself."""
    return _is_figure(word) or word in _WEEKDAYS


def _weight(word: str, counts: Counter[str], total: int) -> float:
    rarity = math.log((total + 1) / (counts.get(word, 0) + 0.5)) + 0.5
    if _is_figure(word):
        return 0.0
    return max(rarity, 0.1) * (_WEAK_WEIGHT if is_weak(word) and word not in _WEEKDAYS else 1.0)


def _is_figure(word: str) -> bool:
    return word.isdigit() or word in UNITS or word in TENS or word == "now"


def _resembles(word: str, words: set[str]) -> bool:
    if len(word) < _FUZZY_LETTERS:
        return False
    return any(
        len(other) >= _FUZZY_LETTERS and SequenceMatcher(None, word, other).ratio() >= _FUZZY_RATIO for other in words
    )


_SAYS_ITSELF = re.compile(
    r"^(we|you|they|there|it|yes|no|please|all|our|the|every|each|each|if|by|ask|call)\b", re.IGNORECASE
)
_HAS_VERB = re.compile(
    r"\b(is|are|was|has|have|can|costs?|accept|offer|opens?|takes?|must|will|need|needs|starts?)\b", re.IGNORECASE
)
_PLURAL = re.compile(r"(?<![sui])s$", re.IGNORECASE)


def spoken_fact(fact: Fact) -> str:
    """A fact as a sentence for the ear: "Parking: free." becomes "Parking is free."."""
    if not fact.key:
        return sentence(fact.value)
    key, value = fact.key.strip(), fact.value.strip()
    if _SAYS_ITSELF.match(value) or (value[:1].isupper() and _HAS_VERB.search(value)):
        return sentence(value)
    if key.lower() in ("address", "phone", "telephone", "email", "website"):
        return sentence(f"Our {key.lower()} is {value}")
    return (
        sentence(f"{key} {'are' if _PLURAL.search(key) else 'is'} {value}")
        if value[:1].islower()
        else sentence(f"{key}: {value}")
    )
