"""Times of day: found in what was said, resolved into opening hours, and said again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from engine.dialogue.memo import remembered
from engine.dialogue.numbers import digits_for_words

_PM = (
    r"pm|in the afternoon|in the evening|at night|this afternoon|this evening|tonight|afternoons?|evenings?|"
    r"lunchtime|lunch"
)
_AM = r"am|in the morning|this morning|tomorrow morning|mornings?"
_HALF = rf"(?:\s*(?:(?P<pm>{_PM})|(?P<am>{_AM}))\b)"
_NOT_A_TIME = (
    r"(?!\s?(?:pounds|euros|dollars|percent|%|people|persons|guests|adults|children|kids|minutes?|mins|hours?|days?|"
    r"weeks?|"
    r"months?|years?|of us|st\b|nd\b|rd\b|th\b|appointments|times|one\b)|[:.]\d|\d)"
)
_START = r"(?<![\d£$€:.,#])"
_AMOUNT = r"(?P<amount>a quarter|quarter|half|\d{1,2})(?: minutes?)?"
_MINUTES = {"quarter": 15, "a quarter": 15, "half": 30}
_DAYPART = re.compile(rf"\b(?:(?P<pm>{_PM})|(?P<am>{_AM}))\b")
_WORDS = {"noon": (12, 0), "midday": (12, 0), "midnight": (0, 0)}

# Tried in this order; what one has matched is hidden from the next.
_PATTERNS = [
    re.compile(
        rf"{_START}\b{_AMOUNT} (?P<way>past|after|to|before|till|"
        rf"of) (?P<hour>\d{{1,2}})\b{_NOT_A_TIME}(?: oclock)?{_HALF}?"
    ),
    re.compile(rf"{_START}\b{_AMOUNT} (?P<way>past|after|to|before) (?P<word>noon|midday|midnight)\b"),
    re.compile(r"\b(?:12 )?(?P<word>noon|midday|midnight)\b"),
    re.compile(rf"{_START}(?P<hour>\d{{1,2}})\s?[:.]\s?(?P<minute>[0-5]\d)\b{_NOT_A_TIME}{_HALF}?"),
    re.compile(rf"\bhalf (?P<half>\d{{1,2}})\b{_NOT_A_TIME}{_HALF}?"),
    re.compile(rf"{_START}\b(?P<hour>\d{{1,2}}) (?P<minute>[0-5]\d)\b{_NOT_A_TIME}{_HALF}?"),
    re.compile(rf"{_START}\b(?P<hour>\d{{1,2}}) ?oclock{_HALF}?"),
    re.compile(rf"{_START}\b(?P<hour>\d{{1,2}})(?: ish)?{_HALF}"),
    re.compile(rf"{_START}\b(?P<hour>\d{{1,2}})(?P<minute>[0-5]\d){_HALF}"),
    re.compile(rf"{_START}\b(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d) (?:hours|hundred)\b"),
    re.compile(
        rf"\b(?:at hour|at|around|about|by|for|from|after|say|that|it|to|until|"
        rf"before) (?P<hour>\d{{1,2}})(?P<minute>[0-5]\d)\b{_NOT_A_TIME}"
    ),
    re.compile(
        rf"\b(?:at hour|at|around|by|from|after|before|until|till|say|make it|make that|change it to|change that to|"
        rf"change to|move it to|"
        rf"time to|how about|what about|have|do|took|rather|prefer|or) (?:about |around |"
        rf"say )?(?P<hour>\d{{1,2}})\b{_NOT_A_TIME}"
    ),
    re.compile(
        rf"{_START}\b(?P<hour>\d{{1,2}})(?P<minute>[0-5]\d)? (?:instead|then|ish|sharp|free|available|possible|"
        rf"still free|would be|is (?:fine|good|"
        rf"better|okay|ok|perfect|great|ideal)|works|suits|would (?:suit|work))\b"
    ),
]
_WHEN_ASKED = [
    re.compile(rf"{_START}\b(?P<hour>\d{{1,2}})(?P<minute>[0-5]\d)\b{_NOT_A_TIME}"),
    re.compile(rf"{_START}\b(?P<hour>\d{{1,2}})\b{_NOT_A_TIME}"),
]
# "At ten, no, eleven": a bare figure counts where it takes back a time.
_AFTER_CORRECTION = re.compile(
    rf"\b(?:no|sorry|wait|mean|rather|actually|make that)\b (?:(?:no|sorry|i mean|at|"
    rf"make that) )*(?P<hour>\d{{1,2}})(?::(?P<minute>[0-5]\d))?\b{_NOT_A_TIME}(?! [a-z]+ (?:street|road|avenue|"
    rf"lane))"
)
# A recogniser hears "two thirty" as "to 30" and "four fifteen" as "for 15".
_MISHEARD = re.compile(r"^(?P<word>to|too|for) (?=[0-5]\d$)")


@dataclass(frozen=True, slots=True)
class TimeSaid:
    """A time as said: `hour` 0 to 23; `sure` is False when morning or afternoon was left open."""

    hour: int
    minute: int
    sure: bool

    def candidates(self) -> list[time]:
        """The times it can mean, morning first."""
        if self.sure or self.hour > 12 or self.hour == 0:
            return [time(self.hour, self.minute)]
        return sorted({time(self.hour % 12, self.minute), time(self.hour % 12 + 12, self.minute)})

    def within(self, openings: tuple[tuple[time, time], ...]) -> list[time]:
        """Those of them at which the business is open."""
        return [one for one in self.candidates() if any(start <= one < end for start, end in openings)]


@remembered
def find_time(text: str, asked: bool = False) -> TimeSaid | None:
    """The LAST time in a text (a caller corrects forward); `asked` also takes a bare "two" or "230"."""
    plain = _prepared(text)
    if asked:
        plain = _MISHEARD.sub(lambda match: "4 " if match["word"] == "for" else "2 ", plain)
    found: dict[int, TimeSaid] = {}
    for pattern in _PATTERNS + (_WHEN_ASKED if asked else []):
        for match in pattern.finditer(plain):
            said = _read(match.groupdict())
            if said is not None:
                found[match.start()] = said
                plain = plain[: match.start()] + "#" * len(match[0]) + plain[match.end() :]
    corrected = _AFTER_CORRECTION.search(plain, max(found)) if found else None
    if corrected is not None and (said := _read(corrected.groupdict())) is not None:
        return _with_daypart(said, plain)
    return _with_daypart(found[max(found)], plain) if found else None


def all_times(text: str) -> list[time]:
    """Every clock time written in a text as 14:30 or 2:30 pm, in order: how a tool's answer names what is free."""
    times = []
    for match in re.finditer(r"\b(\d{1,2})[:.]([0-5]\d)(?: ?([ap])\.?m\b)?|\b(\d{1,2}) ?([ap])\.?m\b", text.lower()):
        hour, half = int(match[1] or match[4]), match[3] or match[5]
        hour = hour % 12 + (12 if half == "p" else 0) if half else hour
        if hour < 24:
            times.append(time(hour, int(match[2] or 0)))
    return times


