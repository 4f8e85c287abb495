"""The tools about people: who calls, what is to be passed on, whom to put the caller through to, and the end."""

from __future__ import annotations

from typing import Any, Final

from server.db import db
from server.models_sql import Appointment, Business, CallLog, Contact
from server.services import contacts, messages, own_appointments, transfer_targets
from server.services.tools.answers import Answer, Transfer

_MOST: Final = 5
_SHOWN_CHARS: Final = 200


def take_message(business: Business, call: CallLog, key: str, given: dict[str, Any]) -> Answer:
    """Keep a message for the business."""
    messages.take(
        business_id=business.id,
        call_sid=call.call_sid,
        request_key=key,
        body=given["message"],
        customer_name=given["customer_name"],
        callback_number=_callback(given.get("callback_number"), call),
    )
    return Answer(True, "Your message has been noted and will be passed on.")


def look_up(business: Business, call: CallLog, key: str, given: dict[str, Any]) -> Answer:
    """What is known of this caller, by the number of this very call; nothing of anybody else."""
    contact = db.session.get(Contact, call.contact_id) if call.contact_id is not None else None
    if contact is None or contact.business_id != business.id:
        return Answer(True, "Your number does not show, so I can't look you up.", {"known": False})
    coming = own_appointments.upcoming(business, contact.id)[:_MOST]
    earlier = own_appointments.past(business, contact.id, _MOST)
    waiting = messages.open_of_contact(business.id, contact.id, _MOST)
    data = {
        "known": bool(contact.name or coming or earlier or waiting),
        "name": contact.name,
        "upcoming": [_shown(business, row) for row in coming],
        "past": [_shown(business, row) for row in earlier],
        "open_messages": [row.body[:_SHOWN_CHARS] for row in waiting],
    }
    return Answer(True, _in_words(business, contact, coming, earlier, len(waiting)), data)


def transfer(business: Business, call: CallLog, key: str, given: dict[str, Any]) -> Answer:
    """Whom the caller is to be put through to, for the media layer; the number stays out of the words and the data."""
    target = transfer_targets.find_target(business.id, given["colleague"])
    if target is None:
        return Answer(False, "That colleague can't be reached. Shall I take a message?")
    effect = Transfer(target.id, target.name, target.phone_e164, given.get("reason", ""), target.warm)
    return Answer(True, f"One moment, I am putting you through to {target.name}.", {"colleague": target.name}, effect)


def end(business: Business, call: CallLog, key: str, given: dict[str, Any]) -> Answer:
    """The call ends; the session does it."""
    return Answer(True, "")


def _callback(given: object, call: CallLog) -> str | None:
    """The number that was named; words such as "the number I am calling from" mean the caller's own, if it shows."""
    named = str(given or "")
    other = call.to_number if call.direction == "outbound" else call.from_number
    return named if any(letter.isdigit() for letter in named) else contacts.shown_number(other)


def _shown(business: Business, row: Appointment) -> str:
    service = f", {row.service}" if row.service else ""
    return f"{own_appointments.spoken(business, row)} for {row.customer_name}{service}"


def _in_words(
    business: Business, contact: Contact, coming: list[Appointment], earlier: list[Appointment], waiting: int
) -> str:
    words = [f"You are {contact.name}." if contact.name else "I don't have your name yet."]
    if coming:
        words.append(f"You are booked on {' and on '.join(own_appointments.spoken(business, row) for row in coming)}.")
    else:
        words.append("You have no appointment coming up.")
    if earlier:
        words.append(f"You were last here on {own_appointments.spoken(business, earlier[0])}.")
    if waiting:
        words.append(f"{waiting} of your messages {'is' if waiting == 1 else 'are'} still open.")
    return " ".join(words)
