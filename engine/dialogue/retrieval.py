"""Which of the business's facts answers a question, if any does."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

from engine.dialogue import topics
from engine.dialogue.knowledge import Fact
from engine.dialogue.memo import remembered
from engine.dialogue.speaking import sentence
from engine.dialogue.text import concepts, near

_LEAST_COVER = 0.5
_LEAST_TOGETHER = 0.6
_LEAST_ALONE = 0.3
_WEAK_WEIGHT = 0.25
_UNKNOWN_WEAK_WEIGHT = 0.1
_AKIN = 0.75
_PRESUPPOSED = 0.4
_CLOSE_SECOND = 0.8
_FUZZY_LETTERS = 6
_FUZZY_RATIO = 0.87
_GENERAL_PRICES = re.compile(
    r"\b(prices?|price list|do you charge|rates?|cost|how much|cheapest|cheap)\b", re.IGNORECASE
)
_MONEY = re.compile(r"[£$€]\s?\d|\d\s?(?:pounds|euros|dollars)", re.IGNORECASE)
_MOST_PRICES = 3


@dataclass(frozen=True, slots=True)
class Match:
    """A fact, how well it fits (0 to 1), and the asked words it has."""

    fact: Fact
    score: float
    hit: frozenset[str] = frozenset()


def answer(question: str, facts: tuple[Fact, ...], whole: str = "") -> list[str]:
    """The best fact in words, and a second one that fits about as well; none when nothing fits.

    `whole` is the question with what `question` leaves out of it (its day): the kind of answer depends on that too.
    """
    return list(_answer(question, facts, whole or question))


@remembered
def _answer(question: str, facts: tuple[Fact, ...], whole: str) -> list[str]:
    if _GENERAL_PRICES.search(question) and all(topics.is_weak(word) for word in concepts(question)):
        return _least(question, facts) or _prices(facts)
    matches = [match for match in _matches(question, facts) if topics.right_kind(whole, match.fact)]
    best = [match for match in matches if match.score >= _LEAST_COVER]
    if _CHEAPEST.search(question) and (least := _lowest(matches)) is not None:
        return [spoken_fact(least)]
    if best:
        return [spoken_fact(match.fact) for match in best[:2] if match.score >= best[0].score * _CLOSE_SECOND]
    return _together(matches)


def _together(matches: list[Match]) -> list[str]:
    """Two facts that only together speak of most of what was asked: "order a bouquet for delivery"."""
    for first in matches[:2]:
        second = next((other for other in matches if not other.hit & first.hit), None)
        if second is None or first.score + second.score < _LEAST_TOGETHER:
            continue
        if min(first.score, second.score) >= _LEAST_ALONE:
            return [spoken_fact(first.fact), spoken_fact(second.fact)]
    return []


def _prices(facts: tuple[Fact, ...]) -> list[str]:
    return [spoken_fact(fact) for fact in facts if _MONEY.search(fact.text)][:_MOST_PRICES]


_CHEAPEST = re.compile(r"\b(?:cheap\w*|lowest|least|minimum)\b", re.IGNORECASE)
_SMALLEST = re.compile(r"\b(?:smallest|cheapest|minimum|lowest|from|starts?|starting|at least)\b", re.IGNORECASE)


def _least(question: str, facts: tuple[Fact, ...]) -> list[str]:
    """What the cheapest costs, where a fact says so."""
    if not _CHEAPEST.search(question):
        return []
    return [spoken_fact(fact) for fact in facts if _MONEY.search(fact.text) and _SMALLEST.search(fact.text)][:1]


_AMOUNT = re.compile(
    r"[£$€]\s?(?P<before>\d+(?:\.\d+)?)|(?P<after>\d+(?:\.\d+)?)\s?(?:pounds|euros|dollars)", re.IGNORECASE
)


def _lowest(matches: list[Match]) -> Fact | None:
    """Of the facts with a price that speak of what was asked, the one with the lowest."""
    priced = [(float(amount["before"] or amount["after"]), at, match.fact)
              for at, match in enumerate(matches) if (amount := _AMOUNT.search(match.fact.text))]  # fmt: skip
    return min(priced)[2] if len(priced) > 1 else None


def rank(question: str, facts: tuple[Fact, ...]) -> list[Match]:
    """The facts that answer a question by themselves, best first; sharing its small words is not enough."""
    return [match for match in _matches(question, facts) if match.score >= _LEAST_COVER]


def _matches(question: str, facts: tuple[Fact, ...]) -> list[Match]:
    asked = topics.asked(question, facts)
    known = [topics.about(fact) for fact in facts]
    counts = Counter(word for words in known for word in words)
    weights = {word: _weight(word, counts, len(facts)) for word in asked}
    for word in topics.presupposed(question):
        weights[word] = weights.get(word, 0.0) * _PRESUPPOSED
    matches = [_match(asked, weights, words, fact) for fact, words in zip(facts, known, strict=True)]
    return sorted((match for match in matches if match.score > 0), key=lambda match: -match.score)


def _match(asked: list[str], weights: dict[str, float], words: frozenset[str], fact: Fact) -> Match:
    hit = frozenset(word for word in asked if word in words or _resembles(word, words))
    strong = [word for word in asked if not topics.is_weak(word)]
    # A question of weak words alone ("how much is it?", "where can I pay?") may still meet a fact's own key.
    evidence = [word for word in strong if word in hit] or [word for word in asked if word in concepts(fact.key)]
    akin = frozenset(
        word for word in asked if word not in hit and any(one in words or _resembles(one, words) for one in near(word))
    )
    evidence = evidence or list(akin)
    found = sum(weights[word] for word in hit) + _AKIN * sum(weights[word] for word in akin)
    cover = found / (sum(weights.values()) or 1.0)
    if not evidence:
        return Match(fact, 0.0)
    keyed = 0.1 if fact.key and set(concepts(fact.key)) & hit else 0.0
    return Match(fact, cover + keyed + 0.01 * len(hit), hit | akin)


def _weight(word: str, counts: Counter[str], total: int) -> float:
    if topics.is_figure(word):
        return 0.0
    rarity = math.log((total + 1) / (counts.get(word, 0) + 0.5)) + 0.5
    return max(rarity, 0.1) * _share(word, counts)


def _share(word: str, counts: Counter[str]) -> float:
    """A weak word counts little, and hardly at all when no fact has it: it then only belongs to how one asks."""
    if not topics.is_weak(word) or topics.is_day(word):
        return 1.0
    return _WEAK_WEIGHT if counts.get(word, 0) else _UNKNOWN_WEAK_WEIGHT


def _resembles(word: str, words: frozenset[str]) -> bool:
    if f"{word}e" in words or (word[-1:] == "e" and word[:-1] in words):
        return True  # "hire" and "hired": a crude stem keeps the one's last letter and not the other's
    if len(word) < _FUZZY_LETTERS:
        return False
    return any(
        len(other) >= _FUZZY_LETTERS
        and other[0] == word[0]
        and SequenceMatcher(None, word, other).ratio() >= _FUZZY_RATIO
        for other in words
    )


_SAYS_ITSELF = re.compile(
    r"^(we|you|they|there|it|yes|no|please|all|our|the|every|each|each|if|by|ask|call)\b", re.IGNORECASE
)
_HAS_VERB = re.compile(
    r"\b(is|are|was|has|have|can|costs?|accept|offer|opens?|takes?|must|will|need|needs|starts?)\b", re.IGNORECASE
)
_ORDERS = re.compile(
    r"(?:install|call|ask|use|bring|see|go|come|book|order|pay|contact|visit|ring|email|press|leave|take|send|speak|"
    r"check|look|wait)\b"
)
_PLURAL = re.compile(r"(?<![sui])s$", re.IGNORECASE)
_PRICED = re.compile(r"^(?:[£$€]\s?\d|\d[\d.,]*\s?(?:pounds|euros|dollars)\b)", re.IGNORECASE)


def spoken_fact(fact: Fact) -> str:
    """A fact as a sentence for the ear: "Parking: free." becomes "Parking is free."."""
    if not fact.key:
        return sentence(fact.value)
    key, value = fact.key.strip(), fact.value.strip()
    many = bool(_PLURAL.search(key))
    if _SAYS_ITSELF.match(value) or (value[:1].isupper() and _HAS_VERB.search(value)):
        return sentence(value)
    if key.lower() in ("address", "phone", "telephone", "email", "website"):
        return sentence(f"Our {key.lower()} is {value}")
    if _ORDERS.match(value) or _HAS_VERB.search(value):
        return sentence(f"{key}: {value}")
    if _PRICED.match(value):
        return sentence(f"{key} {'cost' if many else 'costs'} {value}")
    return sentence(f"{key} {'are' if many else 'is'} {value}" if value[:1].islower() else f"{key}: {value}")
