"""The session's tools: which family each belongs to, when one of no known family is meant, and what one answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from typing import Any

import msgspec

from engine.dialogue.acts import Heard
from engine.dialogue.clock import all_times
from engine.dialogue.slots import Slot, read_slots
from engine.dialogue.text import concepts, normal, sentences
from engine.dialogue.topics import is_weak

_BOOKED_THING = r"(?:appointments?|bookings?|reservations?|visits?|slots?|sessions?|times?|events?|tables?)"
_MOVED_THING = (
    r"(?:appointments?|bookings?|reservations?|visits?|slots?|sessions?|times?|events?|tables?|lessons?|class(?:es)?|"
    r"meetings?|consultations?|viewings?|treatments?|deliver(?:y|ies)|collections?|rooms?|stays?|rides?|taxis?|trips?|"
    r"jobs?|tours?|courses?|services?|tests?)"
)
_FAMILY_OF_NAME = [
    (
        "end",
        r"\b(?:end|hang ?up|finish|terminate|close)\b.*\b(?:call|conversation|session|chat)\b|^(?:hang ?up|end|"
        r"goodbye)$",
    ),
    (
        "availability",
        r"\bavailab|\b(?:free|open) (?:slots?|times?)\b|\b(?:get|find|list|check|show) (?:\w+ )?(?:slots?|times|"
        r"openings|calendar|schedule|diary)\b",
    ),
    (
        "reschedule",
        rf"\b(?:reschedule|rebook|postpone)\b|\b(?:move|change|modify|update|edit|shift)\b.*\b{_MOVED_THING}\b",
    ),
    ("cancel", rf"\bcancel\b|\b(?:delete|remove)\b.*\b{_MOVED_THING}\b"),
    ("lookup", rf"\b(?:get|find|look ?up|lookup|fetch|list|check|read|view|search|show)\b.*\b{_BOOKED_THING}\b"),
    ("message", r"\b(?:message|note|callback|call back|voicemail)\b"),
    ("transfer", r"\b(?:transfer|escalate|handoff|hand off|hand over|handover|forward|connect|put through)\b"),
    ("book", r"\b(?:book|schedule|reserve|reservation|appointment|booking)\b"),
]
_BY_DESCRIPTION = [
    (
        "reschedule",
        re.compile(rf"(?:move|reschedule|change|postpone)\b[^.]{{0,40}}?\b{_MOVED_THING}\b", re.IGNORECASE),
    ),
    ("cancel", re.compile(rf"(?:cancel|call off)\b[^.]{{0,40}}?\b{_MOVED_THING}\b", re.IGNORECASE)),
]
_CONFIRMED = frozenset({"book", "reschedule", "cancel", "message"})
_MOST = 0.5
_WISHES = re.compile(
    r"\b(?:forgot|forgotten|lost|locked|expired|need|want|would like|can you|could you|can i|could i|please|send|"
    r"order|get|have)\b"
)
_CAN_YOU = re.compile(r"\b(?:can|could|would|will) (?:you|i|somebody|someone)\b")
_READS = re.compile(
    r"(?:get|find|check|list|look|search|fetch|show|read|view|tell|is|are|does|has|whether|status|track|estimate|"
    r"quote|return|say)\b",
    re.IGNORECASE,
)
_ASKED_SHARE = 0.6
_MY_STATE = re.compile(r"\b(?:my|our|the|it|mine|an?)\b")
_STATE = re.compile(
    r"\b(?:status|ready|done|finished|update|progress|where is|how is|how are|news|arrived|come in|"
    r"in yet|balance|owe)\b"
)
_FOR_EMERGENCIES = re.compile(r"\b(?:emergency|emergencies|urgent|crisis)\b", re.IGNORECASE)
_LOOKING = frozenset(
    [
        "get",
        "tell",
        "look",
        "find",
        "check",
        "fetch",
        "search",
        "request",
        "new",
        "create",
        "make",
        "order",
        "add",
        "submit",
        "set",
        "start",
        "send",
    ]
)


@dataclass(frozen=True, slots=True)
class Tool:
    """One function of the session."""

    name: str
    family: str
    slots: tuple[Slot, ...]
    description: str = ""

    @property
    def confirmed(self) -> bool:
        """Whether its values are read back and agreed before it is called: whenever it changes something."""
        reads = bool(_READS.match(self.words)) or bool(_READS.match(self.description))
        return self.family in _CONFIRMED or (self.family == "other" and bool(self.slots) and not reads)

    @property
    def words(self) -> str:
        """The tool's name as words."""
        return _spaced(self.name).capitalize()

    def slot(self, name: str) -> Slot:
        """A slot by name."""
        return next(slot for slot in self.slots if slot.name == name)

    def of_kind(self, kind: str, role: str | None = None) -> Slot | None:
        """The first slot of a kind (and of a role), if there is one."""
        return next((slot for slot in self.slots if slot.kind == kind and role in (None, slot.role)), None)


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool answered: words for the caller, and the times it names as free."""

    ok: bool
    message: str
    free: tuple[time, ...] = ()


def read_tools(raw: tuple[dict[str, Any], ...]) -> list[Tool]:
    """The function tools among a session's tools."""
    return [_tool(one) for one in raw if one.get("type") == "function" and one.get("name")]


