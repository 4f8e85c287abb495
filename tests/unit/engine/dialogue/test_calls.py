"""Whole conversations as text: the caller's lines and what each is answered, tool calls marked with a star."""

from __future__ import annotations

import pytest

from engine.dialogue.agent import DialogueAgent
from engine.realtime.brain import Ask, Say, Turn
from tests.unit.engine.dialogue.caller import (
    BOOK,
    BYE,
    CONTEXT,
    END,
    INSTRUCTIONS,
    MESSAGE,
    MORE,
    TEXT,
    Caller,
    tool,
)

ALL = (BOOK, MESSAGE, END)

CALLS = {
    "the demo": [
        ("Hello, what are your opening hours on Saturday?", "On Saturday we are open from 10 am to 4 pm."),
        ("Is there parking nearby?", "Parking is free behind the building."),
        ("I would like to book a haircut, please.", "Certainly. What name is it for, please?"),
        ("My name is Maria Lopez.", "What day and time would you like?"),
        (
            "Thursday at half past two.",
            "So that is a haircut for Maria Lopez on Thursday 26 November at 2:30 pm. Is that right?",
        ),
        ("Yes, that's right.", f"*book_appointment It is done. {MORE}"),
        ("No, that is all, thank you. Goodbye.", BYE),
    ],
    "in one breath, then corrected": [
        (
            "I'd like to book a haircut for Maria Lopez on Thursday at half past two.",
            "So that is a haircut for Maria Lopez on Thursday 26 November at 2:30 pm. Is that right?",
        ),
        ("No, Friday.", "So that is a haircut for Maria Lopez on Friday 27 November at 2:30 pm. Is that right?"),
        (
            "No, it's Mario Lopes.",
            "So that is a haircut for Mario Lopes on Friday 27 November at 2:30 pm. Is that right?",
        ),
        (
            "Yes, but make it ten.",
            "So that is a haircut for Mario Lopes on Friday 27 November at 10 am. Is that right?",
        ),
        ("no, the time", "What time would suit you?"),
        ("three", "So that is a haircut for Mario Lopes on Friday 27 November at 3 pm. Is that right?"),
        ("perfect, bye", "*book_appointment It is done. Thank you for calling Harbour Hair. Goodbye. *end_call"),
    ],
    "closed, too late, a question in between": [
        ("I want to book an appointment on Sunday at 3", "We are closed on Sunday. What other day would suit you?"),
        ("Saturday then", "What name is it for, please?"),
        ("Do you take cards?", "We take cards and cash. What name is it for, please?"),
        ("John", "So that is an appointment for John on Saturday 28 November at 3 pm. Is that right?"),
        ("No, at five.", "On Saturday we are open from 10 am to 4 pm. What time would suit you?"),
        ("quarter to three", "So that is an appointment for John on Saturday 28 November at 2:45 pm. Is that right?"),
        ("never mind", f"All right, I will leave that. {MORE}"),
        ("no thanks", BYE),
    ],
    "an unknown question becomes a message": [
        ("Do you sell shampoo?", "I'm sorry, I don't know that. Shall I take a message for the team?"),
        ("Yes, please.", "What is your name, please?"),
        ("Maria Lopez", "Shall we call you back on the number you are calling from?"),
        ("No.", "What number can we call you back on?"),
        (
            "07700 900123",
            "I will pass on this message from Maria Lopez: Do you sell shampoo? "
            "They can call back on 0 7 7 0 0, 9 0 0, 1 2 3. Is that right?",
        ),
        ("Yes.", f"*take_message It is done. {MORE}"),
    ],
    "a message for somebody": [
        (
            "Could you tell Anna that I will be ten minutes late?",
            "Certainly, I can take a message. What is your name, please?",
        ),
        ("Bob Jones", "Shall we call you back on the number you are calling from?"),
        (
            "Yes.",
            "I will pass on this message from Bob Jones: I will be ten minutes late. "
            "They can call back on the number you are calling from. Is that right?",
        ),
    ],
    "what it cannot do": [
        (
            "Can I speak to the manager, please?",
            "I can't put you through from here. Shall I take a message for the team?",
        ),
        ("no", f"All right. {MORE}"),
        (
            "I need to cancel my appointment for tomorrow.",
            "I can't cancel appointments myself. Shall I take a message for the team?",
        ),
        ("goodbye", BYE),
    ],
    "asking about an errand is not ordering it": [
        ("What happens if I cancel?", "Cancellations are free up to 24 hours before the appointment."),
    ],
    "hours every way": [
        (
            "When are you open?",
            "We are open Monday to Wednesday from 9 am to 6 pm, on Thursday from 9 am to 8 pm, "
            "on Friday from 9 am to 6 pm and on Saturday from 10 am to 4 pm. We are closed on Sunday.",
        ),
        ("And on Sunday?", "We are closed on Sunday."),
        ("What time do you close tomorrow?", "Tomorrow we are open from 9 am to 6 pm."),
        ("Are you open now?", "We are open right now. Today we are open from 9 am to 6 pm."),
        ("What about the weekend?", "On Saturday we are open from 10 am to 4 pm. We are closed on Sunday."),
    ],
    "several questions in one breath": [
        (
            "Is there parking and do you take credit cards?",
            "Parking is free behind the building. We take cards and cash.",
        ),
        (
            "Is there parking and do you sell shampoo?",
            "Parking is free behind the building. I'm afraid I don't know about the rest.",
        ),
        (
            "What are your opening hours on Saturday? And I'd like to book a cut for Jane Doe.",
            "On Saturday we are open from 10 am to 4 pm. Certainly. What day and time would you like?",
        ),
    ],
    "small talk, noise and repeats": [
        ("Hello?", "Hello, I'm here. How can I help you?"),
        ("Sorry, what did you say?", "Hello, I'm here. How can I help you?"),
        ("Are you a robot?", "I'm the automated assistant of Harbour Hair, not a person. How can I help you?"),
        ("", "Sorry, I didn't catch that. Could you say it again?"),
        ("purple monkey dishwasher", "Sorry, I didn't quite follow. Could you say that another way?"),
        ("purple monkey dishwasher", "I'm sorry, I still don't follow. Shall I take a message for the team?"),
        ("This is stupid.", "I'm sorry that this is frustrating. Tell me what you need, and I will do my best."),
        ("Hold on a second.", "Of course, take your time."),
        ("Thank you.", f"You're welcome. {MORE}"),
        ("Thank you.", BYE),
        ("", BYE),
    ],
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call(name: str) -> None:
    caller = Caller(*ALL)
    for said, answer in CALLS[name]:
        assert caller.say(said) == answer


def test_the_booked_values_are_those_read_back() -> None:
    caller = Caller(*ALL)
    for line in ("I would like a trim on Friday at quarter to five, my name is Peter O'Neill.", "yes"):
        caller.say(line)
    assert caller.calls == [
        (
            "book_appointment",
            {"customer_name": "Peter O'Neill", "date": "2026-11-27", "time": "16:45", "service": "trim"},
        )
    ]


def test_a_refused_booking_is_explained_and_tried_again() -> None:
    taken = {"ok": False, "message": "Half past two is taken. Three or four o'clock are free."}
    caller = Caller(*ALL, results=[taken])
    caller.say("Book a haircut for Maria Lopez on Thursday at half past two")
    assert caller.say("yes") == f"*book_appointment {taken['message']} What other day or time would suit you?"
    assert (
        caller.say("three then")
        == "So that is a haircut for Maria Lopez on Thursday 26 November at 3 pm. Is that right?"
    )
    assert (caller.say("yes")).startswith("*book_appointment It is done.")


def test_without_tools_it_promises_nothing() -> None:
    caller = Caller()
    assert caller.say(
        "I'd like to book a haircut"
    ) == "I can't book appointments on this line. Is there something else I can help with?".replace(
        "help with", "help you with"
    )
    assert (
        caller.say("Do you sell shampoo?")
        == "I'm sorry, I don't know that. Is there something else I can help you with?"
    )
    assert caller.say("goodbye") == "Thank you for calling Harbour Hair. Goodbye."


def test_any_tool_is_filled_from_its_schema() -> None:
    table = tool(
        "reserve_table",
        ["guests", "date", "time", "area"],
        guests={"type": "integer", "description": "How many people is the table for?"},
        date={**TEXT, "format": "date"},
        time={**TEXT, "format": "time"},
        area={**TEXT, "enum": ["inside", "garden"]},
    )
    caller = Caller(table)
    assert caller.say("I'd like to book a table for tomorrow at one") == "Certainly. How many people is the table for?"
    assert caller.say("Four.") == "Which area would you like: inside or garden?"
    assert "area: garden" in caller.say("In the garden, please.")
    caller.say("yes")
    assert caller.calls[0][1] == {"guests": 4, "date": "2026-11-25", "time": "13:00", "area": "garden"}


def test_a_tool_of_no_known_kind_is_called_and_its_result_said() -> None:
    weather = tool("get_weather", ["city"], city={**TEXT, "description": "The city to look up"})
    caller = Caller(weather, results=[{"forecast": "sunny"}])
    assert caller.say("What is the weather like?") == "What is the city to look up?"
    assert (caller.say("Paris")).startswith("*get_weather forecast: sunny")
    assert caller.calls == [("get_weather", {"city": "Paris"})]


def test_words_given_are_said_exactly() -> None:
    ask = Ask("", (), once='Greet the caller now. Say exactly: "Good morning. It\'s us."')
    assert DialogueAgent().decide(ask) == [Say("Good morning. It's us.")]


def test_asked_to_speak_after_it_spoke_it_asks_whether_they_are_there() -> None:
    caller = Caller(*ALL)
    caller.say("Is there parking?")
    reply = DialogueAgent().decide(Ask(INSTRUCTIONS, tuple(caller.turns), ALL, once="The caller is silent."))
    assert reply == [Say("Are you still there?")]
    caller.say("I'd like to book a haircut")
    reply = DialogueAgent().decide(Ask(INSTRUCTIONS, tuple(caller.turns), ALL))
    assert reply == [Say("Are you still there? Certainly. What name is it for, please?")]


def test_without_a_caller_it_greets_and_an_ended_call_needs_no_words() -> None:
    assert DialogueAgent().decide(Ask(INSTRUCTIONS, ())) == [
        Say("Hello, thank you for calling Harbour Hair. How can I help you?")
    ]
    turns = (Turn("user", "bye"), Turn("call", "{}", "end_call", "c"), Turn("result", '{"ok": true}', call_id="c"))
    assert DialogueAgent().decide(Ask(INSTRUCTIONS, turns, ALL)) == []


def test_a_sentence_cut_by_the_detector_is_one_sentence() -> None:
    turns = (
        Turn("user", "I would like to book a haircut for Maria Lopez"),
        Turn("user", "on Thursday at half past two."),
    )
    reply = DialogueAgent().decide(Ask(f"{INSTRUCTIONS}\n{CONTEXT}", turns, ALL))
    assert isinstance(reply[0], Say) and "Maria Lopez on Thursday" in reply[0].text
