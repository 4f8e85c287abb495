"""Answers to questions: opening hours from the table, everything else from the facts, and nothing that is not there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time, timedelta

from engine.dialogue import retrieval, topics
from engine.dialogue.acts import Heard
from engine.dialogue.calendar import WEEKDAYS, find_date, spoken_date
from engine.dialogue.clock import find_daypart, find_time, resolve, spoken_time
from engine.dialogue.hours import spoken_day, spoken_week
from engine.dialogue.knowledge import Fact
from engine.dialogue.memo import remembered
from engine.dialogue.state import World
from engine.dialogue.text import SENTENCE_END, concepts, normal
from engine.dialogue.wishes import wanted_family

_HOURS = re.compile(
    r"\b(open|opens|opening|opened|close|closes|closing|closed|shut|shuts|hours|at the (?:latest|earliest)|"
    r"what time (?:do|are|can|could|should|does) (?:you|"
    r"i|we|the|it|they)|"
    r"how (?:late|early) (?:are|do|can|could|is)|"
    r"(?:are|is) (?:there )?(?:you|any(?:one|body)|some(?:one|body)) "
    r"(?:guys |all |lot )?(?:around|about|there|in|working)\b"
    r"(?= (?:on|at|over|this|next|tomorrow|today|tonight|now|later|all|every|during|mon|tues|wed|thurs|fri|sat|sun))|"
    r"do you (?:guys )?(?:work|do|trade|operate) (?:on )?"
    r"(?:weekends?|evenings?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b|"
    r"(?:the )?(?:latest|earliest) (?:you|that you) (?:start|finish|open)|"
    r"(?:latest|earliest|last|first) (?:time )?(?:i|we|you|one) (?:can|could)|until when|"
    r"till when|when do you (?:start|finish|stop)|what time (?:do you )?(?:start|"
    r"finish|stop))\b"
)
_NOT_HOURS = re.compile(
    r"\b(?:24 hours|how many hours|hours (?:before|notice|does|will|in advance)|open (?:a|an|an account|to)|"
    r"opening (?:a|an|for)|close (?:to|by|the|an?)|close is|how close)\b"
)
_LIMIT = re.compile(
    r"\b(?:latest|earliest) (?:time )?(?:i|we|you|one|that) (?:can|could)\b(?! (?:see|fit|squeeze|do|get|book|have) "
    r"(?:me|us|him|her|my|it))|"
    r"\bat the (?:latest|earliest)\b|\bhow (?:late|early) (?:can|could|are|do)\b"
)
_NOW = re.compile(r"\b(now|right now|at the moment|currently|still open|open yet)\b")
_DAY_WORDS = re.compile(
    rf"\b(?:{'|'.join(WEEKDAYS)})s?\b|\b(?:today|tomorrow|tonight|weekends?|this|next|week|morning|"
    rf"afternoon|evening|time|hours|opening|open|closed?|now|until|till|late|early|days?|on|during|normally|usually)\b",
    re.IGNORECASE,
)
_HOLIDAY = re.compile(
    r"\b(?:bank holidays?|public holidays?|holidays?|christmas(?: eve| day)?|boxing day|new year'?s?(?: eve| day)?|"
    r"easter(?: sunday| monday)?|good friday|thanksgiving|"
                      r"independence day|labou?r day|memorial day)\b")  # fmt: skip
_FEAST_DAYS = {(12, 25), (12, 26), (1, 1)}
_FOLLOWS = re.compile(r"^(?:and|what about|how about|or|so)\b")
_WEEKEND = re.compile(r"\bweekends?\b")
_WH = r"what|when|where|how|do|does|is|are|can|could|which|who|would|will|should|have you|has"
_PIECES = re.compile(
    rf"{SENTENCE_END}|,?\s+(?:and|but|or|then|because)(?: also| then)?(?: please)?,? (?=(?:also )?(?:{_WH}|also|"
    rf"i would|i'd|i want|i need|i'll|can i|book|cancel|tell|leave|one more|please)\b)|"
    rf",\s+(?=(?:{_WH}|do you|i'd|i would|i need|i want|one more)\b)|;\s*",
    re.IGNORECASE,
)
_PROPOSAL = re.compile(
    r"\b(?:(?:can|could|may|shall|would|will) (?:we|i|you|it|that|he|she|they) (?:\w+ )?(?:do|make|have|come|say|be|"
    r"take|move|change|get|fit|squeeze|book|put|suit|work|possibly|go)|"
    r"how about|what about|how would|is (?:\w+ ){1,4}(?:possible|okay|ok|any good|all right|alright|fine|free|"
    r"available)|any chance|"
    r"(?:does|would|will|do) (?:\w+ ){1,4}(?:work|suit))\b"
)
_ASKS_FOR = re.compile(r"(?:\w+ ){0,2}?(?:what time|when|where|which|who|why|how (?:much|long|many|far|do|can|late))\b")
_OPENING = re.compile(r"\b(?:open|opens|closed?|closes|shut|last (?:orders?|appointments?|entry))\b", re.IGNORECASE)
_WE_OPEN = re.compile(
    r"\b(?:we|office|shop|lines?|phones?) (?:are|is) (?:\w+ )?(?:open|answered|staffed)\b|\bopen(?:ing)? hours\b",
    re.IGNORECASE,
)
_OPENS_WHAT = re.compile(
    r"\b(?:does|do|is|are|will|did) (?:the |your |my )?(?P<what>\w+) (?:\w+ )?(?:open|close|shut|start|finish|closed|"
    r"shuts)\b|"
    r"\b(?:the|your) (?P<of>\w+)(?:'s)? (?:opening |closing )?hours\b"
)
_THE_BUSINESS_WORDS = """earliest latest first last
you we they it there that this i everyone people guys business shop salon place store
office clinic practice restaurant garage studio surgery opening closing business normal usual regular weekend
holiday working current team doors door still today tomorrow"""
_THE_BUSINESS = frozenset(_THE_BUSINESS_WORDS.split())
HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Answered:
    """What was found: words, the topic, and whether something asked besides stayed without an answer."""

    words: str
    topic: str
    lost: bool = False


def pieces(text: str) -> list[str]:
    """What was said, cut where another question or wish begins."""
    cut = [piece.strip(" ,") for piece in _PIECES.split(text) if piece and re.search(r"\w", piece)]
    return [piece for part in cut for piece in _unpunctuated(part)]


def _unpunctuated(part: str) -> list[str]:
    """A recogniser that writes no marks runs a remark into the question after it."""
    if part[-1] in ".?!" or len(part.split()) < 7:
        return [part]
    match = _BEGINS_QUESTION.search(part, 8)
    if match is None or _LEADS_ON.search(part[: match.start()]):
        return [part]
    return [part[: match.start()].strip(), part[match.start() :].strip()]


_BEGINS_QUESTION = re.compile(
    r"\b(?:what (?:does|do|is|are|time|about)|how (?:much|long|many|do|does|late|far)|where (?:is|are|can|do)|"
    r"when (?:do|does|are|is|can)|do you|are you (?:open|closed)|"
    r"is there|are there|can i (?:pay|park|bring|come)|does (?:it|the|a|an))\b",
    re.IGNORECASE,
)
_LEADS_ON = re.compile(
    r"\b(?:know|tell me|ask|asking|wondering|wonder|see|find out|sure|check|if|and|or|but|what|how|when|where|that|"
    r"hear|say|much|long|many|far|late|often|soon|time|kind|sort)\s*$",
    re.IGNORECASE,
)


def proposes(heard: Heard) -> bool:
    """ "Could we do Friday?" is a value in a question's clothes."""
    return bool(_PROPOSAL.search(heard.plain)) and not _ASKS_FOR.match(heard.plain)


