"""Facts found by other words, in long breaths and by what a question presupposes, and not found where none is."""

from __future__ import annotations

import pytest

from engine.dialogue.agent import DialogueAgent
from engine.dialogue.lexicon import in_one_word
from engine.dialogue.text import near
from engine.realtime.brain import Ask, Say, Turn
from tests.unit.engine.dialogue.caller import CONTEXT, Caller, tool

INSTRUCTIONS = """# Business
Name: Spin Records
Timezone: Europe/London
# Opening hours
Monday: closed
Tuesday: 09:00-18:00
Wednesday: 09:00-20:00
# Facts
- All repairs come with a three month guarantee.
- A deposit of 20 pounds holds a record for you; it is not refunded.
- You must be 16 or older to join the club.
- The smallest frame costs 5 pounds.
- We clean records on Saturdays only.
- You do not need a referral from your doctor.
- Our buyers are Ada Byrne and Tom Hale.
- We do not hire out players.
"""


def ask(*texts: str) -> str:
    """The answer to the last of several turns that nothing was said between."""
    turns = (Turn("system", CONTEXT), *(Turn("user", text) for text in texts))
    reply = DialogueAgent().decide(Ask(INSTRUCTIONS, turns))
    return " ".join(one.text for one in reply if isinstance(one, Say))


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("is there any warranty on a repair", "three month guarantee"),
        (
            "if it goes again after you mended it do i have to pay twice or is there some kind of warranty",
            "three month",
        ),
        ("do i have to pay something up front", "deposit of 20 pounds"),
        ("my son's fifteen and he really wants to join can he come in if i sign for him", "16 or older"),
        ("what's the cheapest frame you do", "5 pounds"),
        ("when can i get my old records cleaned", "Saturdays"),
        (
            "so my ears have been bad since june and a friend told me to ring do i need a letter from my gp first",
            "referral",
        ),
        ("can i rent a player from you", "do not hire"),
        ("who are your buyers", "Ada Byrne"),
        ("how late can i come in on wednesday", "8 pm"),
        ("are you guys around on monday", "closed"),
        ("is anybody in on monday", "closed"),
    ],
)
def test_other_words_for_what_is_known(question: str, part: str) -> None:
    assert part in ask(question)


@pytest.mark.parametrize(
    "question",
    ["do you sell guitars", "do you offer acupuncture", "do you deliver to france",
     "can you lend me an umbrella", "my uncle was here last year do you do massages for horses"],
)  # fmt: skip
def test_what_no_fact_says_is_not_answered(question: str) -> None:
    assert "I don't know that" in ask(question) or "can't help with that" in ask(question)


def test_a_second_question_takes_the_place_of_one_never_answered() -> None:
    told = ask("is there any warranty on a repair?", "sorry what time do you close on wednesday?")
    assert "8 pm" in told
    assert "guarantee" not in told


def test_a_question_that_goes_on_is_one() -> None:
    told = ask("is there any warranty on a repair?", "and what time do you close on wednesday?")
    assert "guarantee" in told
    assert "8 pm" in told


def test_phrases_are_one_word() -> None:
    assert in_one_word("can i call off my visit") == "can i cancel my visit"
    assert in_one_word("have our wills done") == "have our wills "


def test_words_of_one_matter_are_near_each_other() -> None:
    assert "guarantee" in near("warranty")
    assert near("teapot") == frozenset()


STATUS = tool(
    "repair_status",
    ["ticket"],
    "Tell whether a player in repair is ready to be collected.",
    ticket={"type": "string", "description": "the ticket number on the slip"},
)
TRANSFER = tool(
    "transfer_call",
    ["colleague"],
    "Put the caller through to a colleague. Ann: invoices and refunds; Bo: repairs",
    colleague={"type": "string", "enum": ["Ann", "Bo"]},
)


@pytest.mark.parametrize("words", ["it's four four seven one", "4471", "the ticket is 44 71", "double four seven one"])
def test_a_code_is_taken_from_how_it_is_said(words: str) -> None:
    caller = Caller(STATUS, instructions=INSTRUCTIONS)
    caller.says("is my player ready", words)
    assert caller.calls == [("repair_status", {"ticket": "4471"})]


def test_a_code_may_come_with_the_question() -> None:
    caller = Caller(STATUS, instructions=INSTRUCTIONS)
    caller.say("Is my player ready? The ticket number is B 12.")
    assert caller.calls == [("repair_status", {"ticket": "B12"})]


def test_a_colleague_is_found_by_what_they_do_and_nothing_is_asked_after() -> None:
    caller = Caller(TRANSFER, results=[{"ok": True, "message": "One moment, I am putting you through to Ann."}])
    told = caller.say("I'm not happy with your bill, can I talk to whoever deals with that?")
    assert caller.calls[0][1]["colleague"] == "Ann"
    assert told.endswith("putting you through to Ann.")