def find_daypart(text: str) -> str | None:
    """ "morning", "afternoon" or "evening" when a text names a part of the day."""
    part = _DAYPART.search(_prepared(text))
    if part is None:
        return None
    return "morning" if part["am"] else "evening" if re.search(r"evening|night", part["pm"]) else "afternoon"


def in_part(said: TimeSaid, part: str | None) -> TimeSaid:
    """A time with the part of the day that is known from elsewhere."""
    return said if said.sure or part is None else _with_half(said, pm=part != "morning", am=part == "morning")


def _prepared(text: str) -> str:
    plain = text.lower().replace("’", "'").replace("o'clock", "oclock")
    plain = re.sub(r"\b([ap])\.?\s?m\b\.?", r"\1m", plain)
    plain = re.sub(r"(?<=[a-z\d])-(?=[a-z])", " ", plain)
    plain = re.sub(r"(?<!\d)[.,!?;:]|[.,!?;:](?!\s?\d)|,", " ", plain)
    plain = re.sub(r"(?<=\d)(am|pm|ish)\b", r" \1", digits_for_words(plain))
    return re.sub(r"\b(\d{1,2}) (?:oh?|0) ?(\d)\b(?! ?\d)", r"\1:0\2", plain)


def _read(parts: dict[str, str | None]) -> TimeSaid | None:
    if parts.get("word") and not parts.get("amount"):
        return TimeSaid(*_WORDS[str(parts["word"])], sure=True)
    if parts.get("half"):
        hour, minute = int(parts["half"] or 0), 30
    else:
        hour, minute = int(parts.get("hour") or 12), int(parts.get("minute") or "0")
    if parts.get("amount"):
        hour, minute = _relative(hour, str(parts["amount"]), str(parts["way"]))
    if hour > 23 or minute > 59:
        return None
    return _with_half(
        TimeSaid(hour, minute, sure=hour > 12 or hour == 0), pm=bool(parts.get("pm")), am=bool(parts.get("am"))
    )


def _relative(hour: int, amount: str, way: str) -> tuple[int, int]:
    minutes = _MINUTES.get(amount) or int(amount)
    if way in ("past", "after"):
        return hour, minutes
    return (hour - 1 if hour > 1 else 12), 60 - minutes


def _with_half(said: TimeSaid, *, pm: bool, am: bool) -> TimeSaid:
    if said.hour > 12 or not (pm or am):
        return said
    return TimeSaid(said.hour % 12 + (12 if pm else 0), said.minute, sure=True)


def _with_daypart(said: TimeSaid, rest: str) -> TimeSaid:
    """ "Tomorrow afternoon at two": the half of the day stands elsewhere in the sentence."""
    part = _DAYPART.search(rest)
    if said.sure or part is None:
        return said
    return _with_half(said, pm=bool(part["pm"]), am=bool(part["am"]))


def resolve(said: TimeSaid, openings: tuple[tuple[time, time], ...]) -> time:
    """The time that was meant: the candidate within the opening hours, else the one a shop's day suggests."""
    fitting = said.within(openings)
    if fitting:
        return fitting[0]
    candidates = said.candidates()
    daytime = [one for one in candidates if 7 <= one.hour < 19]
    return (daytime or candidates)[0]


def spoken_time(moment: time) -> str:
    """A time for the ear and the eye: "9 am", "2:30 pm", "noon"."""
    if (moment.hour, moment.minute) == (12, 0):
        return "noon"
    half = "am" if moment.hour < 12 else "pm"
    hour = moment.hour % 12 or 12
    return f"{hour}:{moment.minute:02d} {half}" if moment.minute else f"{hour} {half}"