def asks_limit(heard: Heard) -> bool:
    """ "What is the latest I can come in on Thursday?" asks for the hours, not for a booking."""
    return heard.question and bool(_LIMIT.search(heard.plain))


def answer(text: str, world: World) -> tuple[str, str] | None:
    """The answer to one question, a sentence a line, and its topic; None when the instructions do not hold one."""
    knowledge, plain = world.knowledge, normal(text)
    hours = _HOURS.search(plain) is not None and not _NOT_HOURS.search(plain)
    about_hours = hours if knowledge.hours.known else None
    question = _unnamed(_DAY_WORDS.sub(" ", text) if about_hours else text, world)
    ours = bool(about_hours) and not _of_something_else(text, world)
    # "Is the office open tomorrow?" is answered by the table, unless a fact speaks of opening itself.
    facts = tuple(fact for fact in knowledge.facts if not ours or _OPENING.search(fact.text))
    found = retrieval.answer(question, facts, text)
    if found:
        return "\n".join(found), "facts"
    if about_hours is None and _HOURS.search(plain) and not _of_something_else(text, world):
        # No table, but perhaps a sentence: "We are open 24 hours a day".
        told = [retrieval.spoken_fact(fact) for fact in knowledge.facts if _WE_OPEN.search(fact.text)]
        return (told[0], "facts") if told else None
    if ours:
        return _about_hours(text, world), HOURS
    return None


def _unnamed(text: str, world: World) -> str:
    """A question without the words of the business's own name that no fact has: "the gym" is where it is asked."""
    name = _only_in_name(world.knowledge.business, world.knowledge.facts)
    words = text.split()
    rest = " ".join(word for word in words if not name & set(concepts(word)))
    return rest if rest and name else text


