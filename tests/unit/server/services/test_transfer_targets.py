"""Colleagues: one per name, of one business, with a number that can be dialled."""

from __future__ import annotations

import pytest

from server.db import Database
from server.models_sql import Business
from server.services.businesses import BadBusiness, save_business
from server.services.transfer_targets import find_target, list_targets, remove_target, save_target


def test_a_colleague_is_saved_updated_and_removed(database: Database, salon: Business) -> None:
    with database.scope():
        first = save_target(salon.id, " Anna  Smith ", "+44 1632 960102", " colouring ")
        assert (first.name, first.phone_e164, first.purpose) == ("Anna Smith", "+441632960102", "colouring")
        again = save_target(salon.id, "ANNA smith", "+441632960103")
        assert again.id == first.id and (again.name, again.purpose) == ("ANNA smith", None)
        assert [one.name for one in list_targets(salon.id)] == ["ANNA smith"]
        assert remove_target(salon.id, "anna SMITH") and not remove_target(salon.id, "anna smith")


def test_a_colleague_is_asked_first_unless_they_want_calls_at_once(database: Database, salon: Business) -> None:
    with database.scope():
        assert save_target(salon.id, "Anna", "+441632960102").warm is True
        assert save_target(salon.id, "Anna", "+441632960102", warm=False).warm is False


def test_colleagues_are_their_own_business_s(database: Database, salon: Business) -> None:
    with database.scope():
        other = save_business(name="Other", phone_e164="+441632960109")
        save_target(salon.id, "Anna", "+441632960102")
        assert find_target(other.id, "Anna") is None and not remove_target(other.id, "Anna")
        with pytest.raises(LookupError):
            save_target(99, "Anna", "+441632960102")


@pytest.mark.parametrize(
    ("name", "phone", "says"),
    [
        ("", "+441632960102", "name of the colleague"),
        ("x" * 101, "+441632960102", "name of the colleague"),
        ("+441632960102", "+441632960102", "looks like a number"),
        ("Anna", "999", "phone '999'"),
    ],
)
def test_what_can_t_be_used_is_named(database: Database, salon: Business, name: str, phone: str, says: str) -> None:
    with database.scope(), pytest.raises(BadBusiness, match=says):
        save_target(salon.id, name, phone)


def test_a_change_raises_the_version_that_caches_depend_on(database: Database, salon: Business) -> None:
    with database.scope():
        before = salon.version
        save_target(salon.id, "Anna", "+441632960102")
        remove_target(salon.id, "Anna")
        assert Business.query.filter_by(id=salon.id).populate_existing().one().version == before + 2
