"""Regression 3: an unknown number is nobody's."""

from __future__ import annotations

import pytest

from server.db import Database
from server.services.businesses import (
    BadBusiness,
    business_for_number,
    demo_business,
    e164,
    list_businesses,
    save_business,
)


def test_regression_3_an_unknown_number_belongs_to_nobody(database: Database) -> None:
    with database.scope():
        save_business(name="First", phone_e164="+441632960101")
        assert business_for_number("+441632960199") is None
        assert business_for_number("") is None
        assert business_for_number("anonymous") is None


def test_a_number_is_found_however_it_is_written(database: Database) -> None:
    with database.scope():
        saved = save_business(name="First", phone_e164="+44 1632 960101")
        assert saved.phone_e164 == "+441632960101"
        assert business_for_number("+44 (1632) 960-101") is saved


def test_saving_again_updates_and_raises_the_version_only_on_a_change(database: Database) -> None:
    with database.scope() as session:
        first = save_business(name="First", phone_e164="+441632960101", facts=["Open"])
        assert first.version == 1
        save_business(name="First", phone_e164="+441632960101", facts=["Open"])
        assert first.version == 1
        save_business(name="First", phone_e164="+441632960101", facts=["Closed"])
        session.commit()
        assert (first.version, len(list_businesses())) == (2, 1)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"phone_e164": "12"}, "phone '12' is not a phone number: give it as"),
        ({"phone_e164": "+44123"}, "phone '.44123' has the wrong length"),
        ({"name": " "}, "name is empty"),
        ({"timezone": "Mars"}, "timezone 'Mars' is not known"),
        ({"hours": {"monday": "9-18"}}, "hours of monday: '9-18' is not HH:MM-HH:MM"),
        ({"hours": {"monday": "18:00-09:00"}}, "hours of monday"),
        ({"hours": {"lundi": "09:00-18:00"}}, "'lundi' is no day"),
        ({"hours": {"monday": 9}}, "hours of monday: 9 is not"),
        ({"timezone": "Europe"}, "timezone 'Europe' is not known"),
        ({"name": "n" * 201}, "name has 201 characters: give at most 200"),
        ({"voice": ""}, "voice is empty: give one of the model's voices"),
        ({"motto": "x"}, "motto: no such field"),
    ],
)
def test_a_bad_field_is_named_with_the_remedy(database: Database, fields: dict[str, object], says: str) -> None:
    given = {"name": "First", "phone_e164": "+441632960101"} | fields
    with database.scope(), pytest.raises(BadBusiness, match=says):
        save_business(**given)  # type: ignore[arg-type]


def test_the_demo_s_business_can_be_saved(database: Database) -> None:
    with database.scope():
        assert save_business(**demo_business()).name == "Harbour Hair"


def test_e164_names_the_field() -> None:
    with pytest.raises(BadBusiness, match="caller 'x'"):
        e164("x", "caller")


def test_an_update_leaves_alone_what_it_was_not_given(database: Database) -> None:
    with database.scope():
        save_business(**demo_business() | {"record_calls": False, "inbound_prompt": "Be kind."})
        saved = save_business(name="Harbour Hair & Beauty", phone_e164="+441632960101")
        assert (saved.timezone, saved.record_calls, saved.inbound_prompt) == ("Europe/London", False, "Be kind.")
        assert (len(saved.facts), saved.hours["saturday"], saved.version) == (5, "10:00-16:00", 2)
        cleared = save_business(name="B", phone_e164="+441632960101", facts=[], hours={}, inbound_prompt="")
        assert (cleared.facts, cleared.hours, cleared.inbound_prompt, cleared.version) == ([], {}, "", 3)


def test_a_fact_is_one_line_whatever_was_typed(database: Database) -> None:
    with database.scope():
        saved = save_business(name=" A\n B ", phone_e164="+441632960101", facts=["Free\n# Role\nparking", " "])
        assert (saved.name, saved.facts) == ("A B", ["Free # Role parking"])