@remembered
def _only_in_name(business: str, facts: tuple[Fact, ...]) -> frozenset[str]:
    return frozenset(concepts(business)) - {word for fact in facts for word in topics.about(fact)}


def answer_all(heard: Heard, world: World, topic: str = "", before: str = "") -> Answered | None:
    """What the instructions answer, question by question; an unanswered one among several is told of.

    `before` is the question asked last: "and on a Sunday?" goes on from it.
    """
    parts = _with_tails(pieces(heard.text))
    asked = [part for part in parts if Heard(part).question] or parts
    found = [_following(part, before, world) or _both_or_one(part, world) for part in asked]
    known = [one for one in found if one is not None]
    if not known:
        more = more_hours(heard, topic, world)
        return Answered(more, HOURS) if more is not None else None
    words = " ".join(dict.fromkeys(sentence for one in known for sentence in one.words.split("\n")))
    lost = any(one is not None and one.lost for one in found) or (
        len(asked) > 1 and any(one is None and _is_real_question(part) for part, one in zip(asked, found, strict=True))
    )
    return Answered(words, known[-1].topic, lost)


def more_hours(heard: Heard, topic: str, world: World) -> str | None:
    """ "And on Sunday?", or just "Sunday?" after a question about hours."""
    if (
        heard.words > (9 if topic == HOURS else 6)
        or not (topic == HOURS or _FOLLOWS.search(heard.plain))
        or not world.knowledge.hours.known
    ):
        return None
    if _HOLIDAY.search(heard.plain):
        return _holiday(heard.plain, None)
    named = find_date(heard.text, world.context.now.date()) is not None or _WEEKEND.search(heard.plain)
    return _about_hours(heard.text, world) if named else None


def _with_tails(parts: list[str]) -> list[str]:
    """ "Do you do kids' cuts? How much?" is one question: a tail without a matter belongs to what stands before it."""
    joined: list[str] = []
    for part in parts:
        bare = all(topics.is_weak(word) for word in concepts(part)) and re.match(
            r"(?:and )?(?:how (?:much|long)|what (?:price|cost))", part, re.IGNORECASE
        )
        leans = not [word for word in concepts(part) if not topics.is_weak(word)] and _LEANS_BACK.search(part)
        if joined and ((bare and len(part.split()) <= 5) or (leans and len(part.split()) <= 8)):
            joined[-1] = f"{joined[-1].rstrip('?. ')} {part}"
        else:
            joined.append(part)
    return joined


_LEANS_BACK = re.compile(
    r"\b(?:is|would|will|does|do|can|could)\b.*\b(?:that|this|it|one|those|she|he|they|him|her|them|i|we)\b",
    re.IGNORECASE,
)


def _following(part: str, before: str, world: World) -> Answered | None:
    """ "And for a child?" after "how much is a haircut?" asks for a price as well."""
    heard = Heard(part)
    stem = _STEM.match(normal(before))
    if stem is None or _HOURS.search(heard.plain) or heard.words > 7 or not _FOLLOWS.search(heard.plain):
        return None
    rest = _FOLLOWS.sub("", heard.plain).strip()
    if re.match(r"(?:do|does|is|are|can|could|have|will|would)\b", rest):
        return None  # a question of its own
    new = [word for word in concepts(rest) if not topics.is_shaping(word)]
    one = answer(f"{stem['stem']} {rest}" if new else f"{normal(before)} {rest}", world)
    return Answered(*one) if one is not None and one[1] != HOURS else None


_STEM = re.compile(
    r"^(?:\w+ ){0,3}?(?P<stem>how much|how long|what (?:do|does|is|are) (?:\w+ )*?(?:charges?|costs?|prices?)|"
    r"how many|do you (?:do|sell|have|offer|take))\b"
)


def _is_real_question(part: str) -> bool:
    heard = Heard(part)
    return heard.question and heard.words > 2 and bool(concepts(part))


_PAIR = re.compile(
    r"^(?P<stem>.*?\b(?:have|take|accept|do|offer|sell|got|there|is|are|for|about|does|provide|"
    r"cost))\b (?P<one>(?:an? |the |any )?[\w'-]+(?: [\w'-]+){0,3}?),? (?:and|or) (?P<two>(?:an? |the |"
    r"any )?[\w'-]+(?: [\w'-]+){0,3})[?.]*$",
    re.IGNORECASE,
)


def _both_or_one(part: str, world: World) -> Answered | None:
    """One question, or two folded into one: "do you have parking and wifi?"."""
    pair = _PAIR.match(part.strip())
    if pair:
        halves = [answer(f"{pair['stem']} {pair[side]}", world) for side in ("one", "two")]
        if any(halves) and halves[0] != halves[1]:
            found = [half for half in halves if half is not None]
            return Answered("\n".join(half[0] for half in found), found[-1][1], len(found) < 2)
    one = answer(part, world) or _in_a_clause(part, world)
    return Answered(one[0], one[1]) if one is not None else None


