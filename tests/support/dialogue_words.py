"""Whether words mean the same: `14:30`, `2:30 pm` and "half past two" are one time, `£45` and "45 pounds" one price."""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"\w+")
_UNITS: Final = _WORD.findall(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = _WORD.findall("twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS: Final = _WORD.findall(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth"
)
NUMBER_WORDS: Final[dict[str, int]] = (
    {word: value for value, word in enumerate(_UNITS)}
    | {word: value * 10 for value, word in enumerate(_TENS, 2)}
    | {word: value for value, word in enumerate(_ORDINALS) if word not in ("zeroth", "second")}
    | {"twentieth": 20, "thirtieth": 30}
)
MONTHS: Final = _WORD.findall("january february march april may june july august september october november december")
WEEKDAYS: Final = _WORD.findall("monday tuesday wednesday thursday friday saturday sunday")
_CURRENCIES: Final = {"£": "pounds", "$": "dollars", "€": "euros"}
_TIME: Final = re.compile(r"(\d{1,2}):(\d\d)")
_DATE: Final = re.compile(rf"(\d{{1,2}}) ({'|'.join(MONTHS)})")
_BEFORE_AN_HOUR: Final = "at|for|from|to|until|till|by|about|around|before|after|and|or|is|between"


def plain(text: str) -> str:
    """Words in small letters, numbers as figures, amounts with their currency behind, no punctuation."""
    text = text.lower().replace("’", "'").replace("&", " and ").replace("…", " ")
    text = re.sub(r"([£$€])\s?(\d+(?:[.,]\d+)*)", lambda found: f"{found[2]} {_CURRENCIES[found[1]]}", text)
    text = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", text)
    text = re.sub(r"(\d)\s?(am|pm)\b", r"\1 \2", text)
    text = re.sub(r"(\d+)(?:st|nd|rd|th)\b", r"\1", text)
    text = re.sub(r"(\d)[.]00\b", r"\1", text)
    words = re.findall(r"[^\W_]+(?:[:.'@_/+][^\W_]+)*", text)
    return " ".join(_figures(words))


def _figures(words: list[str]) -> list[str]:
    """Number words as figures: `forty five` is one number, `two thirty` are two."""
    out: list[str] = []
    tens = False
    for word in words:
        value = NUMBER_WORDS.get(word)
        if value is None:
            out.append(word)
        elif tens and 0 < value < 10:
            out[-1] = str(int(out[-1]) + value)
        else:
            out.append(str(value))
        tens = value is not None and value >= 20 and value % 10 == 0
    return out


def says(answer: str, wanted: str) -> bool:
    """Whether an answer has one of the `a|b` alternatives in it, as whole words, times and dates in any wording."""
    return any(_has(plain(answer), choice.strip()) for choice in wanted.split("|"))


def says_outright(answer: str, unwanted: str) -> bool:
    """Like `says`, but a time counts only where morning and afternoon are told apart."""
    text = plain(answer)
    return any(_has(text, choice.strip(), strict=True) for choice in unwanted.split("|"))


def _has(text: str, phrase: str, strict: bool = False) -> bool:
    if found := _TIME.fullmatch(phrase):
        return any(re.search(form, text) for form in _time_forms(int(found[1]), int(found[2]), strict))
    words = plain(phrase)
    if found := _DATE.fullmatch(words):
        day, month = found.groups()
        forms = [words, f"{day} of {month}", f"{month} {day}", f"{month} the {day}", f"the {day}"]
        return any(f" {form} " in f" {text} " for form in forms)
    return f" {words} " in f" {text} "


def _time_forms(hour: int, minute: int, strict: bool) -> list[str]:
    """Patterns of how a time of day is said."""
    twelve, half = hour % 12 or 12, "am" if hour < 12 else "pm"
    other = "pm" if half == "am" else "am"
    forms = [rf"\b0?{hour}:{minute:02}\b(?! pm)" if hour > 12 or strict else rf"\b0?{hour}:{minute:02}\b(?! {other})"]
    if strict and 1 <= hour <= 12 and half == "am":
        forms = [rf"\b0{hour}:{minute:02}\b" if hour < 10 else rf"\b{hour}:{minute:02}\b(?! pm)"]
    forms.append(rf"\b{twelve}(?::| ){minute:02} {half}\b")
    if minute == 0:
        forms.append(rf"(?<!:)\b{twelve} {half}\b")
        forms += [r"\bnoon\b", r"\bmidday\b"] if hour == 12 else []
    if strict:
        return forms
    clock = {0: [rf"{twelve} o'clock", rf"(?:{_BEFORE_AN_HOUR}) {twelve}(?![:.]|\d| \d| minutes)"],
             15: [rf"quarter past {twelve}"], 30: [rf"half past {twelve}"],
             45: [rf"quarter to {twelve % 12 + 1}"]}.get(minute, [])  # fmt: skip
    return forms + [rf"\b{form}\b(?! {other})" for form in [*clock, rf"{twelve}(?::| ){minute:02}"]]
