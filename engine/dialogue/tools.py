"""The session's tools: which family each belongs to, when a caller wants one, and what to say around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.dialogue.acts import Heard
from engine.dialogue.slots import Slot, read_slots
from engine.dialogue.text import concepts

_FAMILY_OF_NAME = [
    ("end", r"\b(end|hang ?up|finish|terminate|close)\b.*\b(call|conversation)?\b"),
    ("reschedule", r"\b(reschedule|move|change|rebook|modify)\b"),
    ("cancel", r"\bcancel\b"),
    ("message", r"\b(message|note|callback|call back)\b"),
    ("transfer", r"\b(transfer|escalate|handoff|hand off|forward|connect|put through)\b"),
    ("book", r"\b(book|schedule|reserve|reservation|appointment|create appointment)\b"),
]
_THINGS = (
    "appointment booking reservation slot haircut cut trim table consultation checkup cleaning viewing lesson massage"
)
_BOOKABLE = f"(?:{'|'.join(_THINGS.split())})"
_SOMEBODY = r"(?:him|her|them|the \w+|[a-z]+)"
_WANTED: Mapping[str, re.Pattern[str]] = {
    "cancel": re.compile(r"\b(?:cancel|call off)\b"),
    "reschedule": re.compile(
        r"\b(?:reschedule|rebook|move|change|postpone|bring forward|push back)\b.*"
        r"\b(?:appointment|booking|reservation|visit|slot|it|haircut|time)\b"
    ),
    "message": re.compile(
        r"\b(?:(?:leave|take|pass on|give (?:him|her|them|you)) (?:a |the |this )?message|message for|"
        rf"tell {_SOMEBODY} (?:that|i)\b|let {_SOMEBODY} know|call me back|"
        r"(?:get|have) (?:someone|somebody|him|her|them) (?:to )?call me)\b"
    ),
    "book": re.compile(
        r"\b(?:book|reserve|make (?:a|an|another) (?:appointment|booking|reservation)|fit me in|come in (?:for|on|at)|"
        rf"(?:get|have|schedule|arrange|need|want|like) (?:a|an|my|another|to get a|to have a) [\w ]*?{_BOOKABLE}|"
        r"schedule (?:a|an|my|something)|"
        r"(?:do you have|have you got|is there|got|are there) (?:anything|any|a|an|some)(?: \w+)? ?"
        r"(?:free|available|slots?|appointments?|openings?|space|availability|times)?(?: \w+)? "
        r"(?:on|for|at|tomorrow|today|this|next)\b)"
    ),
}
_CONFIRMED = frozenset({"book", "reschedule", "cancel", "message"})


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
        return self.family in _CONFIRMED

    def slot(self, name: str) -> Slot:
        """A slot by name."""
        return next(slot for slot in self.slots if slot.name == name)


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool answered, in words."""

    ok: bool
    message: str


def read_tools(raw: tuple[dict[str, Any], ...]) -> list[Tool]:
    """The function tools among a session's tools."""
    return [_tool(one) for one in raw if one.get("type") == "function" and one.get("name")]


def _tool(raw: dict[str, Any]) -> Tool:
    name, description = str(raw["name"]), str(raw.get("description") or "")
    words = re.sub(r"[_-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower()
    family = next((family for family, pattern in _FAMILY_OF_NAME if re.search(pattern, words)), "other")
    return Tool(name, family, tuple(read_slots(raw.get("parameters"))), description)


def by_family(tools: list[Tool], family: str) -> Tool | None:
    """The first tool of a family."""
    return next((tool for tool in tools if tool.family == family), None)


def wanted_family(heard: Heard) -> str | None:
    """The kind of errand in what was said, whether there is a tool for it or not."""
    if heard.person:
        return "transfer"
    return next((family for family, pattern in _WANTED.items() if pattern.search(heard.plain)), None)


def wanted_other(heard: Heard, tools: list[Tool]) -> Tool | None:
    """A tool of no known family that what was said is about: most of the words of its name occur."""
    said = set(concepts(heard.text))
    for tool in tools:
        about = [
            word
            for word in concepts(re.sub(r"[_-]+", " ", tool.name))
            if word not in ("get", "look", "find", "check", "fetch", "search")
        ]
        if tool.family == "other" and about and len(said & set(about)) * 2 > len(about) - 1 and said & set(about):
            return tool
    return None


def read_result(output: str) -> Result:
    """A function's output: JSON with `ok` and `message`, or plain words."""
    try:
        data = msgspec.json.decode(output)
    except msgspec.DecodeError:
        return Result(ok=True, message=output.strip())
    if not isinstance(data, dict):
        return Result(ok=True, message=str(data))
    ok = data.get("ok", data.get("success", "error" not in data)) is not False
    message = next(
        (data[key] for key in ("message", "error", "result", "detail") if isinstance(data.get(key), str)), None
    )
    return Result(
        ok,
        message
        or ("" if "ok" in data else "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in data.items())),
    )
