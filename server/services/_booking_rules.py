"""What a business may set about its bookings, checked: its services and the numbers that times follow from."""

from __future__ import annotations

from typing import Any, Final

UNIT_MINUTES: Final = 5
"""Time is booked in pieces of this length; every length is a multiple of it."""
_DAY: Final = 24 * 60
_BOUNDS: Final = {
    "slot_minutes": (UNIT_MINUTES, _DAY),
    "book_ahead_days": (1, 3660),
    "least_notice_minutes": (0, 366 * _DAY),
}
_MOST_SERVICES: Final = 50


class BadBusiness(ValueError):
    """A field of a business can't be used; the message names it and the remedy."""


def number(value: int | None, field: str) -> int | None:
    """A whole number within its bounds; None stays None. Raises `BadBusiness` naming the field."""
    if value is None:
        return None
    least, most = _BOUNDS[field]
    if not least <= value <= most:
        raise BadBusiness(f"{field} is {value}: give a number from {least} to {most}")
    if field == "slot_minutes":
        _whole_units(value, field)
    return value


def services(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Services as they are stored: name, minutes, and a price in words if there is one. Raises `BadBusiness`."""
    if len(given) > _MOST_SERVICES:
        raise BadBusiness(f"services: {len(given)} are too many, give at most {_MOST_SERVICES}")
    made = [_service(one) for one in given]
    names = [one["name"].casefold() for one in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadBusiness(f"services: {twice!r} is there twice, give each service once")
    return made


def _service(given: dict[str, Any]) -> dict[str, Any]:
    name = " ".join(str(given.get("name") or "").split())
    if not name or len(name) > 100:
        raise BadBusiness("services: give each a name of at most 100 characters, such as Cut and blow-dry")
    minutes = given.get("minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not UNIT_MINUTES <= minutes <= _DAY:
        raise BadBusiness(f"services: {name!r} takes {minutes!r} minutes; give a number from {UNIT_MINUTES} to {_DAY}")
    _whole_units(minutes, f"services: {name!r}")
    price = " ".join(str(given.get("price") or "").split())
    if len(price) > 60:
        raise BadBusiness(f"services: the price of {name!r} is longer than 60 characters")
    return {"name": name, "minutes": minutes, **({"price": price} if price else {})}


def _whole_units(minutes: int, field: str) -> None:
    if minutes % UNIT_MINUTES:
        raise BadBusiness(f"{field}: {minutes} minutes is no multiple of {UNIT_MINUTES}")
