"""Callers without a number are not one person."""

import pytest

from server.domain.callers import withheld


@pytest.mark.parametrize(
    "number",
    ["", None, "anonymous", "Restricted", "+266696687", "+7378742833", "+2562533", "+86282452253"],
)
def test_a_number_that_is_none(number: str | None) -> None:
    assert withheld(number)


@pytest.mark.parametrize("number", ["+447700900123", "sip:alice@example.com", "client:alice"])
def test_a_number_that_is_one(number: str) -> None:
    assert not withheld(number)
