"""Values for slots, found in what callers say; a value is kept in the form that its schema wants."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engine.dialogue import names
from engine.dialogue.calendar import before_next_week, find_date, mask_dates, next_week, prepared
from engine.dialogue.clock import TimeSaid, find_time
from engine.dialogue.hours import Hours
from engine.dialogue.messages import find_message, whole
from engine.dialogue.numbers import digits_for_words
from engine.dialogue.phones import phone_number, spelled_out
from engine.dialogue.services import find_choice, find_service
from engine.dialogue.slots import CALLERS_OWN_NUMBER, Slot
from engine.dialogue.text import concepts, normal


@dataclass(frozen=True, slots=True)
class Setting:
    """What finding a value depends on beside the words.

    `day` is the day chosen so far (for "the day after"); `week` says that next week was named, its day not yet;
    `behalf` lets "for Maria" be the name.
    """

    now: datetime
    hours: Hours
    day: date | None = None
    week: bool = False
    behalf: bool = True
    known: tuple[str, ...] = ()


# "Friday, not Thursday": what is denied is no value. "Why not Thursday?" and "if not" deny nothing.
_DENIED = re.compile(
    r"(?<!why )(?<!if )\b(?:not|instead of|rather than|isn't|is not|wasn't)\s+(?!sure|really|quite|right|correct|"
    r"that|a problem|yet)"
    r"(?:(?:on|at|the|for|this|a)\s+)*[^,.;!?]*?(?=[,.;!?]|\bbut\b|\bit's\b|\bit is\b|$)",
    re.IGNORECASE,
)


def affirmed(text: str) -> str:
    """A text without what it denies, unless nothing would be left."""
    rest = _DENIED.sub(" ", text)
    return (
        rest if re.search(r"\w{2,}", re.sub(r"\b(?:no|nope|i said|sorry)\b", "", rest, flags=re.IGNORECASE)) else text
    )


def find(slot: Slot, text: str, setting: Setting, asked: bool = False) -> str | None:
    """The slot's value in a text; `asked` when the agent has just asked for it, so that it may come barely."""
    finder = _FINDERS.get(slot.kind)
    if finder is None:
        return _without_lead(text) if asked else None
    return finder(slot, text if slot.kind == "message" else affirmed(text), setting, asked)


def said_time(text: str, setting: Setting, asked: bool) -> TimeSaid | None:
    """The time in a text, as said: whether morning or afternoon is meant may depend on a day that is not known yet."""
    later = _from_now(text, setting.now)
    if later is not None:
        return TimeSaid(later.hour, later.minute, sure=True)
    return find_time(mask_dates(affirmed(text), setting.now.date()), asked)


_IN_A_WHILE = re.compile(
    r"\bin (?:about |around )?(?P<count>half an|an?|\d{1,2}|an hour and a half|\d{1,2} and a half)(?: (?P<unit>hour|"
    r"minute|min)s?)?(?: from now|'s time| time)?\b"
)


def _from_now(text: str, now: datetime) -> datetime | None:
    """ "In an hour", "in half an hour", "in 20 minutes": a moment, to the next five minutes."""
    match = _IN_A_WHILE.search(prepared(text))
    if match is None or (match["unit"] is None and match["count"] != "an hour and a half"):
        return None
    count = {"a": 1.0, "an": 1.0, "half an": 0.5, "an hour and a half": 1.5}.get(match["count"])
    hours = count if count is not None else float(match["count"].replace(" and a half", ".5"))
    then = now + timedelta(minutes=hours * (1 if str(match["unit"]).startswith("min") else 60))
    return then + timedelta(minutes=-then.minute % 5)


