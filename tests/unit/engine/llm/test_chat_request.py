"""The request a conversation becomes: what servers and their templates insist on."""

from __future__ import annotations

from typing import Any

from engine.llm.chat_request import SPOKEN, UNFINISHED, chat_request, folded, with_note
from engine.realtime.brain import Ask, Turn

BOOK = {"type": "function", "name": "book", "description": "Book.", "parameters": {"type": "object"}, "strict": True}
END = {"type": "function", "name": "end_call"}
USER = Turn("user", "Hello?")


def messages(*turns: Turn, instructions: str = "Be kind.", once: str | None = None) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = chat_request(Ask(instructions, turns, once=once), "m")["messages"]
    return made


def calls(message: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in message["tool_calls"]]


def test_the_head_holds_instructions_the_spoken_hint_and_what_was_known_before() -> None:
    made = messages(Turn("system", "It is Tuesday."), Turn("system", "Caller number: known"), USER)
    assert made == [
        {"role": "system", "content": f"Be kind.\n\n{SPOKEN}\n\nIt is Tuesday.\n\nCaller number: known"},
        {"role": "user", "content": "Hello?"},
    ]


def test_empty_turns_are_skipped_and_neighbours_joined() -> None:
    made = messages(
        Turn("assistant", "Good morning."), Turn("user", "I want"), Turn("assistant", " "), Turn("user", "a cut."),
        Turn("system", "Note."), Turn("system", "Note two."), Turn("assistant", "When"),
    )  # fmt: skip
    assert [(one["role"], one["content"]) for one in made[1:]] == [
        ("assistant", "Good morning."),
        ("user", "I want\na cut."),
        ("system", "Note.\nNote two."),
        ("assistant", "When"),
    ]


def test_without_a_user_the_model_still_has_somebody_to_answer() -> None:
    made = messages(Turn("assistant", "Good morning."), once="Ask for the name.")
    assert [one["role"] for one in made] == ["system", "user", "assistant", "system"]
    assert made[-1]["content"] == "For your next reply only: Ask for the name."


def test_results_stand_behind_their_calls_whenever_they_came() -> None:
    made = messages(
        USER, Turn("assistant", "One moment."), Turn("call", '{"day": 1}', "book", "x"), Turn("call", "", "book", "y"),
        Turn("user", "Are you there?"), Turn("result", "full", call_id="y"), Turn("result", "", call_id="x"),
        Turn("call", "{}", "end_call", "z"), Turn("result", "bye", call_id="z"),
    )  # fmt: skip
    assert [one["role"] for one in made[2:]] == ["assistant", "tool", "tool", "user", "assistant", "tool"]
    assert made[2]["content"] == "One moment." and made[6]["content"] == ""
    assert calls(made[2]) == [("call00000", "book", '{"day": 1}'), ("call00001", "book", "{}")]
    assert calls(made[6]) == [("call00002", "end_call", "{}")]
    assert [(one["tool_call_id"], one["content"]) for one in made if one["role"] == "tool"] == [
        ("call00000", "(no output)"),
        ("call00001", "full"),
        ("call00002", "bye"),
    ]


def test_a_call_without_result_is_said_to_be_unfinished() -> None:
    made = messages(USER, Turn("call", '{"day": ', "book", "x"), Turn("user", "Stop!"))
    assert calls(made[2]) == [("call00000", "book", "{}")]
    assert made[3] == {"role": "tool", "tool_call_id": "call00000", "content": UNFINISHED}
    assert made[4] == {"role": "user", "content": "Stop!"}


def test_a_result_whose_call_was_deleted_is_told_in_words() -> None:
    made = messages(USER, Turn("result", "booked", call_id="gone"))
    assert made[2] == {"role": "system", "content": "An earlier tool call gave: booked"}


def test_tools_are_nested_and_only_functions() -> None:
    request = chat_request(Ask("", (USER,), (BOOK, END, {"type": "mcp", "server_label": "x"})), "m")
    nothing = {"type": "object", "properties": {}}
    assert request["tools"] == [
        {"type": "function", "function": {"name": "book", "description": "Book.", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": "end_call", "parameters": nothing}},
    ]
    assert "tool_choice" not in request and request["stream"] is True and request["model"] == "m"


def test_tool_choices() -> None:
    def choice(given: Any) -> Any:
        request = chat_request(Ask("", (USER,), (BOOK,), given), "m")
        return request.get("tool_choice"), "tools" in request

    assert choice("none") == (None, False)
    assert choice("required") == ("required", True)
    assert choice({"type": "function", "name": "book"}) == ({"type": "function", "function": {"name": "book"}}, True)
    assert choice({"type": "function", "name": "gone"}) == choice({"type": "mcp"}) == (None, True)
    assert "tools" not in chat_request(Ask("", (USER,)), "m")


def test_a_note_leaves_the_first_request_as_it_was() -> None:
    request = chat_request(Ask("", (USER, Turn("assistant", "Hm."))), "m")
    before = [dict(one) for one in request["messages"]]
    noted = with_note(request, ["Well.", "So."], "Again.")
    assert request["messages"] == before
    assert noted["messages"][-2:] == [
        {"role": "assistant", "content": "Hm.\nWell. So."},
        {"role": "system", "content": "Again."},
    ]


def test_folding_leaves_one_system_message_and_takes_turns() -> None:
    turns = (Turn("assistant", "Good morning."), USER, Turn("system", "Noon."), Turn("user", "Well?"))
    made = folded(chat_request(Ask("", turns), "m"))["messages"]
    assert [one["role"] for one in made] == ["system", "user", "assistant", "user"]
    assert made[-1]["content"] == "Hello?\n(Not said by the caller: Noon.)\nWell?"
    plain = chat_request(Ask("", (USER,)), "m")
    assert folded(plain) == plain
