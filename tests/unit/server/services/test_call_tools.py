"""The tools of a call: what the model is offered, and what it is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.db import Database
from server.models_sql import Appointment, Business, CallEvent, CallLog, Contact, Message
from server.services import call_tools
from server.services.businesses import demo_business, save_business
from server.services.messages import mark_handled
from server.services.realtime_prompt_builder import caller_context
from server.services.tools import http_tools, specs
from server.services.tools.answers import FAILED, MOST_CHARS, Answer
from server.services.tools.arguments import check_schema
from server.services.transfer_targets import save_target
from server.store.call_views import appointments_page, call_view
from tests.support.clock import FakeClock
from tests.support.tools import Tool

BOOKING = {"customer_name": "Maria Lopez", "date": "2026-11-26", "time": "14:30", "service": "haircut"}


def test_the_tool_books_once_and_remembers_the_name(database: Database, tool: Tool) -> None:
    assert tool("book_appointment", BOOKING, id="t1") == tool("book_appointment", BOOKING, id="t1")
    with database.scope(write=False):
        assert Appointment.query.count() == 1
        assert Contact.query.one().name == "Maria Lopez"
        assert [event.detail for event in CallEvent.query] == [{"name": "book_appointment", "ok": True}]


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("book_appointment", {"customer_name": "Maria"}, "date is missing: ask for the day of the appointment"),
        ("book_appointment", BOOKING | {"date": "Thursday"}, "date: 'Thursday' is not a date; use YYYY-MM-DD"),
        ("book_appointment", BOOKING | {"time": "half two"}, "time: 'half two' is not a time; use HH:MM"),
        ("book_appointment", "{", "are not JSON"),
        ("book_appointment", "[]", "must be an object"),
        ("open_safe", {}, "There is no tool 'open_safe'"),
    ],
)
def test_bad_arguments_are_told_to_the_model_in_words(
    database: Database, tool: Tool, name: str, arguments: Any, says: str
) -> None:
    answer = tool(name, arguments)
    assert answer["ok"] is False and says in answer["message"]


def test_availability_and_messages(database: Database, tool: Tool) -> None:
    assert tool("check_availability", {"date": "2026-11-28"})["free"][0] == "10:00"
    assert "Nothing is free on Sunday" in tool("check_availability", {"date": "2026-11-29"})["message"]
    left = {"customer_name": "Maria", "message": "Call me", "callback_number": "the number I am calling from"}
    assert tool("take_message", left)["ok"]
    with database.scope(write=False):
        assert Message.query.one().callback_number == "+447700900123"


def test_a_tool_of_another_business_s_call_does_nothing(database: Database, tool: Tool) -> None:
    answer = call_tools.run_tool(
        business_id=99, call_sid="CA1", tool_call_id="t", name="book_appointment", arguments=json.dumps(BOOKING)
    )
    assert json.loads(answer)["ok"] is False
    with database.scope(write=False):
        assert Appointment.query.count() == 0


def test_availability_is_said_in_spans(database: Database, tool: Tool) -> None:
    tool("book_appointment", BOOKING)
    answer = tool(
        "check_availability",
        {"date": "2026-11-26"},
    )
    assert answer["message"] == "Free on Thursday 26 November: 09:00 to 14:00 and 15:00 to 17:30."
    assert tool("check_availability", {"date": "2026-11-29"})["message"].startswith(
        "Nothing is free on Sunday. Free on Monday 30 November: 09:00 or"
    )
    assert tool("check_availability", {"date": "9999-12-31"})["message"].startswith("Nothing is free on Friday.")


def test_arguments_are_cut_and_cleaned_to_what_a_database_holds(database: Database, tool: Tool) -> None:
    long = BOOKING | {"customer_name": "Maria\0  " + "x" * 300, "service": "y" * 300}
    assert tool("book_appointment", long)["ok"]
    assert (
        tool(
            "book_appointment",
            BOOKING | {"service": {"a": 1}},
        )["message"]
        == 'service: {"a": 1} must be a text.'
    )
    note = {"customer_name": "z" * 300, "message": "m" * 5000, "callback_number": "5" * 100}
    assert tool(
        "take_message",
        note,
    )["ok"]
    with database.scope(write=False):
        booked, left = Appointment.query.one(), Message.query.one()
    assert (booked.customer_name[:7], len(booked.customer_name), len(booked.service)) == ("Maria x", 200, 200)
    assert (len(left.customer_name), len(left.body), len(left.callback_number)) == (200, 4000, 64)


def test_what_the_model_got_wrong_is_on_the_timeline(database: Database, tool: Tool) -> None:
    tool("book_appointment", BOOKING | {"date": "Thursday"})
    tool("open_safe", {})
    with database.scope(write=False):
        details = [event.detail for event in CallEvent.query]
    assert details == [{"name": "book_appointment", "ok": False}, {"name": "unknown", "ok": False}]


def test_a_database_that_fails_is_told_in_words(database: Database, tool: Tool) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE call_events")
    for arguments in (BOOKING, {}):
        assert tool("book_appointment", arguments) == {
            "ok": False,
            "message": "That did not work just now. I can take a message instead.",
        }


def test_a_withheld_number_is_not_called_back(database: Database, tool: Tool) -> None:
    with database.scope("server.routes_twilio") as session:
        CallLog.query.one().from_number = "+86282452253"
        session.commit()
    assert tool("take_message", {"customer_name": "M", "message": "Call me", "callback_number": "this number"})["ok"]
    with database.scope(write=False):
        assert Message.query.one().callback_number is None


def _names(business: Business, **more: bool) -> list[str]:
    return [spec["name"] for spec in call_tools.tool_specs(business.id, **more)]


def test_every_tool_has_a_schema_and_a_handler(database: Database, salon: Business) -> None:
    with database.scope() as session:
        save_target(salon.id, "Anna", "+441632960102")
        session.commit()
    assert sorted(_names(salon, transfers=True)) == sorted(call_tools._HANDLERS) == sorted(specs.NAMES)
    for spec in call_tools.tool_specs(salon.id, transfers=True):
        check_schema(spec["parameters"])
        for described in spec["parameters"]["properties"].values():
            assert described["description"]
    with pytest.raises(LookupError):
        call_tools.tool_specs(99)


def test_a_transfer_is_offered_only_where_it_can_be_carried_out(database: Database, salon: Business) -> None:
    assert "transfer_call" not in _names(salon, transfers=True)
    with database.scope() as session:
        save_target(salon.id, "Anna", "+441632960102")
        session.commit()
    assert "transfer_call" in _names(salon, transfers=True) and "transfer_call" not in _names(salon)


def test_a_transfer_names_a_colleague_and_never_the_number(database: Database, salon: Business) -> None:
    with database.scope() as session:
        save_target(salon.id, "Anna", "+441632960102", "colouring")
        save_target(salon.id, "Accounts", "+441632960103")
        other = save_business(name="Other", phone_e164="+441632960109")
        save_target(other.id, "Bob", "+441632960104")
        session.commit()
    spec = next(one for one in call_tools.tool_specs(salon.id, transfers=True) if one["name"] == "transfer_call")
    assert spec["parameters"]["properties"]["colleague"]["enum"] == ["Anna", "Accounts"]
    assert "Anna: colouring" in spec["description"] and "960102" not in json.dumps(spec)

    def transfer(who: str) -> call_tools.Outcome:
        return call_tools.run(
            business_id=salon.id, call_sid="CA1", tool_call_id=who, name="transfer_call", transfers=True,
            arguments=json.dumps({"colleague": who, "reason": "A complaint."}),
        )  # fmt: skip

    put = transfer("anna")
    assert put.effect == call_tools.Transfer(1, "Anna", "+441632960102", "A complaint.")
    assert "putting you through to Anna" in put.output and "960102" not in put.output + repr(put)
    nobody = transfer("Bob")
    assert nobody.effect is None and "'Bob' is none of Anna, Accounts; ask which one" in nobody.output


def test_a_call_that_can_t_be_transferred_is_told_so(database: Database, salon: Business, tool: Tool) -> None:
    with database.scope() as session:
        save_target(salon.id, "Anna", "+441632960102")
        session.commit()
    assert "There is no tool 'transfer_call'" in tool("transfer_call", {"colleague": "Anna"})["message"]


def test_a_tool_that_is_turned_off_is_neither_offered_nor_run(database: Database, salon: Business, tool: Tool) -> None:
    with database.scope() as session:
        http_tools.switch(salon.id, "book_appointment", on=False)
        session.commit()
    assert "book_appointment" not in _names(salon)
    assert "There is no tool 'book_appointment'" in tool("book_appointment", BOOKING)["message"]
    with database.scope() as session:
        http_tools.switch(salon.id, "book_appointment", on=True)
        session.commit()
    assert tool("book_appointment", BOOKING)["ok"]


def test_what_a_business_offers_takes_its_own_time(database: Database, salon: Business, tool: Tool) -> None:
    services = [{"name": "Cut", "minutes": 45, "price": "45 pounds"}, {"name": "Colouring", "minutes": 120}]
    with database.scope() as session:
        save_business(**demo_business() | {"services": services, "slot_minutes": 15})
        session.commit()
    spec = next(one for one in call_tools.tool_specs(salon.id) if one["name"] == "book_appointment")
    assert spec["parameters"]["properties"]["service"]["enum"] == ["Cut", "Colouring"]
    assert "service" in spec["parameters"]["required"]
    assert tool("book_appointment", BOOKING | {"service": "perm"})["message"] == (
        "service: 'perm' is none of Cut, Colouring; ask which one."
    )
    assert tool("book_appointment", BOOKING | {"service": "colouring"})["ok"]
    assert (
        "14:15 is already taken" in tool("book_appointment", BOOKING | {"time": "14:15", "service": "Cut"})["message"]
    )
    assert (
        "16:15 is already taken" in tool("book_appointment", BOOKING | {"time": "16:15", "service": "Cut"})["message"]
    )
    assert tool("book_appointment", BOOKING | {"time": "16:30", "service": "Cut"})["ok"]
    free = tool("check_availability", {"date": "2026-11-26", "service": "Colouring"})
    assert free["minutes"] == 120 and free["free"][-1] == "12:30"


def test_a_range_of_days_is_told_in_words_and_data(database: Database, tool: Tool) -> None:
    free = tool("check_availability", {"date": "2026-11-28", "until": "2026-11-30"})
    assert free["message"] == ("Free on Saturday 28 November: 10:00 to 15:30; on Monday 30 November: 09:00 to 17:30.")
    assert [(day["date"], day.get("closed"), len(day["free"])) for day in free["days"]] == [
        ("2026-11-28", None, 12), ("2026-11-29", True, 0), ("2026-11-30", None, 18),
    ]  # fmt: skip
    assert "is before date" in tool("check_availability", {"date": "2026-11-28", "until": "2026-11-27"})["message"]
    assert "longer than 14 days" in tool("check_availability", {"date": "2026-11-01", "until": "2027-11-27"})["message"]


MOVE = {"date": "2026-11-27", "time": "10:00"}


def test_the_caller_s_appointment_is_moved_and_cancelled(database: Database, tool: Tool) -> None:
    tool("book_appointment", BOOKING)
    moved = tool("reschedule_appointment", MOVE)
    assert moved == {"ok": True, "message": "Moved to Friday 27 November at 10:00 for Maria Lopez."}
    assert "14:30" in tool("check_availability", {"date": "2026-11-26"})["free"]
    assert "10:00" not in tool("check_availability", {"date": "2026-11-27"})["free"]
    gone = tool("cancel_appointment", {"customer_name": "Maria Lopez", "date": "2026-11-27"})
    assert gone == {"ok": True, "message": "The appointment on Friday 27 November at 10:00 is cancelled."}
    assert "10:00" in tool("check_availability", {"date": "2026-11-27"})["free"]
    assert tool("cancel_appointment")["ok"] is False


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("book_appointment", BOOKING | {"time": "15:30"}),
        ("reschedule_appointment", MOVE),
        ("cancel_appointment", {}),
        ("take_message", {"customer_name": "Maria", "message": "Call me"}),
    ],
)
def test_a_repeated_tool_call_gives_its_first_answer(
    database: Database, tool: Tool, name: str, arguments: dict[str, str]
) -> None:
    """Also when what it changed has been changed again since."""
    tool("book_appointment", BOOKING)
    first = tool(name, arguments, id="again")
    tool("cancel_appointment", {})
    assert first["ok"] and tool(name, arguments, id="again") == first
    with database.scope(write=False):
        assert Appointment.query.count() + Message.query.count() <= 2


def test_someone_else_s_appointment_is_neither_told_nor_touched(
    database: Database, tool: Tool, new_call: Callable[..., None]
) -> None:
    tool("book_appointment", BOOKING)
    for sid, number in (("CA2", "+447700900999"), ("CA3", None)):
        new_call(sid, number)
        for name, more in (("cancel_appointment", {}), ("reschedule_appointment", MOVE)):
            key = "date" if name == "cancel_appointment" else "booked_for"
            nothing = tool(name, more, call=sid)["message"]
            no_name = tool(name, {**more, key: "2026-11-26"}, call=sid)["message"]
            wrong = tool(name, {**more, key: "2026-11-26", "customer_name": "Maria"}, call=sid)["message"]
            empty = tool(name, {**more, key: "2026-12-01", "customer_name": "Maria"}, call=sid)["message"]
            assert nothing == "What day is the appointment on, and what full name is it booked under?"
            assert no_name == "What full name is the appointment booked under?"
            # The words for a day on which Maria Lopez is booked are those for a day on which nobody is.
            assert wrong.replace("Thursday 26 November", "…") == empty.replace("Tuesday 1 December", "…")
            assert "14:30" not in nothing + no_name + wrong
        known = tool("look_up_caller", call=sid)
        assert not known["known"] and "Maria" not in json.dumps(known)
    with database.scope(write=False):
        assert Appointment.query.one().cancelled_at is None


def test_name_and_day_find_it_for_a_caller_without_a_number(
    database: Database, tool: Tool, new_call: Callable[..., None]
) -> None:
    tool("book_appointment", BOOKING | {"customer_name": "María López"})
    new_call("CA2")
    wanted = {"customer_name": "maria lopez", "booked_for": "2026-11-26", **MOVE}
    assert tool("reschedule_appointment", wanted, call="CA2")["ok"]


def test_several_of_the_caller_s_own_are_asked_about(database: Database, tool: Tool) -> None:
    tool("book_appointment", BOOKING)
    tool("book_appointment", BOOKING | {"date": "2026-11-27", "time": "09:00"})
    asked = tool("cancel_appointment")
    assert asked == {
        "ok": False,
        "message": "You have appointments on Thursday 26 November at 14:30 and on Friday 27 November at 09:00. "
        "Which one do you mean?",
    }
    assert "yours is on Thursday" in tool("cancel_appointment", {"date": "2026-12-01"})["message"]
    assert tool("cancel_appointment", {"date": "2026-11-27"})["ok"]


def test_a_name_that_was_heard_wrong_is_the_caller_s_and_another_is_not(database: Database, tool: Tool) -> None:
    tool("book_appointment", BOOKING)
    assert not tool("cancel_appointment", {"customer_name": "John Smith", "date": "2026-11-26"})["ok"]
    assert tool("cancel_appointment", {"customer_name": "Mario Lopes", "date": "2026-11-26"})["ok"]


def test_what_is_known_of_the_caller(
    database: Database, tool: Tool, clock: FakeClock, new_call: Callable[..., None]
) -> None:
    assert tool("look_up_caller")["message"] == "I don't have your name yet. You have no appointment coming up."
    tool("book_appointment", BOOKING)
    tool("take_message", {"customer_name": "Maria", "message": "Call me"})
    new_call("CA2", "+447700900999")
    tool("take_message", {"customer_name": "Emma", "message": "Not yours"}, call="CA2")
    assert tool("look_up_caller") == {
        "ok": True,
        "message": "You are Maria Lopez. You are booked on Thursday 26 November at 14:30. "
        "1 of your messages is still open.",
        "known": True,
        "name": "Maria Lopez",
        "upcoming": ["Thursday 26 November at 14:30 for Maria Lopez, haircut"],
        "past": [],
        "open_messages": ["Call me"],
    }
    with database.scope() as session:
        assert mark_handled(1, 1) and not mark_handled(99, 2)
        session.commit()
    clock.advance(7 * 86_400)
    later = tool("look_up_caller")
    assert later["message"] == (
        "You are Maria Lopez. You have no appointment coming up. You were last here on Thursday 26 November at 14:30."
    )
    assert later["past"] and not later["open_messages"]


def test_regression_5_the_tools_offered_hold_nothing_of_a_caller(
    database: Database, salon: Business, tool: Tool
) -> None:
    """regression 5: what is the same for every caller never carries the previous one's name."""
    before = call_tools.tool_specs(salon.id)
    tool("book_appointment", BOOKING)
    tool("take_message", {"customer_name": "Maria Lopez", "message": "Call me"})
    after = call_tools.tool_specs(salon.id)
    assert before == after and "Maria" not in json.dumps(after)


