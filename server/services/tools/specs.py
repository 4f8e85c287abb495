"""The built-in tools as the realtime API takes them, for one business: JSON Schemas whose descriptions say what to ask.

Our own engine reads the same schemas: a property's format and name tell it what to listen for.
"""

from __future__ import annotations

from typing import Any, Final

from server.models_sql import Business, HttpTool, TransferTarget

ALWAYS_ON: Final = frozenset({"end_call"})
"""A call must be able to end."""
LONGEST_RANGE_DAYS: Final = 14

_NAME: Final = {"type": "string", "maxLength": 200, "description": "the caller's full name"}
_BOOKED_NAME: Final = {
    "type": "string",
    "maxLength": 200,
    "description": "the full name the appointment is booked under",
}
_DAY: Final = {"type": "string", "format": "date", "description": "the day of the appointment, YYYY-MM-DD"}
_TIME: Final = {"type": "string", "format": "time", "description": "the time of the appointment, HH:MM"}


def _spec(name: str, description: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return {"type": "function", "name": name, "description": description, "parameters": parameters}


def built_in(
    business: Business, targets: list[TransferTarget], *, caller_known: bool = True
) -> dict[str, dict[str, Any]]:
    """The built-in tools of a business by name, those that it turned off left out; no transfer without a colleague.

    A caller whose number does not show can't be looked up, and must name what they want to move or cancel.
    """
    finding = [_RESCHEDULE, _CANCEL] if caller_known else [_RESCHEDULE_UNKNOWN, _CANCEL_UNKNOWN]
    made = [
        _availability(business), _booking(business), *finding, _MESSAGE, *([_LOOK_UP] if caller_known else []),
        *([_transfer(targets)] if targets else []), _END,
    ]  # fmt: skip
    off = set(business.tools_off or []) - ALWAYS_ON
    return {spec["name"]: spec for spec in made if spec["name"] not in off}


def of_http_tool(tool: HttpTool) -> dict[str, Any]:
    """A business's own tool: name, description and schema, and nothing of where it leads."""
    parameters = {"additionalProperties": False, **tool.parameters}
    return {"type": "function", "name": tool.name, "description": tool.description, "parameters": parameters}


def _service(business: Business) -> dict[str, Any]:
    names = [service["name"] for service in business.services or []]
    wanted = {"type": "string", "maxLength": 200, "description": "the service that is wanted"}
    return {**wanted, "enum": names} if names else wanted


def _availability(business: Business) -> dict[str, Any]:
    properties = {
        "date": {**_DAY, "description": "the day, or the first day of a range, YYYY-MM-DD"},
        "until": {**_DAY, "description": f"the last day of a range of at most {LONGEST_RANGE_DAYS} days, YYYY-MM-DD"},
        "service": _service(business),
    }
    return _spec("check_availability", "Tell which times are free on a day or in a range of days.", properties, "date")


def _booking(business: Business) -> dict[str, Any]:
    properties = {"customer_name": _NAME, "date": _DAY, "time": _TIME, "service": _service(business)}
    # Services differ in length, so where there are several, the one that is wanted must be known.
    several = len(business.services or []) > 1
    required = ("service",) if several else ()
    return _spec(
        "book_appointment", "Book an appointment, after the caller confirmed name, day and time.", properties,
        "customer_name", "date", "time", *required,
    )  # fmt: skip


def _transfer(targets: list[TransferTarget]) -> dict[str, Any]:
    who = "; ".join(f"{one.name}: {one.purpose}" for one in targets if one.purpose)
    description = "Put the caller through to a colleague or department, when they ask for it or need a person."
    names = {
        "type": "string", "maxLength": 100, "enum": [one.name for one in targets],
        "description": "the colleague or department to put the caller through to",
    }  # fmt: skip
    reason = {"type": "string", "maxLength": 300, "description": "what the caller wants, in one sentence"}
    return _spec("transfer_call", f"{description} {who}".strip(), {"colleague": names, "reason": reason}, "colleague")


_RESCHEDULE: Final = _spec(
    "reschedule_appointment",
    "Move the caller's appointment to another day and time, after the caller confirmed them. It is found by the number "
    "they call from; otherwise by the name and the day it is booked for.",
    {
        "date": {**_DAY, "description": "the new day, YYYY-MM-DD"},
        "time": {**_TIME, "description": "the new time, HH:MM"},
        "customer_name": _BOOKED_NAME,
        "booked_for": {
            "type": "string",
            "maxLength": 10,
            "pattern": r"^\d{4}-\d\d-\d\d$",
            "description": "the day that the appointment is booked for now, YYYY-MM-DD, if the caller said it",
        },
    },
    "date",
    "time",
)
_CANCEL: Final = _spec(
    "cancel_appointment",
    "Cancel the caller's appointment, after they confirmed it. It is found by the number they call from; otherwise by "
    "the name and the day it is booked for.",
    {"date": {**_DAY, "description": "the day that the appointment is booked for, YYYY-MM-DD"},
     "customer_name": _BOOKED_NAME},
)  # fmt: skip


def _requiring(spec: dict[str, Any], *names: str) -> dict[str, Any]:
    parameters = spec["parameters"]
    return {**spec, "parameters": {**parameters, "required": [*parameters["required"], *names]}}


_RESCHEDULE_UNKNOWN: Final = _requiring(_RESCHEDULE, "customer_name", "booked_for")
_CANCEL_UNKNOWN: Final = _requiring(_CANCEL, "customer_name", "date")
_MESSAGE: Final = _spec(
    "take_message",
    "Take a message for the business when the answer is not known.",
    {
        "customer_name": _NAME,
        "message": {"type": "string", "maxLength": 4000, "description": "the message to pass on"},
        "callback_number": {"type": "string", "maxLength": 64, "description": "the number to call back on"},
    },
    "customer_name",
    "message",
)
_LOOK_UP: Final = _spec(
    "look_up_caller",
    "Look up what is known of the caller, by the number they call from: name, appointments, open messages.",
    {},
)
_END: Final = _spec(
    "end_call",
    "End the call, after saying goodbye.",
    {"reason": {"type": "string", "maxLength": 200, "description": "why the call ends"}},
)
NAMES: Final = (
    "check_availability", "book_appointment", "reschedule_appointment", "cancel_appointment", "take_message",
    "look_up_caller", "transfer_call", "end_call",
)  # fmt: skip
