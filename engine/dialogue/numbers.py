"""Numbers as they are said and as a recogniser writes them."""

from __future__ import annotations

import re
from itertools import pairwise

_UNIT_WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_ORDINAL_WORDS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"""
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS = {word: n for n, word in enumerate(_UNIT_WORDS.split())}
_TENS = {word: 10 * n for n, word in enumerate(_TENS_WORDS.split(), 2)}
_ORDINALS = {word: n for n, word in enumerate(_ORDINAL_WORDS.split(), 1)} | {"thirtieth": 30}
_DIGIT_WORDS = {word: str(n) for word, n in _UNITS.items() if n < 10} | {"oh": "0", "o": "0", "nought": "0"}
_REPEATS = {"double": 2, "triple": 3}
_ANY_UNIT = "|".join([*list(_UNITS)[1:10], *list(_ORDINALS)[:9]])
_PAIR = re.compile(rf"\b(?P<tens>{'|'.join(_TENS)})[ -](?P<unit>{_ANY_UNIT})\b")
_PHONE_RUN = re.compile(r"\+?\d[\d ()/.-]*\d")
_LEAST_DIGITS = 5


def digits_for_words(text: str) -> str:
    """Normal text with number words as figures: "half past two" becomes "half past 2", "third" becomes "3th"."""
    paired = _PAIR.sub(_pair, text)
    return " ".join(_figure(word) for word in paired.split())


def _pair(match: re.Match[str]) -> str:
    unit = match["unit"]
    value = _TENS[match["tens"]] + (_UNITS.get(unit) or _ORDINALS[unit])
    return f"{value}th" if unit in _ORDINALS else str(value)


def _figure(word: str) -> str:
    if word in _ORDINALS:
        return f"{_ORDINALS[word]}th"
    value = _UNITS.get(word, _TENS.get(word))
    return word if value is None else str(value)


def phone_number(text: str) -> str | None:
    """A telephone number said digit by digit or written in figures, as digits (a leading + is kept)."""
    spelled = _digits_said(text)
    runs = [re.sub(r"[^\d+]", "", run) for run in _PHONE_RUN.findall(spelled)]
    best = max(runs, key=len, default="")
    return best if len(best.lstrip("+")) >= _LEAST_DIGITS else None


def _digits_said(text: str) -> str:
    out: list[str] = []
    times = 1
    for word in re.findall(r"\+?\d+|[a-z]+|[^\sa-z\d]", text.lower().replace("plus ", "+")):
        if word in _REPEATS:
            times = _REPEATS[word]
            continue
        digit = _DIGIT_WORDS.get(word, word)
        out.append(digit * times if digit.isdigit() else digit)
        times = 1
    return re.sub(r"(?<=\d)[ ,.\-]+(?=\d)", "", " ".join(out)).replace("+ ", "+")


def spoken_digits(number: str) -> str:
    """A telephone number in groups that a voice reads digit by digit and a caller can check."""
    figures = [char for char in number if char.isdigit()]
    lead = "plus " if number.startswith("+") else ""
    # The area code takes what three-digit groups leave over: 0 7 7 0 0, 9 0 0, 1 2 3.
    first = 3 + len(figures) % 3 if len(figures) > 5 else len(figures)
    starts = [0, *range(first, len(figures), 3), len(figures)]
    groups = [" ".join(figures[begin:end]) for begin, end in pairwise(starts)]
    return lead + ", ".join(group for group in groups if group)
