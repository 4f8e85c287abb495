"""Telephone numbers: said digit by digit, in pieces over several turns, and read back in groups."""

from __future__ import annotations

import re
from itertools import pairwise

from engine.dialogue.numbers import TENS, UNITS

_DIGIT_WORDS = {word: str(n) for word, n in UNITS.items()} | {word: str(n) for word, n in TENS.items()}
_DIGIT_WORDS |= {"oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0"}
_REPEATS = {"double": 2, "triple": 3, "treble": 3}
_RUN = re.compile(r"\+?\d[\d ()/.-]*\d|\+?\d")
_LEAST_DIGITS = 5
_WHOLE_DIGITS = 7
_NATIONAL_DIGITS = 9
_NOT_DIGITS = re.compile(
    r"\b(?:no|sorry|not|wait|is|it|my|the|number|mobile|cell|phone|and|then|yes|yeah|so|um|uh|er|erm|okay|ok|sure|"
    r"please|on|that|rest)\b"
)


def phone_number(text: str) -> str | None:
    """A telephone number said digit by digit or written in figures, as digits (a leading + is kept)."""
    best = max(_runs(text), key=len, default="")
    return best if len(best.lstrip("+")) >= _LEAST_DIGITS else None


def only_digits(text: str) -> str | None:
    """The digits of an utterance that consists of nothing else, however few: a piece of a number."""
    runs = _runs(text)
    rest = re.sub(r"[\d\s]", "", _NOT_DIGITS.sub("", re.sub(r"[^\w\s]", "", spelled_out(text))))
    return "".join(runs) if runs and not rest else None


def unfinished(number: str) -> bool:
    """Whether a number is too short to be whole: one that begins with 0 or + is a long one."""
    figures = number.lstrip("+")
    return len(figures) < (_NATIONAL_DIGITS if number[:1] in "0+" else _WHOLE_DIGITS)


def _runs(text: str) -> list[str]:
    return [re.sub(r"[^\d+]", "", run) for run in _RUN.findall(spelled_out(text))]


def spelled_out(text: str) -> str:
    """Small letters, with figures for the digits that were said one by one, "double" and "hundred" worked out."""
    out: list[str] = []
    times = 1
    # "Seventy-seven" is 77 and "nine hundred" is 900; "twenty, one" stays 20 1.
    plain = re.sub(r"\b(\w+)ty[ -](one|two|three|four|five|six|seven|eight|nine)\b", _tens, text.lower())
    for word in re.findall(r"\+?\d+|[a-z]+|[^\sa-z\d]", plain.replace("plus ", "+")):
        if word in _REPEATS:
            times = _REPEATS[word]
            continue
        if word == "hundred" and out and out[-1].isdigit():
            out[-1] += "00"
            continue
        digit = _DIGIT_WORDS.get(word, word)
        out.append(digit * times if digit.isdigit() else digit)
        times = 1
    return re.sub(r"(?<=\d)[ ,.\-]+(?=\d)", "", " ".join(out)).replace("+ ", "+")


def _tens(match: re.Match[str]) -> str:
    tens = TENS.get(f"{match[1]}ty")
    return match[0] if tens is None else str(tens + UNITS[match[2]])


def spoken_digits(number: str) -> str:
    """A telephone number in groups that a voice reads digit by digit and a caller can check."""
    figures = [char for char in number if char.isdigit()]
    lead = "plus " if number.startswith("+") else ""
    # The area code takes what three-digit groups leave over: 0 7 7 0 0, 9 0 0, 1 2 3.
    first = 3 + len(figures) % 3 if len(figures) > 5 else len(figures)
    starts = [0, *range(first, len(figures), 3), len(figures)]
    groups = [" ".join(figures[begin:end]) for begin, end in pairwise(starts)]
    return lead + ", ".join(group for group in groups if group)
