"""People and their numbers: who shows none must never share a contact with others who show none."""

from __future__ import annotations

import pytest

from server.db import Database
from server.models_sql import Business, Contact
from server.services.contacts import contact_for, remember_name, shown_number


@pytest.mark.parametrize(
    "sent",
    [
        "", "anonymous", "Restricted", "sip:alice@example.com", "client:alice",
        "+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253",
    ],
)  # fmt: skip
def test_a_caller_who_shows_no_number_has_none_and_no_contact(
    database: Database, business: Business, sent: str
) -> None:
    assert shown_number(sent) is None
    with database.scope():
        assert contact_for(business.id, sent) is None
        assert Contact.query.count() == 0


def test_a_number_that_shows_is_e164(database: Database, business: Business) -> None:
    assert shown_number("+44 7700 900123") == "+447700900123"
    assert shown_number(None) is None


def test_the_newest_name_wins_and_an_empty_one_is_no_name(database: Database, business: Business) -> None:
    with database.scope():
        contact = contact_for(business.id, "+447700900123")
        assert contact is not None
        for name in ("Maria", " ", " Maria Lopez "):
            remember_name(contact.id, name)
        assert contact.name == "Maria Lopez"
