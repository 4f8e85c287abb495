"""Prompts: regressions 4 (wrong direction), 5 (a caller in the cache) and 34 (stale in other processes)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.db import Database
from server.models_sql import Appointment, Business, CallLog, Contact
from server.services import realtime_prompt_builder as builder
from server.services.ai_service import get_business_prompt
from server.services.businesses import demo_business, save_business
from server.services.contacts import contact_for, remember_name

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)


@pytest.fixture
def salon(database: Database) -> Business:
    with database.scope() as session:
        saved = save_business(**demo_business() | {"inbound_prompt": "Be kind.", "outbound_prompt": "Remind them."})
        session.commit()
    builder._cache.clear()
    return saved


def test_regression_4_each_direction_has_its_own_prompt(salon: Business) -> None:
    inbound = builder.build_realtime_system_prompt(salon.id, "inbound")
    outbound = builder.build_realtime_system_prompt(salon.id, "outbound")
    assert "Be kind." in inbound and "Remind them." not in inbound
    assert "Remind them." in outbound and "Be kind." not in outbound


def test_each_direction_has_its_own_fallback(database: Database) -> None:
    with database.scope() as session:
        plain = save_business(name="Plain", phone_e164="+441632960102")
        session.commit()
    inbound = builder.build_realtime_system_prompt(plain.id, "inbound", use_cache=False)
    outbound = builder.build_realtime_system_prompt(plain.id, "outbound", use_cache=False)
    assert "take messages" in inbound and "why the business is calling" in outbound


def test_it_holds_hours_and_facts_in_the_agent_s_words(salon: Business) -> None:
    text = builder.build_realtime_system_prompt(salon.id, "inbound")
    assert "Saturday: 10:00-16:00" in text and "Sunday: closed" in text
    assert "- Parking: free behind the building for two hours." in text


def test_regression_5_nothing_of_a_caller_is_in_the_cached_text(database: Database, salon: Business) -> None:
    with database.scope() as session:
        contact = contact_for(salon.id, "+447700900123")
        assert contact is not None
        remember_name(contact.id, "Maria Lopez")
        session.commit()
    first = builder.build_realtime_system_prompt(salon.id, "inbound")
    context = builder.caller_context(salon.id, contact, NOW)
    assert "Caller: Maria Lopez" in context and "Tuesday 24 November 2026, 09:12 (Europe/London)" in context
    assert "Maria" not in first and first == builder.build_realtime_system_prompt(salon.id, "inbound")
    assert "Caller: not known yet" in builder.caller_context(salon.id, None, NOW)


def test_regression_34_a_change_saved_elsewhere_is_in_force_at_once(database: Database, salon: Business) -> None:
    assert "Be kind." in builder.build_realtime_system_prompt(salon.id, "inbound")
    with database.engine.begin() as other_process:
        other_process.exec_driver_sql("UPDATE businesses SET inbound_prompt = 'Be brief.', version = version + 1")
    assert "Be brief." in builder.build_realtime_system_prompt(salon.id, "inbound")


def test_the_second_build_comes_from_the_cache(salon: Business) -> None:
    before = builder.cache_info()["hits"]
    builder.build_realtime_system_prompt(salon.id, "inbound")
    builder.build_realtime_system_prompt(salon.id, "inbound")
    builder.build_realtime_system_prompt(salon.id, "inbound", use_cache=False)
    assert builder.cache_info()["hits"] == before + 1


def test_the_greeting_is_said_exactly_with_the_announcement_first(database: Database, salon: Business) -> None:
    with database.scope() as session:
        save_business(name="B", phone_e164="+441632960103", consent_announcement="This call is recorded.")
        other = save_business(name="C", phone_e164="+441632960104", consent_announcement="X.", record_calls=False)
        session.commit()
    said = builder.greeting_instruction(other.id - 1, "inbound")
    assert said.endswith('Say exactly: "This call is recorded. Thank you for calling B. How can I help you?"')
    assert "X." not in builder.greeting_instruction(other.id, "inbound")
    assert "calling. Is this a good moment?" in builder.greeting_instruction(other.id, "outbound")


def test_wrong_arguments_are_named(database: Database, salon: Business) -> None:
    with pytest.raises(ValueError, match="'sideways': it must be 'inbound' or 'outbound'"):
        builder.build_realtime_system_prompt(salon.id, "sideways")
    with pytest.raises(LookupError, match="business 99 does not exist"):
        builder.build_realtime_system_prompt(99, "inbound")
    with pytest.raises(ValueError, match="calls use build_realtime_system_prompt"):
        get_business_prompt(salon.id, channel="phone")
    with pytest.raises(LookupError, match="business 99"):
        get_business_prompt(99)
    with pytest.raises(LookupError, match="business 99"):
        builder.greeting_instruction(99, "inbound")
    with pytest.raises(LookupError, match="business 99"):
        builder.caller_context(99, None, NOW)


def test_whatsapp_has_its_own_shorter_prompt(salon: Business) -> None:
    text = get_business_prompt(salon.id, channel="whatsapp")
    assert "WhatsApp" in text and "Saturday: 10:00-16:00" in text
    assert len(text) < len(builder.build_realtime_system_prompt(salon.id, "inbound"))
    assert "Be kind." not in text


def test_a_contact_is_one_row_and_a_withheld_number_is_none(database: Database, salon: Business) -> None:
    with database.scope() as session:
        assert contact_for(salon.id, "anonymous") is None
        assert contact_for(salon.id, "+266696687") is None
        first, second = contact_for(salon.id, "+447700900123"), contact_for(salon.id, "+44 7700 900123")
        session.commit()
        assert first is second
        assert Contact.query.count() == 1


def test_a_copy_that_was_loaded_before_a_change_is_never_kept_as_the_new_text(
    database: Database, salon: Business
) -> None:
    with database.scope(write=False) as session:
        held = Business.query.one()
        assert held.inbound_prompt == "Be kind."
        session.commit()
        with database.engine.begin() as other_process:
            other_process.exec_driver_sql("UPDATE businesses SET inbound_prompt = 'Be brief.', version = version + 1")
        assert "Be brief." in builder.build_realtime_system_prompt(salon.id, "inbound")
    assert "Be brief." in builder.build_realtime_system_prompt(salon.id, "inbound")


def test_the_cache_is_bounded(salon: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "_LIMIT", 1)
    builder.build_realtime_system_prompt(salon.id, "inbound")
    builder.build_realtime_system_prompt(salon.id, "outbound")
    assert builder.cache_info()["size"] == 1


def test_the_context_tells_what_is_booked_and_what_was_said_before(database: Database, salon: Business) -> None:
    with database.scope() as session:
        other = save_business(name="Other", phone_e164="+441632960102")
        contact = contact_for(salon.id, "+447700900123")
        assert contact is not None
        session.commit()
    with database.scope("server.services.appointments") as session:
        for number, starts in enumerate((NOW - timedelta(days=1), NOW + timedelta(days=2))):
            session.add(
                Appointment(
                    business_id=salon.id, contact_id=contact.id, customer_name="M", local_date=starts.date(),
                    starts_at=starts, request_key=f"k{number}",
                )
            )  # fmt: skip
        session.commit()
    for number, (days, summary) in enumerate(((200, "Old."), (3, "Asked\nfor parking."), (2, None), (1, "x " * 300))):
        row = CallLog(
            call_sid=f"CA{number}", business_id=salon.id, direction="inbound", status="completed",
            contact_id=contact.id, started_at=NOW - timedelta(days=days),
        )  # fmt: skip
        with database.scope("server.routes_twilio") as session:
            session.add(row)
            session.commit()
        with database.scope("server.tasks_recording") as session:
            session.merge(row).summary = summary
            session.commit()
    lines = builder.caller_context(salon.id, contact, NOW).splitlines()
    assert lines[3] == "Booked for this caller: Thursday 26 November at 09:12"
    assert lines[4].startswith("Earlier call on Monday 23 November: x x x") and len(lines[4]) < 250
    assert lines[5:] == ["Earlier call on Saturday 21 November: Asked for parking."]
    stranger = builder.caller_context(other.id, contact, NOW)
    assert "not known yet" in stranger and "Booked" not in stranger and "Earlier" not in stranger


def test_a_caller_who_comes_back_from_a_transfer_hears_why_and_what_next() -> None:
    said = builder.came_back_instruction("Anna", "busy", again=True)
    words = "I am sorry, Anna is on another call. Shall I take a message, or try somebody else?"
    assert said.endswith(f'Say exactly: "{words}"')
    assert builder.came_back_instruction("Anna", "failed", again=False).endswith('moment. Shall I take a message?"')
