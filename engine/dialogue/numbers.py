"""Numbers as they are said and as a recogniser writes them."""

from __future__ import annotations

import re

_UNIT_WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_ORDINAL_WORDS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"""
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS = {word: n for n, word in enumerate(_UNIT_WORDS.split())}
TENS = {word: 10 * n for n, word in enumerate(_TENS_WORDS.split(), 2)}
_ORDINALS = {word: n for n, word in enumerate(_ORDINAL_WORDS.split(), 1)} | {"thirtieth": 30}
_ANY_UNIT = "|".join([*list(UNITS)[1:10], *list(_ORDINALS)[:9]])
_PAIR = re.compile(rf"\b(?P<tens>{'|'.join(TENS)})[ -](?P<unit>{_ANY_UNIT})\b")


def digits_for_words(text: str) -> str:
    """Normal text with number words as figures: "half past two" becomes "half past 2", "third" becomes "3th"."""
    paired = _PAIR.sub(_pair, text)
    return " ".join(_figure(word) for word in paired.split())


def _pair(match: re.Match[str]) -> str:
    unit = match["unit"]
    value = TENS[match["tens"]] + (UNITS.get(unit) or _ORDINALS[unit])
    return f"{value}th" if unit in _ORDINALS else str(value)


def _figure(word: str) -> str:
    if word in _ORDINALS:
        return f"{_ORDINALS[word]}th"
    value = UNITS.get(word, TENS.get(word))
    return word if value is None else str(value)
