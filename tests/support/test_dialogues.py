"""The reader of dialogue files, what counts as the same words, and what is found wrong in an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.realtime.brain import Call, Output, Say
from tests.support.dialogue_checks import Heard, global_problems
from tests.support.dialogue_run import Caller, DialogueFailed, Results, conduct
from tests.support.dialogue_words import says, says_outright
from tests.support.dialogues import Agent, BadDialogue, Calls, Dialogue, read_dialogue

INSTRUCTIONS = "Name: Corner Cuts\nTimezone: Europe/London\nTuesday: 09:00-18:00\n- A haircut costs 38 pounds.\n"
BOOK: dict[str, Any] = {
    "name": "book",
    "parameters": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "date": {"type": "string", "format": "date"},
            "time": {"type": "string", "format": "time"},
            "people": {"type": "integer"},
        },
        "required": ["name", "date"],
    },
    "changes": True,
    "result": {"ok": True, "message": "Booked."},
}
LOOK = {"name": "look", "parameters": {"type": "object", "properties": {}}, "reads": True, "result": "Nothing."}
END = {"name": "end", "parameters": {"type": "object", "properties": {}}}
HEAD = "# A title\nbusiness: cuts\nnow: Tuesday 24 November 2026, 09:12\ntests: this\n\n"
READ_BACK: list[Output] = [Say("So that is Thursday 26 November at 10 am for Ann Lee. Is that right?")]
BOOKED = Call("book", '{"name":"Ann Lee","date":"2026-11-26","time":"10:00"}')


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Writes a dialogue file and reads it."""
    data = {"timezone": "Europe/London", "greeting": "Corner Cuts, hello!", "tools": [BOOK, LOOK, END]}
    (tmp_path / "cuts.json").write_text(json.dumps(data))
    (tmp_path / "cuts.txt").write_text(INSTRUCTIONS)

    def write(body: str, head: str = HEAD) -> Dialogue:
        path = tmp_path / "one.txt"
        path.write_text(head + body)
        return read_dialogue(path, tmp_path)

    return write


# -- the reader -------------------------------------------------------------------------------------------------------


def test_a_file_is_read(read: Any) -> None:
    one = read(
        "caller: Hi: ten, please.\nagent: a remark\n  says: a|b, 10:00\n  never: c\n  question\n"
        "interrupted\nsilence\nagent:\n  no question\nno calls\n# a remark\n\nanswers:\n  name|who: Ann.\n"
        'calls: book name=Ann Lee date~2026 people=3\nresult: {"ok": true}\nagent:\n'
    )
    first, silent, last = one.exchanges
    assert (one.title, one.spoken, f"{one.now_utc:%H:%M}") == ("A title", False, "09:12")
    assert first.words == "Hi: ten, please." and first.expected == [Agent(7, ["a|b", "10:00"], ["c"], True)]
    assert silent.words is None and silent.interrupts and silent.no_calls
    assert silent.expected == [Agent(13, question=False)]
    assert last.answers == [("name|who", "Ann.")]
    arguments = [("name", "=", "Ann Lee"), ("date", "~", "2026"), ("people", "=", "3")]
    assert last.expected == [Calls(20, "book", arguments, '{"ok": true}'), Agent(22)]


def test_the_context_is_what_the_server_would_say(read: Any) -> None:
    one = read("caller: Hi.\n", HEAD[:-1] + "caller: Ann\ncaller number: withheld\ncontext: Booked: never\n\n")
    assert one.context.splitlines() == [
        "Current local time: Tuesday 24 November 2026, 09:12 (Europe/London)",
        "Caller: Ann",
        "Caller number: withheld",
        "Booked: never",
    ]


