"""What a request for a response may hold, and how it is read."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import ApiError
from engine.http.responses_request import read_request
from engine.realtime.brain import Turn

TOOL = {"type": "function", "name": "book", "description": "Book.", "parameters": {"type": "object"}, "strict": False}
SCHEMA = {"type": "json_schema", "name": "call", "schema": {"type": "object", "properties": {}}}


def test_a_conversation_is_read_in_order() -> None:
    asked = read_request(
        {
            "instructions": "Be brief.",
            "input": [
                {"role": "developer", "content": "Today is Tuesday."},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {"type": "function_call", "call_id": "c1", "name": "book", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "ok"}]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
            ],
            "tools": [TOOL],
            "tool_choice": {"type": "function", "name": "book"},
        }
    ).ask
    assert asked.turns == (
        Turn("system", "Today is Tuesday."),
        Turn("user", "Hi"),
        Turn("call", "{}", "book", "c1"),
        Turn("result", "ok", call_id="c1"),
        Turn("assistant", "Done."),
    )
    assert (asked.instructions, asked.tools, asked.tool_choice["name"]) == ("Be brief.", (TOOL,), "book")


def test_plain_text_and_settings_that_change_nothing() -> None:
    asked = read_request(
        {"input": "Hi", "store": True, "background": False, "previous_response_id": None, "temperature": 1, "user": "u"}
    )
    assert asked.ask.turns == (Turn("user", "Hi"),) and not asked.stream and asked.summary is None


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": {"role": "user"}}, "input"),
        ({"input": ["Hi"]}, "input[0]"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "robot", "content": "Hi"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [5]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].type"),
        ({"input": [{"type": "function_call", "name": "x", "arguments": "{}"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "call_id": "x"}]}, "input[0].output"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"type": "web_search_call"}]}, "input[0].type"),
        ({"tools": {}}, "tools"),
        ({"tools": ["book"]}, "tools[0]"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [TOOL, {"type": "function"}]}, "tools[1].name"),
        ({"tools": [{**TOOL, "name": 5}]}, "tools[0].name"),
        ({"tools": [{**TOOL, "parameters": "{}"}]}, "tools[0].parameters"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function", "name": "other"}, "tools": [TOOL]}, "tool_choice"),
        ({"instructions": ["Be brief."]}, "instructions"),
        ({"model": 5}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"metadata": {"a": 5}}, "metadata.a"),
        ({"max_output_tokens": "all"}, "max_output_tokens"),
        ({"text": "plain"}, "text"),
        ({"text": {"format": "plain"}}, "text.format"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"text": {"format": SCHEMA}}, "text.format"),
    ],
)
def test_mistakes_name_the_field(change: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as refused:
        read_request({"input": "Hi", **change})
    assert (refused.value.status, refused.value.param) == (400, param)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ],
)
def test_what_needs_memory_is_refused_with_the_reason(change: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError, match=f"keeps no state between requests, so '{param}'") as refused:
        read_request({"input": "Hi", **change})
    assert (refused.value.status, refused.value.param) == (400, param)


def test_a_summary_may_have_a_schema() -> None:
    asked = read_request({"instructions": "Summarise the call.", "input": "Caller: Hi", "text": {"format": SCHEMA}})
    assert asked.summary == "{}"
