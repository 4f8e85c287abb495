"""The tools the agent has in a call: their schemas, and running them. Every answer is in words for the caller."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from server.db import db
from server.logging_setup import get_logger
from server.models_sql import Business, CallLog
from server.services import appointments, contacts, messages, slots, timeline

log = get_logger(__name__)

_NAME: Final = {"type": "string", "description": "the caller's full name"}
_DATE: Final = {"type": "string", "format": "date", "description": "the day of the appointment, YYYY-MM-DD"}
_LONGEST: Final = {"message": 4000, "callback_number": 64}
"""The most characters that are kept of an argument; 200 of the others."""


class BadArguments(ValueError):
    """The model's arguments do not fit the tool's schema; the message tells the model what to ask for."""


def _spec(name: str, description: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return {"type": "function", "name": name, "description": description, "parameters": parameters}


_SPECS: Final[list[dict[str, Any]]] = [
    _spec("check_availability", "Tell which times are free on a day.", {"date": _DATE}, "date"),
    _spec(
        "book_appointment",
        "Book an appointment, after the caller confirmed name, day and time.",
        {
            "customer_name": _NAME,
            "date": _DATE,
            "time": {"type": "string", "format": "time", "description": "the time of the appointment, HH:MM"},
            "service": {"type": "string", "description": "the service that is wanted"},
        },
        "customer_name", "date", "time",
    ),
    _spec(
        "take_message",
        "Take a message for the business when the answer is not known.",
        {
            "customer_name": _NAME,
            "message": {"type": "string", "description": "the message to pass on"},
            "callback_number": {"type": "string", "description": "the number to call back on"},
        },
        "customer_name", "message",
    ),
    _spec(
        "end_call",
        "End the call, after saying goodbye.",
        {"reason": {"type": "string", "description": "why the call ends"}},
    ),
]  # fmt: skip


def tool_specs(business_id: int) -> list[dict[str, Any]]:
    """The tools of a business's calls, as the realtime API takes them."""
    return [dict(spec) for spec in _SPECS]


def run_tool(*, business_id: int, call_sid: str, tool_call_id: str, name: str, arguments: str) -> str:
    """Run one tool in a transaction of its own; JSON for the model with `ok` and `message`. Never raises.

    Deduplicated by the tool call's id: the same call run twice books once.
    """
    try:
        result = _answer(business_id, call_sid, f"{call_sid}:{tool_call_id}", name, arguments)
    except Exception as problem:  # the tool's edge: the caller is on the line and must hear something
        log.error("tool failed", call_sid=call_sid, tool=name, error=repr(problem), exc_info=problem)
        result = {"ok": False, "message": "That did not work just now. I can take a message instead."}
    return json.dumps(result)


def _answer(business_id: int, call_sid: str, key: str, name: str, arguments: str) -> dict[str, Any]:
    try:
        return _run(business_id, call_sid, key, name, _arguments(name, arguments))
    except BadArguments as problem:
        _note(business_id, call_sid, name)
        return {"ok": False, "message": str(problem)}