@pytest.mark.parametrize(
    ("body", "line", "problem"),
    [
        ("", 5, "nobody says anything"),
        ("agent:\n", 6, "begin with 'caller: …'"),
        ("answers:\n  name: Ann\n", 6, "begin with 'caller: …'"),
        ("caller:\n", 6, "'caller' is not a step"),
        ("caller: Hi.\nagnet:\n", 7, "'agnet' is not a step"),
        ("caller: Hi.\n  says: a\n", 7, "below 'agent:' or 'answers:'"),
        ("caller: Hi.\nagent:\n  says:\n", 8, "'says:' is not 'says: …'"),
        ("caller: Hi.\nagent:\n  sez: a\n", 8, "'sez: a' is not"),
        ("caller: Hi.\nanswers:\n  name\n", 8, "is not 'what is asked"),
        ("caller: Hi.\ncalls: boook\n", 7, "cuts has no tool 'boook'; it has book, look, end"),
        ("caller: Hi.\ncalls: book day=1\n", 7, "book has no argument 'day'; it has name, date, time, people"),
        ("caller: Hi.\ncalls: book Ann Lee\n", 7, "'Ann Lee' are not arguments"),
        ("caller: Hi.\nresult: ok\n", 7, "must follow the 'calls:'"),
        ("caller: Hi.\ncalls: book\nresult: {ok}\n", 8, "this result is not JSON"),
    ],
)
def test_a_bad_line_is_named(read: Any, body: str, line: int, problem: str) -> None:
    with pytest.raises(BadDialogue) as caught:
        read(body)
    assert str(caught.value).startswith(f"one.txt:{line}: ") and problem in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("# A title", "A title", 1, "must be a title"),
        ("business: cuts", "business: cut", 2, "no business 'cut'; there are cuts"),
        ("24 November", "25 November", 3, "25 November 2026 is a Wednesday"),
        ("Tuesday 24 November 2026, 09:12", "today", 3, "is not like 'Tuesday 24 November 2026, 09:12'"),
        ("tests: this\n", "", 3, "'tests:' is missing"),
        ("tests: this", "test: this", 4, "'test: this' is not one of"),
    ],
)
def test_a_bad_head_is_named(read: Any, old: str, new: str, line: int, problem: str) -> None:
    with pytest.raises(BadDialogue) as caught:
        read("caller: Hi.\n", HEAD.replace(old, new))
    assert str(caught.value).startswith(f"one.txt:{line}: ") and problem in str(caught.value)


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("At half past two.", "14:30"),
        ("At 2:30 pm.", "14:30"),
        ("At 2.30 p.m. on Monday? No: 14:30!", "14:30"),
        ("We close at six.", "18:00"),
        ("From 9 am to 6 pm.", "09:00"),
        ("At noon.", "12:00"),
        ("At quarter to three.", "14:45"),
        ("On the twenty-sixth of November.", "26 November"),
        ("On November 26th.", "26 November"),
        ("It costs £45.00.", "45 pounds"),
        ("Forty-five pounds, please.", "45 pounds"),
        ("Cut and blow-dry.", "blow dry"),
        ("I don’t know.", "cannot|don't know"),
        ("It is anna@example.com.", "anna@example.com"),
    ],
)
def test_the_same_meaning(answer: str, wanted: str) -> None:
    assert says(answer, wanted)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("At half past two in the night: 2:30 am.", "14:00"),
        ("At 2 am.", "14:00"),
        ("For 10 minutes.", "10:00"),
        ("At 10:30.", "10:00"),
        ("On 26 October.", "26 November"),
        ("Thursdays", "Thursday"),
        ("145 pounds", "45 pounds"),
    ],
)
def test_another_meaning(answer: str, wanted: str) -> None:
    assert not says(answer, wanted)


def test_a_time_is_only_forbidden_where_morning_and_afternoon_are_told_apart() -> None:
    assert says_outright("At 4 am.", "04:00") and says_outright("At 04:00.", "04:00")
    assert not says_outright("At 4 pm.", "04:00") and not says_outright("At four.", "04:00")
    assert says_outright("At 6 pm.", "18:00") and not says_outright("At 8 pm.", "18:00")


# -- what holds of every answer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "A haircut costs 38 pounds. On Thursday 26 November we are open from 9 am to 6 pm.",
        "One moment, please. Your number is 0 7 7 0 0, 9 0 0, 1 2 3, Ann Lee.",
        "At 2:30 pm tomorrow, in 2026.",
        "So that is for 3, at 11 am.",
    ],
)
def test_what_was_said_or_written_may_be_said(read: Any, answer: str) -> None:
    heard = Heard(read("caller: Hi.\n"))
    heard.sources.append("ann lee oh double seven double oh nine hundred one two three at 230 or eleven for three")
    assert global_problems(answer, heard) == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("", "hears nothing"),
        ("Hello. Hello!", "same sentence twice"),
        ("It costs 39 pounds.", "'39' is invented"),
        ("It costs five pounds.", "'5' is invented"),
        ("We open at 8:30 am.", "'8:30' is invented"),
        ("We close at 7 pm.", "'7 pm' is invented"),
        ("Ring 07700 900123.", "is invented"),
        ("Please ask for Bob.", "'Bob' is invented"),
        ("On Friday 26 November.", "26 november is no friday"),
        ("On 31 November.", "there is no 31 november"),
        ("On Tuesday 20 April.", "20 april is invented"),
    ],
)
def test_what_is_wrong_with_an_answer(read: Any, answer: str, problem: str) -> None:
    found = global_problems(answer, Heard(read("caller: Hi.\n")))
    assert any(problem in one for one in found), found


# -- the conversation -------------------------------------------------------------------------------------------------


def drive(dialogue: Dialogue, *replies: list[Output]) -> list[Any]:
    """Conduct a dialogue with an agent that replies so; gives what happened to the agent."""
    talk = conduct(dialogue)
    steps: list[Any] = [next(talk)]
    for reply in replies:
        try:
            steps.append(talk.send(reply))
        except StopIteration:
            break
    else:
        raise AssertionError(f"the dialogue is not over: {steps[-1]}")
    return steps


