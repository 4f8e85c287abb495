"""A text agent of openai-agents (what a WhatsApp desk could be built with) runs on the engine unmodified."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from agents import Agent, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled

BOOKING: list[Any] = [
    {"role": "user", "content": "Book for Ann Lee on 2026-12-03 at 10 am please"},
    {"role": "assistant", "content": "So that is Ann Lee on Thursday at 10. Is that right?"},
    {"role": "user", "content": "yes"},
]


@pytest.fixture
def agent(engine: Any, salon: dict[str, Any]) -> Agent[Any]:
    """A receptionist with one tool."""
    set_tracing_disabled(True)

    @function_tool
    def book_appointment(customer_name: str, date: str, time: str) -> str:
        """Book an appointment."""
        return json.dumps({"ok": True, "message": f"Booked for {customer_name} on {date} at {time}."})

    client = openai.AsyncOpenAI(api_key="any", base_url=f"{engine.base}/v1", max_retries=0)
    model = OpenAIResponsesModel("gpt-5-mini", client)
    return Agent(name="desk", instructions=salon["instructions"], model=model, tools=[book_appointment])


async def test_a_question_and_a_booking(agent: Agent[Any]) -> None:
    told = await Runner.run(agent, "Is there parking?")
    assert told.final_output == "Parking is free behind the building."
    booked = await Runner.run(agent, BOOKING)
    assert "Booked for Ann Lee on 2026-12-03" in booked.final_output
    assert [item.type for item in booked.new_items][:2] == ["tool_call_item", "tool_call_output_item"]


async def test_the_same_booking_streamed(agent: Agent[Any]) -> None:
    run = Runner.run_streamed(agent, BOOKING)
    kinds = [event.type async for event in run.stream_events()]
    assert "Booked for Ann Lee on 2026-12-03" in run.final_output
    assert "raw_response_event" in kinds and "run_item_stream_event" in kinds