def _tool(raw: dict[str, Any]) -> Tool:
    name, description = str(raw["name"]), str(raw.get("description") or "")
    words = _spaced(name)
    family = next((family for family, pattern in _FAMILY_OF_NAME if re.search(pattern, words)), "other")
    if (
        family == "other"
        and _READS.match(words)
        and re.search(r"\b(?:appointments?|bookings?|reservations?)\b", description)
    ):
        family = "lookup"
    if family == "other":
        family = next((one for one, begins in _BY_DESCRIPTION if begins.match(description)), family)
    return Tool(name, family, tuple(read_slots(raw.get("parameters"))), description)


def _spaced(name: str) -> str:
    return re.sub(r"[_-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower()


def by_family(tools: list[Tool], family: str) -> Tool | None:
    """The first tool of a family. A line for emergencies is not for whoever wants to speak to a person."""
    fitting = (tool for tool in tools if tool.family == family)
    return next((tool for tool in fitting if family != "transfer" or not _FOR_EMERGENCIES.search(tool.words)), None)


def wanted_other(heard: Heard, tools: list[Tool]) -> Tool | None:
    """The tool of no known family that what was said is most about, if it is about one at all."""
    fits = [(_fit(heard, tool), tool) for tool in tools if tool.family == "other"]
    best = max(fits, key=lambda fit: fit[0], default=None)
    return best[1] if best is not None and best[0] > 0 else None


def _fit(heard: Heard, tool: Tool) -> float:
    """How well a tool's name and description meet what was said.

    A wish needs one telling word ("I need a refill"), a question most of the name's ("is my car ready?") or what the
    tool is described to tell ("where is my taxi?").
    """
    said = set(concepts(heard.text))
    named = {word for word in concepts(tool.words) if word not in _LOOKING}
    described = {word for word in concepts(tool.description.split(".")[0]) if word not in _LOOKING}
    orders = bool(_WISHES.search(heard.plain)) and (not heard.question or bool(_CAN_YOU.search(heard.plain)))
    share = len(said & named) / len(named) if named else 0.0
    told = len(said & described) / len(described) if described else 0.0
    if share > _MOST and (tool.confirmed is not heard.question or orders or not tool.confirmed):
        return 1 + share
    if tool.confirmed:
        fits = orders and ((share > 0 and not heard.question) or told >= _MOST)
        return max(share, told) if fits else 0.0
    return told if told > _MOST and len(said & described) > 1 else _asked_of(heard, tool)


def _asked_of(heard: Heard, tool: Tool) -> float:
    """How much of one question a tool that only tells something is about: "is my bike ready?"."""
    about = {word for text in (tool.words, tool.description) for word in concepts(text)}
    about |= {word for slot in tool.slots for word in concepts(f"{slot.words} {slot.description}")}
    best = 0.0
    for piece in sentences(heard.text):
        words = [word for word in concepts(piece) if not is_weak(word)]
        hits = [word for word in words if word in about]
        owned = bool(_MY_STATE.search(normal(piece)))
        if (
            words
            and len(hits) >= _ASKED_SHARE * len(words)
            and owned
            and (len(hits) > 1 or _STATE.search(normal(piece)))
        ):
            best = max(best, len(hits) / len(words))
    return best


def repairing(tools: list[Tool]) -> Tool | None:
    """The tool that takes a report of something broken."""
    return next((tool for tool in tools if tool.family == "other" and tool.of_kind("problem") is not None), None)


def read_result(output: str) -> Result:
    """A function's output: JSON with `ok` and `message`, or plain words."""
    try:
        data = msgspec.json.decode(output)
    except msgspec.DecodeError:
        return Result(True, output.strip(), _free(output, {}))
    if not isinstance(data, dict):
        return Result(True, str(data))
    status = data.get("ok", data.get("success", not (data.get("error") or data.get("status") in ("error", "failed"))))
    keys = ("message", "error", "result", "detail", "text")
    message = next((data[key] for key in keys if isinstance(data.get(key), str)), None)
    told = message or ("" if "ok" in data or "success" in data else _listed(data))
    return Result(status is not False, told, _free(told, data))


def _listed(data: dict[str, Any]) -> str:
    return "; ".join(f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in data.items() if key != "status")


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _free(message: str, data: dict[str, Any]) -> tuple[time, ...]:
    """The times on offer: a list of them in the data, else those that the words name after "free" or "available"."""
    for value in data.values():
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            found = [one for text in value for one in all_times(text[-8:].replace("T", " "))]
            if found:
                return tuple(found)
    offer = re.search(r"\b(?:free|available|offer|instead|still open|could do)\b.*", message, re.IGNORECASE | re.DOTALL)
    return tuple(all_times(offer[0])) if offer and not re.search(r"\d to \d", offer[0]) else ()
