"""Reading client events and shaping errors, as OpenAI words them (shared/protocols.md, part 1)."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

Event = dict[str, Any]

_DEEPEST = 64
_LONGEST_EVENT_ID = 512
_SHOWN = 80
_TYPE_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    dict: "an object",
    list: "an array",
    type(None): "null",
}


def new_id(prefix: str) -> str:
    """An id in OpenAI's style: a prefix and random characters."""
    return f"{prefix}_{secrets.token_hex(10)}"


class ClientError(Exception):
    """A client event that cannot be done: it becomes an `error` event, and the session goes on."""

    def __init__(self, code: str, message: str, param: str | None = None, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind

    def event(self, client_event_id: str | None) -> Event:
        """The `error` event; `client_event_id` is the `event_id` the client gave, echoed inside."""
        return {
            "type": "error",
            "error": {
                "type": self.kind,
                "code": self.code,
                "message": self.message,
                "param": self.param,
                "event_id": client_event_id,
            },
        }


def parse_event(text: str) -> Event:
    """One client event. Raises `ClientError` for anything but a JSON object of sane depth."""
    try:
        event = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as problem:
        raise ClientError("invalid_json", f"The event is not valid JSON: {problem}.") from problem
    if not isinstance(event, dict):
        raise ClientError("invalid_type", f"Invalid event: expected an object, but got {type_name(event)} instead.")
    if not _shallow(event, _DEEPEST):
        raise ClientError("invalid_value", f"Invalid event: nested deeper than {_DEEPEST} levels.")
    return event


def client_event_id(event: Event) -> str | None:
    """The id the client gave its event, when it gave one that can be echoed."""
    given = event.get("event_id")
    return given[:_LONGEST_EVENT_ID] if isinstance(given, str) else None


def _shallow(value: object, left: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left > 0 and all(_shallow(one, left - 1) for one in inner if isinstance(one, dict | list))


def type_name(value: object) -> str:
    """How an error names a JSON value's type."""
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def wrong_type(param: str, wanted: str, value: object) -> ClientError:
    """The error for a field of another type than the protocol's."""
    return ClientError(
        "invalid_type", f"Invalid type for '{param}': expected {wanted}, but got {type_name(value)} instead.", param
    )


def unsupported(param: str, value: object, supported: list[str]) -> ClientError:
    """The error for a value outside a closed list."""
    listed = ", ".join(f"'{one}'" for one in supported)
    return ClientError("invalid_value", f"Invalid value: '{shown(value)}'. Supported values are: {listed}.", param)


def missing(param: str) -> ClientError:
    """The error for a field that must be there."""
    return ClientError("missing_required_parameter", f"Missing required parameter: '{param}'.", param)


def shown(value: object) -> str:
    """A client's value as an error may repeat it: never a whole prompt or minutes of audio."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def required(event: Event, name: str, kind: type, param: str | None = None) -> Any:
    """A field that must be there, of this type. Raises `ClientError` naming it (`param`: its full path)."""
    if name not in event:
        raise missing(param or name)
    return of_type(event[name], param or name, kind)


def optional(event: Event, name: str, kind: type, param: str | None = None) -> Any:
    """A field that may be missing or null. Raises `ClientError` when it has another type."""
    value = event.get(name)
    return None if value is None else of_type(value, param or name, kind)


def of_type(value: object, param: str, kind: type) -> Any:
    """The value, when it is of the JSON type asked for (a boolean is no number). Raises `ClientError`."""
    fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise wrong_type(param, _TYPE_NAMES[kind], value)
    return value