def test_regression_12_a_tool_always_answers(
    database: Database, salon: Business, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """regression 12: silent after a tool call. Whatever fails or is sent, the model gets words."""
    for arguments in ("", "null", "[" * 5000, "{" * 90_000, '{"date": 1e400}', "\ud800"):
        for name in (*specs.NAMES, "", "x" * 500):
            answer = tool(name, arguments)
            assert isinstance(answer["ok"], bool) and (answer["message"] or name == "end_call")
    monkeypatch.setitem(call_tools._HANDLERS, "look_up_caller", lambda *_: 1 / 0)
    assert tool("look_up_caller") == {"ok": False, "message": FAILED}


def test_a_failing_tool_is_logged_once(database: Database, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(call_tools._HANDLERS, "look_up_caller", lambda *_: 1 / 0)
    with capture_logs() as lines:
        tool("look_up_caller")
    assert [(line["event"], line["tool"], line["error"]) for line in lines] == [
        ("tool failed", "look_up_caller", "ZeroDivisionError('division by zero')")
    ]


def test_answers_are_of_bounded_size() -> None:
    small = Answer(True, "Fine.", {"data": "x" * 20_000}).as_json()
    assert json.loads(small) == {"ok": True, "message": "Fine.", "left_out": ["data"]}
    assert len(Answer(False, "y" * 20_000).as_json()) < MOST_CHARS


def test_regression_5_the_next_caller_is_told_nothing_of_what_was_cancelled(
    database: Database, salon: Business, tool: Tool, clock: FakeClock, new_call: Callable[..., None]
) -> None:
    """regression 5: what one caller booked is in that caller's context alone, and only while it stands."""

    def context(contact_id: int) -> str:
        with database.scope(write=False) as session:
            return caller_context(salon.id, session.get(Contact, contact_id), clock.now())

    new_call("CA2", "+447700900999")
    tool("book_appointment", BOOKING)
    assert "Maria Lopez" in context(1) and "Thursday 26 November at 14:30" in context(1)
    assert "Maria" not in context(2) and "Booked" not in context(2)
    tool("cancel_appointment")
    assert "Booked" not in context(1)
    with database.scope(write=False):
        view = call_view("CA1")
        assert view is not None and view.appointments == []
        assert appointments_page(limit=5) == ([], None)


def test_a_caller_without_a_number_must_name_what_is_moved(salon: Business) -> None:
    def required(known: bool) -> dict[str, list[str]]:
        made = call_tools.tool_specs(salon.id, caller_known=known)
        return {spec["name"]: spec["parameters"]["required"] for spec in made}

    known, unknown = required(True), required(False)
    assert (known["cancel_appointment"], known["reschedule_appointment"]) == ([], ["date", "time"])
    assert unknown["cancel_appointment"] == ["customer_name", "date"]
    assert unknown["reschedule_appointment"] == ["date", "time", "customer_name", "booked_for"]
    assert "look_up_caller" in known and "look_up_caller" not in unknown


@pytest.mark.parametrize("order", ["date first", "time first"])
def test_what_is_wrong_is_told_at_once_and_by_field(tool: Tool, order: str) -> None:
    given = {"time": "25:00", "date": "2026-13-01", "colour": "red"}
    given = given if order == "time first" else dict(sorted(given.items()))
    assert tool("book_appointment", given)["message"] == (
        "customer_name is missing: ask for the caller's full name. "
        "colour is no argument here: use customer_name, date, service, time. "
        "date: '2026-13-01' is not a date; use YYYY-MM-DD."
    )


def test_what_the_model_leaves_open_counts_as_not_given(tool: Tool) -> None:
    assert tool("book_appointment", BOOKING | {"service": None})["ok"]
    assert "customer_name is missing" in tool("book_appointment", BOOKING | {"customer_name": "  "})["message"]
    assert tool("book_appointment", BOOKING | {"time": "15:00:00"})["message"].endswith("at 15:00.")
    for odd in ("1500", "15:00Z", "9:00", "T15:00", "15"):
        assert f"time: '{odd}' is not a time" in tool("book_appointment", BOOKING | {"time": odd})["message"]
    for odd in ("20261126", "2026-W48-4", "26.11.2026", "2026-11-31"):
        assert f"date: '{odd}' is not a date" in tool("book_appointment", BOOKING | {"date": odd})["message"]