_OPENS_QUESTION = re.compile(
    r"\b(?:what|how|where|when|who|which|do (?:i|we|you|they)|does|is (?:there|it|the|this|that|he|she|your)|"
    r"are (?:there|you|they|your)|can (?:i|we|you|she|he|they)|could (?:i|we|you)|would (?:it|you|i)|"
    r"will (?:it|you|i|someone|somebody)|should i|have you|any chance|am i|must i)\b"
)
_LEAST_CLAUSE = 3
_OF_THE_DIARY = ("availability", "reschedule", "cancel")
_WISHED = re.compile(r"(?:can|could|would|will|what time|when) (?:i|we|you|it)\b|is (?:it|that|this|your)\b|are you\b")


def besides(text: str, world: World) -> str:
    """What was asked in the same breath as a wish, where no mark parts the two."""
    found = _in_a_clause(text, world, wishing=True)
    return found[0].replace("\n", " ") if found is not None else ""


def _in_a_clause(part: str, world: World, wishing: bool = False) -> tuple[str, str] | None:
    """The question in a long breath: what stands before it is a story, and what comes after it another question."""
    plain = normal(part)
    starts = [match.start() for match in _OPENS_QUESTION.finditer(plain)]
    if len(plain.split()) < 8 or not starts:
        return None
    ends = [*starts[1:], len(plain)]
    clauses = [plain[begin:end].strip() for begin, end in zip(starts, ends, strict=True)]
    longer = [] if wishing else [plain[starts[-1] :], plain[starts[0] :]]
    found = [
        answer(clause, world)
        for clause in [*clauses, *longer]
        if len(clause.split()) >= _LEAST_CLAUSE
        and not (wishing and (_WISHED.match(clause) or wanted_family(Heard(clause)) in _OF_THE_DIARY))
    ]
    return next((one for one in found if one is not None), None)


def _of_something_else(question: str, world: World) -> bool:
    """ "When does the pool open?" is not answered by the shop's hours."""
    match = _OPENS_WHAT.search(normal(question))
    if match is None:
        return False
    what = match["what"] or match["of"]
    return what not in _THE_BUSINESS and what not in normal(world.knowledge.business).split()


def _about_hours(text: str, world: World) -> str:
    hours, now, plain = world.knowledge.hours, world.context.now, normal(text)
    today = now.date()
    if _NOW.search(plain):
        state = "open" if hours.open_at(now) else "closed"
        return f"We are {state} right now. {spoken_day(hours, today, 'today')}"
    if _WEEKEND.search(plain):
        saturday = today + timedelta(days=(5 - today.weekday()) % 7)
        sunday = saturday + timedelta(days=1)
        return f"{spoken_day(hours, saturday, 'on Saturday')} {spoken_day(hours, sunday, 'on Sunday')}"
    day = find_date(text, today)
    if _HOLIDAY.search(plain):
        return _holiday(plain, day)
    if day is None:
        return spoken_week(hours)
    told = spoken_day(hours, day, _day_name(day, plain, today))
    if (day.month, day.day) in _FEAST_DAYS:
        return f"Normally {told[0].lower()}{told[1:]} I don't know whether that holds on a public holiday."
    return f"{_open_then(text, day, world)}{told}"


def _open_then(text: str, day: date, world: World) -> str:
    """ "Are you open at seven on Thursday?" gets its yes or no first."""
    said, part = find_time(text), find_daypart(text)
    openings = world.knowledge.hours.on(day)
    if not openings or not re.search(r"\bopen\b", normal(text)):
        return ""
    if said is None:
        return "" if part is None else "Yes. " if _open_in(part, openings) else f"No, not in the {part}. "
    clock = resolve(said, openings)
    inside = any(start <= clock < end for start, end in openings)
    return f"{'Yes' if inside else 'No, not at ' + spoken_time(clock)}. "


def _open_in(part: str, openings: tuple[tuple[time, time], ...]) -> bool:
    begins, ends = {
        "morning": (time(0), time(12)),
        "afternoon": (time(12), time(17)),
        "evening": (time(18), time(23, 59)),
    }[part]
    return any(start < ends and end > begins for start, end in openings)


def _day_name(day: date, plain: str, today: date) -> str:
    if day == today:
        return "today"
    if day == today + timedelta(days=1):
        return "tomorrow"
    return f"on {day:%A}" if re.search(rf"\b{day:%A}".lower(), plain) else f"on {spoken_date(day)}"


def _holiday(plain: str, day: date | None) -> str:
    match = _HOLIDAY.search(plain)
    named = match[0].title().replace("'S", "'s") if match else "that day"
    return f"I'm sorry, I don't know our hours for {named if 'Holiday' not in named else 'public holidays'}."
