"""What holds of every answer in every dialogue: it is not empty, repeats no sentence and invents nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from tests.support.dialogue_words import MONTHS, NUMBER_WORDS, WEEKDAYS, plain, says
from tests.support.dialogues import Dialogue, Tool

_DAYS_AHEAD: Final = 21
_YES: Final = (
    "yes|yeah|yep|yup|yes please|aye|correct|right|that's right|that's it|perfect|sure|ok|okay|okey|please do|go ahead|"
    "exactly|fine|good|great|lovely|do that|book it|confirm|confirmed|brilliant|wonderful|spot on|absolutely"
)
_FAMILIAR: Final = {
    *MONTHS, *WEEKDAYS, "i", "i'm", "i'll", "i've", "i'd", "english", "ok", "okay", "mr", "mrs", "ms", "dr",
}  # fmt: skip
_NUMBER: Final = re.compile(r"(?<![\w.:])(\d{1,2}):(\d\d)(?![\w:])|(?<![\w.:])(\d+(?:[.,]\d+)*)(?: (am|pm))?(?![\w:])")
_AROUND_THE_HOUR: Final = re.compile(r"\b(quarter|\d{1,2})(?: minutes)? (past|after|to|before|of) (\d{1,2})\b")
_FAR: Final = re.compile(r"\b(weeks?|months?|year|end of|christmas|fortnight|days)\b")
_AMOUNT: Final = r"pounds|dollars|euros|pence|cents|percent"
_MONTH: Final = "|".join(MONTHS)


@dataclass(slots=True)
class Heard:
    """Everything an answer may draw on, and the answers so far."""

    dialogue: Dialogue
    sources: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    told: int = 0
    """How many of the sources were there before anybody spoke."""

    def __post_init__(self) -> None:
        business, now = self.dialogue.business, self.dialogue.now
        told = [str(tool.spec) for tool in business.tools.values()]
        self.sources += [business.instructions, business.greeting, self.dialogue.context, *told]
        self.sources.append(f"{now:%H:%M} {now.year} {now.year + 1}")
        self.told = len(self.sources)


def global_problems(answer: str, heard: Heard) -> list[str]:
    """What is wrong with an answer, whatever was asked."""
    if not answer.strip():
        return ["the caller hears nothing at all"]
    return [*_repeated(answer), *_invented_names(answer, heard.sources), *_invented_numbers(answer, heard),
            *_wrong_dates(answer, heard)]  # fmt: skip


def unconfirmed(tool: Tool, arguments: dict[str, Any], words: str | None, heard: Heard) -> list[str]:
    """Why a call that changes something is not what the caller just agreed to."""
    lately = " ".join(heard.answers[-2:])
    problems = []
    if words is None or not says(words, _YES):
        problems.append(f"{tool.name} is called without a yes")
    if not any(answer.rstrip().endswith("?") for answer in heard.answers[-2:]):
        problems.append(f"{tool.name} is called though nothing was asked just before")
    problems += [
        f"{tool.name}: {name}={value!r} was not read back"
        for name, value in arguments.items()
        if not _read_back(name, value, lately, heard.answers)
    ]
    return problems


def _read_back(name: str, value: Any, lately: str, answers: list[str]) -> bool:
    text = str(value)
    if isinstance(value, bool) or not text:
        return True
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = date.fromisoformat(text)
        return says(lately, f"{day.day} {day:%B}|{day:%A}|today|tomorrow")
    if re.fullmatch(r"\d\d:\d\d(:\d\d)?", text):
        return says(lately, text[:5])
    if isinstance(value, int):
        return says(lately, text)
    if re.search(r"\d{5}", re.sub(r"\D", "", text)):
        return re.sub(r"\D", "", text) in re.sub(r"\D", "", plain(lately))
    if "name" in name:
        return says(" ".join(answers), text)
    return True


def _repeated(answer: str) -> list[str]:
    sentences = [plain(one) for one in re.split(r"(?<=[.!?])\s+", answer) if plain(one)]
    return [f"the same sentence twice: {one!r}" for one in sorted({s for s in sentences if sentences.count(s) > 1})]


def _invented_names(answer: str, sources: list[str]) -> list[str]:
    known = set(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*|[^\W\d_]+", " ".join(sources).lower().replace("’", "'")))
    spelled = "".join(re.findall(r"\b[a-z]\b", " ".join(sources).lower()))
    found = re.findall(r"(?<=[a-z,;:] )[\"'“‘]?([A-Z][^\W\d_]*(?:['’][^\W\d_]+)*)", answer)
    return [
        f"{name!r} is invented: nobody said it"
        for name in dict.fromkeys(found)
        if not _known(name.lower().replace("’", "'"), known) and name.lower().replace("'", "") not in spelled
    ]


def _known(name: str, known: set[str]) -> bool:
    return len(name) == 1 or name in _FAMILIAR or name in known or name.removesuffix("'s") in known


# -- numbers ----------------------------------------------------------------------------------------------------------


def _invented_numbers(answer: str, heard: Heard) -> list[str]:
    text = _without_dates(_without_telephone_numbers(plain(answer), heard.sources))
    text = re.sub(r"\b(28|29|30|31) days\b", " ", text)  # a month's length is nobody's invention
    numbers, times = _sourced(heard)
    problems = []
    for found in re.finditer(
        r"(?<![\w.:])(\d{1,2}):(\d\d)(?![\w:])|(?<![\w.:])(\d[\d.,]*)(?: (am|pm))?(?![\w:])", text
    ):
        hour, minute, number, half = found.groups()
        if hour is not None or half is not None:
            known = (int(hour or number) % 12 * 60 + int(minute or 0)) in times
        else:
            known = number in numbers or (number.isdigit() and int(number) <= 12 and int(number) % 12 * 60 in times)
            known = known or (number.isdigit() and _small_word(answer, int(number)))
        if not known:
            problems.append(f"{found[0].strip()!r} is invented: nobody said it and no fact has it")
    return problems


def _small_word(answer: str, number: int) -> bool:
    """Whether a number is only there as a word ("one moment") and is no amount of money."""
    digits = re.search(rf"(?<!\d){number}(?!\d)", answer)
    amount = re.search(rf"\b{number} (?:{_AMOUNT})\b", plain(answer))
    return not digits and not amount and number <= 12


def _sourced(heard: Heard) -> tuple[set[str], set[int]]:
    """All numbers that may be said, and all times, in minutes on a dial of twelve hours."""
    numbers: set[str] = set()
    times: set[int] = set()
    for source in heard.sources:
        text = plain(source)
        numbers.update(re.findall(r"\d+(?:[.,]\d+)*", text))
        times |= _times(text)
    now = heard.dialogue.now.hour * 60 + heard.dialogue.now.minute
    spoken = " ".join(heard.sources)
    if re.search(r"\b(hours?|minutes?)\b", spoken):
        spans = [5, 10, 15, 20, 30, 40, 45, 60, 90, 120, 150, 180]
        for base in [now, *times]:
            for span in spans:
                times |= _rounded(base + span) | {(base - span) % 720}
    return numbers, times


def _rounded(minutes: int) -> set[int]:
    grids = (1, 5, 15, 30, 60)
    return {(-(-minutes // grid) * grid) % 720 for grid in grids} | {minutes // grid * grid % 720 for grid in grids}


def _times(text: str) -> set[int]:
    found = {int(h) % 12 * 60 + int(m) for h, m in re.findall(r"\b(\d{1,2})[:.](\d\d)\b", text) if int(m) < 60}
    found |= {int(n) // 100 % 12 * 60 + int(n) % 100 for n in re.findall(r"\b(\d{3,4})\b", text) if int(n) % 100 < 60}
    found |= {int(h) % 12 * 60 + int(m) for h, m in re.findall(r"\b(\d{1,2}) (\d{2})\b", text) if int(m) < 60}
    found |= {int(h) % 12 * 60 for h in re.findall(r"\b(\d{1,2})\b", text)}
    found |= {int(h) % 12 * 60 + 30 for h in re.findall(r"half (?:past )?(\d{1,2})\b", text)}
    found |= {(int(h) - 1) % 12 * 60 + 30 for h in re.findall(r"half (\d{1,2})\b", text)}
    for count, which, hour in re.findall(
        r"\b(quarter|\d{1,2})(?: minutes)? (past|after|to|before|of) (\d{1,2})\b", text
    ):
        minutes = 15 if count == "quarter" else int(count)
        found.add((int(hour) * 60 + (minutes if which in ("past", "after") else -minutes)) % 720)
    return found | ({0} if re.search(r"\b(noon|midday|midnight|lunchtime)\b", text) else set())


def _without_telephone_numbers(text: str, sources: list[str]) -> str:
    """Cut out runs of six digits and more that were said or stand in a fact."""
    stream = [_digits(source) for source in sources] + [_digits(" ".join(sources[-8:]))]

    def cut(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found[0])
        return " " if len(digits) >= 6 and any(digits in one for one in stream) else found[0]

    return re.sub(r"\+?\d+(?: \d+)+|\+?\d{6,}", cut, text)


def _digits(source: str) -> str:
    """The digits of a text as they are dictated: "double seven", "oh"."""
    out = ""
    times = 1
    for word in plain(source).split():
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
            continue
        digits = "0" if word in ("oh", "o", "nought", "naught") else re.sub(r"\D", "", word)
        out += digits[:1] * (times - 1) + digits
        times = 1
    return out


# -- dates ------------------------------------------------------------------------------------------------------------


def _dates(text: str) -> list[tuple[str | None, int, str]]:
    """(weekday, day, month) as they are said."""
    weekday = f"(?:({'|'.join(WEEKDAYS)}) (?:the )?)?"
    found = re.findall(rf"{weekday}(\d{{1,2}}) (?:of )?({_MONTH})\b", text)
    turned = re.findall(rf"{weekday}({_MONTH}) (?:the )?(\d{{1,2}})\b(?!:)", text)
    return [(w or None, int(d), m) for w, d, m in found] + [(w or None, int(d), m) for w, m, d in turned]


def _without_dates(text: str) -> str:
    text = re.sub(rf"\b\d{{1,2}} (?:of )?(?:{_MONTH})\b|\b(?:{_MONTH}) (?:the )?\d{{1,2}}\b(?!:)", " ", text)
    return re.sub(rf"\b({'|'.join(WEEKDAYS)}) the \d{{1,2}}\b(?!:)", " ", text)


def _wrong_dates(answer: str, heard: Heard) -> list[str]:
    today = heard.dialogue.now.date()
    said = plain(" ".join(heard.sources))
    far = re.search(
        r"\b(weeks?|months?|year|end of|christmas|fortnight|days)\b", " ".join(map(plain, heard.sources[8:]))
    )
    numbers = set(re.findall(r"\d+", said)) | {str(value) for word, value in NUMBER_WORDS.items() if word in said}
    problems = []
    for weekday, day, month in _dates(plain(answer)):
        when = _next(today, day, MONTHS.index(month) + 1)
        if when is None:
            problems.append(f"there is no {day} {month}")
            continue
        years = [when] + ([_next(today - timedelta(days=366), day, when.month)] if when > today else [])
        if weekday and not any(one and WEEKDAYS[one.weekday()] == weekday for one in years):
            problems.append(f"{day} {month} is no {weekday}")
        if when - today > timedelta(days=_DAYS_AHEAD) and str(day) not in numbers and not far:
            problems.append(f"{day} {month} is invented: nobody named such a day")
    return problems


def _next(today: date, day: int, month: int) -> date | None:
    for year in range(today.year, today.year + 5):
        try:
            when = date(year, month, day)
        except ValueError:
            continue
        if when >= today:
            return when
    return None
