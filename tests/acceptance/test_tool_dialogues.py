"""Whole errands as text: the engine's dialogue on one end, the real tools on a real database on the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from engine.dialogue.agent import DialogueAgent
from engine.realtime.brain import Ask, Call, Say, Turn
from server import migrations, ports
from server.db import db
from server.models_sql import Appointment, CallEvent, CallLog, Contact, Message
from server.services import call_tools, slots
from server.services import realtime_prompt_builder as prompts
from server.services.businesses import demo_business, save_business
from server.services.contacts import contact_for
from server.services.tools import http_tools
from server.services.transfer_targets import save_target
from tests.support.clock import FakeClock
from tests.support.tools import FakeWeb, json_answer

MARIA = "+447700900123"
MORE = "Is there anything else I can help you with?"
BYE = "Thank you for calling Harbour Hair. Goodbye. *end_call"


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[FakeClock]:
    """The demo's salon on a fresh database, at 09:12 on Tuesday 24 November 2026, with a colleague and a tool."""
    migrations.upgrade(db.configure(f"sqlite:///{tmp_path / 'dialogues.db'}"))
    fake, nothing, web = FakeClock(), cast(Any, None), FakeWeb()
    web.answers = [json_answer('{"message": "Your order is on its way."}')]
    ports.install(ports.Ports(nothing, nothing, nothing, nothing, nothing, fake, tmp_path, web=web))
    with db.scope() as session:
        salon = save_business(**demo_business())
        save_target(salon.id, "Anna", "+441632960102")
        save_target(salon.id, "Accounts", "+441632960103")
        http_tools.allow_host(salon.id, "crm.example.com")
        number = {"type": "string", "description": "What is the number of your order?"}
        http_tools.save_tool(
            salon.id, name="order_status", description="Tell how far an order is.",
            url="https://crm.example.com/orders/{number}",
            parameters={"type": "object", "properties": {"number": number}, "required": ["number"]},
        )  # fmt: skip
        session.commit()
    yield fake
    ports.install(None)
    db.dispose()


class Caller:
    """One call: says lines, and gets all that is answered, tool calls as `*name`."""

    def __init__(self, clock: FakeClock, call_sid: str, number: str | None = MARIA) -> None:
        self._now = clock.now
        self._sid = call_sid
        self._store(number)
        with db.scope(write=False):
            call = CallLog.query.filter_by(call_sid=call_sid).one()
            contact = db.session.get(Contact, call.contact_id) if call.contact_id else None
            context = prompts.caller_context(1, contact, clock.now())
        self._instructions = prompts.build_realtime_system_prompt(1, "inbound")
        self._tools = tuple(call_tools.tool_specs(1, transfers=True, caller_known=number is not None))
        self._turns = [Turn("system", context), Turn("assistant", "How can I help you?")]
        self._calls = 0
        self.effects: list[call_tools.Transfer] = []

    def _store(self, number: str | None) -> None:
        with db.scope() as session:
            contact = contact_for(1, number) if number else None
            session.commit()
        with db.scope("server.routes_twilio") as session:
            session.add(
                CallLog(
                    call_sid=self._sid, business_id=1, direction="inbound", status="in-progress",
                    contact_id=contact.id if contact else None, from_number=number or "anonymous",
                )
            )  # fmt: skip
            session.commit()

    def say(self, text: str) -> str:
        self._turns.append(Turn("user", text))
        return self._answered()

    def _answered(self) -> str:
        heard: list[str] = []
        waiting = False
        for output in DialogueAgent(self._now).decide(Ask(self._instructions, tuple(self._turns), self._tools)):
            if isinstance(output, Say):
                heard.append(output.text)
                self._turns.append(Turn("assistant", output.text))
            else:
                heard.append(f"*{output.name}")
                waiting = self._run(output) or waiting
        return " ".join([*heard, *([self._answered()] if waiting else [])])

    def _run(self, call: Call) -> bool:
        self._calls += 1
        call_id = f"call_{self._calls}"
        self._turns.append(Turn("call", call.arguments, call.name, call_id))
        if call.name == "end_call":
            return False
        outcome = call_tools.run(
            business_id=1, call_sid=self._sid, tool_call_id=call_id, name=call.name, arguments=call.arguments,
            transfers=True,
        )  # fmt: skip
        if outcome.effect is not None:
            self.effects.append(outcome.effect)
        self._turns.append(Turn("result", outcome.output, call_id=call_id))
        return True


def _talk(caller: Caller, lines: list[tuple[str, str]]) -> None:
    """`…` in an answer stands for any words: how the engine puts it is held elsewhere."""
    for said, answer in lines:
        heard = caller.say(said)
        assert re.fullmatch(".*".join(map(re.escape, answer.split("…"))), heard), heard