def _run(business_id: int, call_sid: str, key: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    with db.scope() as session, session.begin():
        call = CallLog.query.filter_by(call_sid=call_sid, business_id=business_id).one()
        result = _TOOLS[name](call, key, given)
        timeline.append(
            call_sid, "tool", {"name": name, "ok": result["ok"]}, source="call_tools", business_id=business_id
        )
        return result


def _note(business_id: int, call_sid: str, name: str) -> None:
    """A line for a tool that could not be run as the model asked."""
    known = name if name in _TOOLS else "unknown"
    with db.scope() as session, session.begin():
        if CallLog.query.filter_by(call_sid=call_sid, business_id=business_id).count():
            timeline.append(
                call_sid, "tool", {"name": known, "ok": False}, source="call_tools", business_id=business_id
            )


def _check(call: CallLog, _: str, given: dict[str, Any]) -> dict[str, Any]:
    business, day = db.session.get_one(Business, call.business_id), _day(given["date"])
    free = slots.free_times(business, day)
    if free:
        said = f"Free on {slots.spoken_day(day)}: {_spans(free)}."
    else:
        wanted = datetime.combine(day, time(12), ZoneInfo(business.timezone))
        said = f"Nothing is free on {day:%A}. {slots.offer(business, wanted)}"
    return {"ok": True, "message": said, "free": [f"{slot:%H:%M}" for slot in free]}


def _spans(free: list[datetime]) -> str:
    """Free starts as they are said: `09:00 to 12:30 and 15:00`."""
    spans: list[list[datetime]] = []
    for slot in free:
        if spans and slot - spans[-1][-1] == slots.timedelta(minutes=30):
            spans[-1].append(slot)
        else:
            spans.append([slot])
    return " and ".join(f"{s[0]:%H:%M} to {s[-1]:%H:%M}" if len(s) > 1 else f"{s[0]:%H:%M}" for s in spans)


def _book(call: CallLog, key: str, given: dict[str, Any]) -> dict[str, Any]:
    booking = appointments.book(
        business_id=call.business_id,
        call_sid=call.call_sid,
        request_key=key,
        customer_name=given["customer_name"],
        day=_day(given["date"]),
        at=_time(given["time"]),
        service=given.get("service"),
        contact_id=call.contact_id,
    )
    if booking.ok and call.contact_id is not None:
        contacts.remember_name(call.contact_id, given["customer_name"])
    return {"ok": booking.ok, "message": booking.message}


def _message(call: CallLog, key: str, given: dict[str, Any]) -> dict[str, Any]:
    messages.take(
        business_id=call.business_id,
        call_sid=call.call_sid,
        request_key=key,
        body=given["message"],
        customer_name=given.get("customer_name"),
        callback_number=_callback(given.get("callback_number"), call),
    )
    return {"ok": True, "message": "Your message has been noted and will be passed on."}


def _callback(given: object, call: CallLog) -> str | None:
    """The number that was named; words such as "the number I am calling from" mean the caller's own, if it shows."""
    named = str(given or "")
    other = call.to_number if call.direction == "outbound" else call.from_number
    return named if any(letter.isdigit() for letter in named) else contacts.shown_number(other)


def _end(*_: object) -> dict[str, Any]:
    return {"ok": True, "message": ""}


_TOOLS: Final[dict[str, Callable[[CallLog, str, dict[str, Any]], dict[str, Any]]]] = {
    "check_availability": _check,
    "book_appointment": _book,
    "take_message": _message,
    "end_call": _end,
}


def _arguments(name: str, text: str) -> dict[str, Any]:
    spec = next((spec for spec in _SPECS if spec["name"] == name), None)
    if spec is None:
        raise BadArguments(f"There is no tool {name!r}; there are {', '.join(_TOOLS)}.")
    try:
        given = json.loads(text or "{}")
    except json.JSONDecodeError as problem:
        raise BadArguments(f"The arguments of {name} are not JSON: {problem}.") from problem
    if not isinstance(given, dict):
        raise BadArguments(f"The arguments of {name} must be an object.")
    return _checked(spec["parameters"], given)


def _checked(schema: dict[str, Any], given: dict[str, Any]) -> dict[str, str]:
    """The arguments that the schema names, as text a database can hold. Every one of ours is a string."""
    checked = {}
    for key, wanted in schema["properties"].items():
        value = given.get(key)
        if value is not None and not isinstance(value, str):
            raise BadArguments(f"{key} must be a text: give {wanted['description']}.")
        text = " ".join((value or "").replace("\0", " ").split())[: _LONGEST.get(key, 200)]
        if text:
            checked[key] = text
        elif key in schema["required"]:
            raise BadArguments(f"{key} is missing: ask for {wanted['description']}.")
    return checked


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise BadArguments(f"date {text!r} is not YYYY-MM-DD: ask for the day again.") from problem


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError as problem:
        raise BadArguments(f"time {text!r} is not HH:MM: ask for the time again.") from problem