def _find_date(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    today = setting.now.date()
    if setting.week and not next_week(text) and (of_week := _bare_weekday(text, today)):
        return of_week.isoformat()
    found = find_date(text, today, setting.day)
    if found is None and (later := _from_now(text, setting.now)) is not None:
        return later.date().isoformat()
    if found is None and asked and (number := re.fullmatch(r"(?:on )?(?:the )?(\d{1,2})", prepared(text).strip())):
        found = find_date(f"the {number[1]}th", today)
    return found.isoformat() if found else None


def _bare_weekday(text: str, today: date) -> date | None:
    """A weekday said after "next week": the one of that week."""
    if re.search(r"\d ?(?:st|nd|rd|th)\b|\b(?:tomorrow|today|week)\b", prepared(text)):
        return None
    return find_date(text, before_next_week(today))


def _find_name(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    return names.find_name(text, asked, setting.behalf)


_LABELLED = re.compile(
    r"\b(?:named|called|name is|name's|my (?!name)[a-z]+,? (?:is (?:called |"
    r"named )?)?) ?(?P<name>[A-Z][a-zà-ÿ'’]+)\b|\b(?:for|with) (?P<only>[A-Z][a-zà-ÿ'’]+),? (?:my|our|the) \w+"
)


def _find_label(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    """The name of somebody or something else than the caller: "my dog Rex"."""
    for match in _LABELLED.finditer(text):
        if not re.search(r"\b(?:my|full) name\b", text[: match.end()][-len(match[0]) - 4 :], re.IGNORECASE):
            return names.find_name(match["name"] or match["only"], asked=True)
    return names.find_name(text, asked=True) if asked else None


_ADDRESS = re.compile(
    r"\b(?:address is|address's|live at|living at|based at|it's at|it is at|we are at|we're at|I'm at|I am at|at|on|"
    r"in)[:,]? "
    r"(?P<address>(?:(?:unit|flat|apartment|suite|number) )?\d+[A-Za-z]?(?:/\d+)? [A-Z][\w'’]+(?:,? (?:in "
    r")?[A-Z][\w'’]+)*)",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\b(?:leak\w*|jam\w*|frozen|freez\w+|crash\w*|block\w*|broken?|broke|burst|drip\w*|flood\w*|clog\w*|overflow\w*|"
    r"fault\w*|stuck|crack\w*|"
    r"damaged?|backed up|"
    r"no (?:hot )?(?:water|heating|power|electricity|signal)|(?:is|are|does|do|will|has) not (?:\w+ )?(?:work\w*|"
    r"flush\w*|drain\w*|start\w*|turn\w*|heat\w*|open\w*|clos\w*)|"
    r"won't (?:\w+ )?\w+|water (?:\w+ )?(?:coming|pouring|dripping|running|everywhere)|stopped working|not working|"
    r"out of order|problem with|trouble with|issue with|"
    r"something wrong)\b",
    re.IGNORECASE,
)


_HAIL = re.compile(
    r"^(?:(?:hi|hello|hey|help|g'day|good (?:day|morning|afternoon|evening)|yes|um|so|well|please|there)\b[,.! ]*)+",
    re.IGNORECASE,
)


def trouble(text: str) -> bool:
    """Whether a text reports that something is broken."""
    return bool(_TROUBLE.search(normal(text)))


def _find_address(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    match = _ADDRESS.search(text)
    if match and (asked or re.search(r"[A-Z]", match["address"])):
        return match["address"].rstrip(" ,.")
    return _without_lead(text) if asked else None


def _without_lead(text: str) -> str | None:
    kept = re.sub(
        r"^(?:(?:it's called|it is called|called|it's|it is|that's|that is|to|from|we're|we are|i'm|i am|my address is|"
        r"the address is|at|in|on)\b[,. ]*)+",
        "",
        whole(text) or "",
        flags=re.IGNORECASE,
    )
    return kept.rstrip(" .") or None


def _find_problem(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    if asked:
        return whole(text)
    cut = re.split(
        r"(?<=[.!?])\s+|,\s*(?=(?:can|could|would|will|please|is there)\b)", _HAIL.sub("", text), flags=re.IGNORECASE
    )
    found = [piece.strip(" .!?") for piece in cut if trouble(piece)]
    return found[0][:1].upper() + found[0][1:] if found else None


_WITH_STAFF = re.compile(
    r"\b(?:with|see|for|by|to|tell|ask|prefer|like|want|book|is) (?P<name>(?:(?:Dr|Mr|Mrs|Ms|Miss|"
    r"Doctor)\.? )?[A-Z][a-z'’]+)\b"
)


def _find_staff(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    found = [name for match in _WITH_STAFF.finditer(text) if (name := names.find_name(match["name"], asked=True))]
    known = {word for fact in setting.known for word in re.findall(r"\b[A-Z][a-z]+\b", fact)}
    named = [name for name in found if name.split()[-1] in known]
    if named or (found and " with " in text):
        return (named or found)[-1]
    if asked and re.search(
        r"\b(?:any(?:one|body)?|no preference|do not mind|whoever|either|whichever|does not matter)\b", normal(text)
    ):
        return "anyone"
    return names.find_name(text, asked=True) if asked else None


def _find_phone(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    number = phone_number(text)
    if number is None and re.search(
        r"\b((?:this|same|my own) (?:number|one|phone|line)|number i am (?:calling|ringing|phoning|on)|"
        r"number (?:you have|that is showing|on your screen)|(?:calling|ringing) from(?: now)?$|this one)\b",
        normal(text),
    ):
        return CALLERS_OWN_NUMBER
    return number


def _find_email(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    plain = re.sub(
        r"\s+dot\s+", ".", re.sub(r"\s+(?:underscore)\s+", "_", re.sub(r"\s+(?:dash|hyphen)\s+", "-", text.lower()))
    )
    spelled = re.sub(r"\s+at\s+(?=[\w-]+\.)", "@", plain)
    match = re.search(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", spelled)
    return match[0].rstrip(".") if match else None


_CODE = re.compile(r"(?:\b(?:[a-z]|\d+|[a-z]{1,4}\d[a-z\d]{0,9}|\d{1,9}[a-z]{1,9})\b[ -]?){1,20}")
_CODE_CUE = re.compile(
    r"\b(?:number|reference|ref|ticket|order|code|registration|reg|plate|id|postcode|invoice|account|membership|job|"
    r"case|policy)(?: number| is| it is|:)* *$"
)
_LEAST_CODE = 2


def _find_code(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    """Letters and figures said one by one or written together: a ticket, an order, a registration."""
    plain = spelled_out(re.sub(r"\b(?:a|i) (?=[a-z]{2})", " ", normal(text)))
    runs = [match for match in _CODE.finditer(plain) if asked or _CODE_CUE.search(plain[: match.start()])]
    found = [re.sub(r"[^a-z\d]", "", match[0]).upper() for match in runs]
    kept = [code for code in found if len(code) >= _LEAST_CODE and any(char.isdigit() for char in code)]
    return max(kept, key=len, default=None)


def _find_choice(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    return find_choice(slot.choices, text, asked)


def _find_service(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    return find_service(text, asked, setting.known)


def _find_number(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    plain = digits_for_words(re.sub(r"\b(?:to|too) (?=people|persons|guests|of us|nights)", "2 ", normal(text)))
    counted = re.search(rf"\b(\d+) (?:more )?(?:{'|'.join(_counted(slot))})\b", plain)
    if counted:
        return counted[1]
    people = _PARTY.search(plain) if _of_people(slot) else None
    if people:
        return people[1]
    # A figure that counts something else, or tells the time, is no bare answer.
    figures = re.findall(
        r"\b(\d+(?:\.\d+)?)\b(?! ?(?:oclock|am|pm|nights?|people|guests|pounds|minutes|hours)\b)", plain
    )
    return figures[-1] if figures and asked else None


_PARTY = re.compile(
    r"\b(?:for|of|be|party of|there are|make it|just|with) (?:the |about )?(\d+)\b"
    r"(?! ?(?:oclock|am|pm|th\b|st\b|nd\b|rd\b|minutes|hours|nights?|days|weeks|:|30|15|45))"
)


def _counted(slot: Slot) -> list[str]:
    """What a number counts, by the property's name and description: "nights", "how many people"."""
    about = f"{slot.words} {slot.description}".lower()
    nouns = [
        word
        for word in re.findall(r"[a-z]+", about)
        if len(word) > 3 and word not in ("many", "number", "size", "party")
    ]
    people = (
        ["people", "persons", "guests?", "of us", "adults", "diners", "covers", "heads"] if _of_people(slot) else []
    )
    return [*(f"{re.escape(word.rstrip('s'))}s?" for word in nouns), *people] or ["(?!)"]


def _of_people(slot: Slot) -> bool:
    return bool(
        re.search(
            r"guest|passenger|attendee|people|person|party|cover|adult|diner",
            f"{slot.words} {slot.description.lower()}",
        )
    )


def _find_flag(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    plain = normal(text)
    about = [word for word in concepts(slot.words) if len(word) > 2]
    if about and set(about) <= set(concepts(text)):
        return (
            "false"
            if re.search(rf"\b(?:no|not|without|never) (?:\w+ ){{0,3}}?{re.escape(slot.words.split()[0])}", plain)
            else "true"
        )
    first = plain.split(" ", 1)[0] if asked else ""
    return {"yes": "true", "yeah": "true", "sure": "true", "no": "false", "nope": "false"}.get(first)


def _find_message(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    return find_message(text, asked)


def _find_reason(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    match = re.search(
        r"\b(?:because|as|since|it is about|it's about|about|regarding|to do with) (?P<rest>.+)$",
        text.strip(),
        re.IGNORECASE,
    )
    if match and not asked:
        return (
            match["rest"].rstrip(".?! ") if re.match(r"because|since|it|regarding", match[0], re.IGNORECASE) else None
        )
    return whole(text) if asked else None


_FINDERS: dict[str, Callable[[Slot, str, Setting, bool], str | None]] = {
    "date": _find_date,
    "name": _find_name,
    "staff": _find_staff,
    "label": _find_label,
    "address": _find_address,
    "problem": _find_problem,
    "phone": _find_phone,
    "email": _find_email,
    "choice": _find_choice,
    "code": _find_code,
    "number": _find_number,
    "flag": _find_flag,
    "service": _find_service,
    "message": _find_message,
    "reason": _find_reason,
}