def test_book_then_move_then_cancel_in_three_calls(clock: FakeClock) -> None:
    _talk(
        Caller(clock, "CA1"),
        [
            ("I would like to book a haircut, please.", "Certainly. What name is it for, please?"),
            ("My name is Maria Lopez.", "What day and time would you like?"),
            (
                "On Thursday at half past two.",
                "So that is a haircut for Maria Lopez on Thursday 26 November at 2:30 pm. Is that right?",
            ),
            (
                "Yes, that's right.",
                f"*book_appointment Booked for Maria Lopez on Thursday 26 November at 14:30. {MORE}",
            ),
            ("No, thanks, goodbye.", BYE),
        ],
    )
    _talk(
        Caller(clock, "CA2"),
        [
            (
                "I need to move my appointment to Friday at ten.",
                "…move the appointment…to Friday 27 November at 10 am. Is that right?",
            ),
            (
                "Yes.",
                f"*reschedule_appointment Moved to Friday 27 November at 10:00 for Maria Lopez. {MORE}",
            ),
            ("No, that's all.", BYE),
        ],
    )
    with db.scope(write=False):
        assert slots.spoken(Appointment.query.one().starts_at) == "Friday 27 November at 10:00"
    _talk(
        Caller(clock, "CA3"),
        [
            (
                "I'd like to cancel my appointment, please.",
                "…cancel the appointment…Is that right?",
            ),
            ("Yes.", f"*cancel_appointment The appointment on Friday 27 November at 10:00 is cancelled. {MORE}"),
            ("No, goodbye.", BYE),
        ],
    )
    with db.scope(write=False):
        assert Appointment.query.one().cancelled_at is not None
        assert [event.detail for event in CallEvent.query.order_by(CallEvent.id)] == [
            {"name": name, "ok": True} for name in ("book_appointment", "reschedule_appointment", "cancel_appointment")
        ]


def test_a_taken_time_is_told_and_another_one_booked(clock: FakeClock) -> None:
    first = Caller(clock, "CA1", "+447700900456")
    first.say("Book a haircut for Emma Clarke on Friday at three")
    first.say("yes")
    _talk(
        Caller(clock, "CA2"),
        [
            (
                "Book a haircut for Maria Lopez on Friday at three",
                "So that is a haircut for Maria Lopez on Friday 27 November at 3 pm. Is that right?",
            ),
            (
                "yes",
                "*book_appointment Friday 27 November at 15:00 is already taken. Free on Friday 27 November: 14:00 or "
                "14:30 or 15:30. What other day or time would suit you?",
            ),
            ("Four then", "So that is a haircut for Maria Lopez on Friday 27 November at 4 pm. Is that right?"),
            ("yes", f"*book_appointment Booked for Maria Lopez on Friday 27 November at 16:00. {MORE}"),
        ],
    )


def test_all_three_in_one_call_by_the_same_caller(clock: FakeClock) -> None:
    caller = Caller(clock, "CA1")
    caller.say("I'd like to book a haircut for Maria Lopez on Thursday at half past two.")
    assert "*book_appointment Booked" in caller.say("yes")
    caller.say("Actually, can you move it to Saturday at eleven?")
    assert "*reschedule_appointment Moved to Saturday 28 November at 11:00" in caller.say("yes")
    caller.say("I want to cancel my appointment.")
    assert "*cancel_appointment The appointment on Saturday 28 November at 11:00 is cancelled." in caller.say("yes")


def test_a_caller_without_a_number_cancels_by_name_and_day(clock: FakeClock) -> None:
    other = Caller(clock, "CA1")
    other.say("Book a haircut for John Smith on Friday at three")
    other.say("yes")
    caller = Caller(clock, "CA2", None)
    caller.say("I want to cancel my appointment on Friday.")
    assert "for John Smith" in caller.say("My name is John Smith.")
    assert "*cancel_appointment The appointment on Friday 27 November at 15:00 is cancelled." in caller.say("yes")


def test_a_stranger_s_name_and_day_find_nothing(clock: FakeClock) -> None:
    other = Caller(clock, "CA1")
    other.say("Book a haircut for John Smith on Friday at three")
    other.say("yes")
    caller = Caller(clock, "CA2", None)
    caller.say("I want to cancel my appointment on Thursday.")
    caller.say("My name is John Smith.")
    answer = caller.say("yes")
    assert "I find no appointment for John Smith on Thursday 26 November." in answer and "15:00" not in answer
    with db.scope(write=False):
        assert Appointment.query.one().cancelled_at is None


def test_a_message_a_colleague_and_an_order(clock: FakeClock) -> None:
    caller = Caller(clock, "CA1")
    caller.say("Could you tell Anna that I will be ten minutes late?")
    caller.say("Bob Jones")
    assert "*take_message Your message has been noted" in caller.say("yes")
    with db.scope(write=False):
        left = Message.query.one()
    assert (left.customer_name, left.body) == ("Bob Jones", "I will be ten minutes late.")
    assert caller.say("What is the status of my order?") == "What is the number of your order?"
    assert "*order_status Your order is on its way." in caller.say("It is 4711.")
    assert re.search(r"\bAnna\b.*\bAccounts\?$", caller.say("Can I speak to the manager?"))
    assert "*transfer_call One moment, I am putting you through to Anna." in caller.say("Anna")
    assert [(one.name, one.phone_e164) for one in caller.effects] == [("Anna", "+441632960102")]