BODY = "caller: Ann Lee, Thursday 26 November at 10.\nagent:\n  says: Thursday, 10:00\n  question\ncaller: Yes.\n"


def test_a_good_conversation_passes(read: Any) -> None:
    one = read(BODY + "calls: book name~Ann date=2026-11-26 time=10:00\nagent:\n  says: booked\n")
    steps = drive(one, READ_BACK, [Call("look", "{}"), BOOKED], [Say("You are booked.")])
    assert steps[1] == Caller("Yes.")
    assert steps[2] == Results([(Call("look", "{}"), "Nothing."), (BOOKED, '{"ok": true, "message": "Booked."}')])


def test_a_failure_shows_where_and_what(read: Any) -> None:
    with pytest.raises(DialogueFailed) as failed:
        drive(read(BODY), [Say("We open at 9 am.")])
    assert str(failed.value).splitlines() == [
        "A title",
        "    caller:  Ann Lee, Thursday 26 November at 10.",
        "    agent:   We open at 9 am.",
        "  one.txt:7: the agent must say '10:00'",
        "  one.txt:7: the agent must say 'Thursday'",
        "  one.txt:7: the answer must end in a question",
    ]


@pytest.mark.parametrize(
    ("replies", "problem"),
    [
        ([READ_BACK, [Say("Thanks.")]], "no call of book"),
        ([READ_BACK, [Call("book", '{"name":"Ann Lee","date":"2026-11-25"}')]], "'2026-11-25' was not read back"),
        ([READ_BACK, [Call("book", '{"name":"Ann Low","date":"2026-11-26"}')]], "'Ann Low' was not read back"),
        ([READ_BACK, [Call("book", '{"name":"Ann Lee"}')]], "'date' is a required property"),
        ([READ_BACK, [Call("book", '{"name":"Ann Lee","date":"Thursday"}')]], "is no date"),
        ([READ_BACK, [Call("book", '{"name":"Ann Lee","date":"2026-11-26","people":"3"}')]], "not of type 'integer'"),
        ([READ_BACK, [Call("book", "Ann")]], "not JSON"),
        ([READ_BACK, [Call("order", "{}")]], "there is no tool 'order'"),
        ([READ_BACK, [Say("Bye."), Call("end", "{}")]], "end must not be called here"),
        ([[*READ_BACK, BOOKED], [Say("Done.")]], "book must not be called here"),
    ],
)
def test_a_wrong_call_fails(read: Any, replies: list[list[Output]], problem: str) -> None:
    with pytest.raises(DialogueFailed, match=problem):
        drive(read(BODY + "calls: book\n"), *replies, [Say("Done.")])


def test_a_call_without_a_yes_fails(read: Any) -> None:
    one = read(BODY.replace("Yes.", "Hm.") + "calls: book\n")
    with pytest.raises(DialogueFailed, match="without a yes"):
        drive(one, READ_BACK, [BOOKED], [Say("Done.")])


def test_a_look_up_is_forbidden_only_by_no_calls(read: Any) -> None:
    reply: list[Output] = [Call("look", "{}")]
    drive(read("caller: Hi.\nagent:\n  says: hello\n"), reply, [Say("Hello.")])
    with pytest.raises(DialogueFailed, match="look must not be called here"):
        drive(read("caller: Hi.\nno calls\n"), reply, [Say("Hello.")])


def test_questions_are_answered_in_the_agent_s_order(read: Any) -> None:
    one = read("caller: A table.\nanswers:\n  name: Ann Lee.\n  day|when: Thursday.\nagent:\n  says: Thursday\n")
    replies: list[list[Output]] = [[Say("When, please?")], [Say("And your name?")], [Say("Thursday it is, Ann Lee?")]]
    steps = drive(one, *replies)
    assert [step.words for step in steps] == ["A table.", "Thursday.", "Ann Lee."]


def test_the_last_answer_may_lead_to_a_call(read: Any) -> None:
    one = read("caller: Hi.\nanswers:\n  name: Ann.\n  day: Thursday.\ncalls: end\n")
    ends: list[Output] = [Say("Goodbye."), Call("end", "{}")]
    drive(one, [Say("Your name?")], [Say("Which day?")], ends)
    with pytest.raises(DialogueFailed, match="no call of end"):
        drive(one, [Say("Your name?")], [Say("Which day?")], [Say("Goodbye.")])


def test_an_interruption_and_a_silence_reach_the_agent(read: Any) -> None:
    one = read("caller: Hi.\ninterrupted\ncaller: Wait.\nsilence\n")
    said: list[list[Output]] = [[Say("Hello.")], [Say("Yes?")], [Say("Hello?")]]
    assert drive(one, *said) == [Caller("Hi."), Caller("Wait.", interrupts=True), Caller(None)]
