"""One scripted session that provokes every server event that applies to a WebSocket engine."""

from __future__ import annotations

import base64
from typing import Any, get_args

from openai.types.realtime import RealtimeServerEvent

# What cannot come from this engine over a WebSocket, and why.
NOT_APPLICABLE = {
    "conversation.item.created": "the beta's name for conversation.item.added",
    "conversation.item.input_audio_transcription.segment": "needs speakers told apart",
    "input_audio_buffer.dtmf_event_received": "SIP",
    "output_audio_buffer.started": "WebRTC and SIP",
    "output_audio_buffer.stopped": "WebRTC and SIP",
    "output_audio_buffer.cleared": "WebRTC and SIP",
    "mcp_list_tools.in_progress": "MCP",
    "mcp_list_tools.completed": "MCP",
    "mcp_list_tools.failed": "MCP",
    "response.mcp_call_arguments.delta": "MCP",
    "response.mcp_call_arguments.done": "MCP",
    "response.mcp_call.in_progress": "MCP",
    "response.mcp_call.completed": "MCP",
    "response.mcp_call.failed": "MCP",
}


def every_type() -> set[str]:
    """The types of all server events that the SDK knows."""
    members = get_args(get_args(RealtimeServerEvent)[0])
    return {get_args(member.model_fields["type"].annotation)[0] for member in members}


async def test_a_session_provokes_every_event_that_applies(engine: Any, salon: dict[str, Any]) -> None:
    engine.speech.script = [RuntimeError("broken"), "I'd like to speak to a person.", "Is there parking?"]
    async with engine.client() as client:
        await client.phone(idle_timeout_ms=5000)
        await client.session(instructions=salon["instructions"], tools=salon["tools"])
        await client.speak()  # cannot be heard: transcription.failed
        await client.until("response.done")
        await client.speak()  # transcription.delta and .completed, an answer aloud
        answer = (await client.until("response.done"))["response"]["output"][0]["id"]
        await client.send("conversation.item.truncate", item_id=answer, content_index=0, audio_end_ms=100)
        await client.send("conversation.item.retrieve", item_id=answer)
        await client.send("conversation.item.delete", item_id=answer)
        await client.send("input_audio_buffer.clear")
        await client.send("output_audio_buffer.clear")  # error
        await client.say("In writing.", output_modalities=["text"])
        await client.audio(b"\xff" * 8 * 6000)  # silence: timeout_triggered
        await client.until("response.done")
        goodbye = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Goodbye."}]}
        await client.send("conversation.item.create", item=goodbye)
        await client.send("response.create")  # calls end_call
        await client.until("response.done")
        await client.until("rate_limits.updated")
        assert set(client.kinds()) == every_type() - NOT_APPLICABLE.keys()


async def test_the_order_within_a_response(engine: Any) -> None:
    async with engine.client() as client:
        await client.phone()
        begin = len(client.seen)
        await client.say("Hello there. How are you?")
        await client.until("rate_limits.updated")
        kinds = client.kinds()[begin:]
        once = [kind for kind in kinds if "delta" not in kind]
        assert once == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
            "rate_limits.updated",
        ]
        first, last = kinds.index("response.content_part.added"), kinds.index("response.output_audio.done")
        assert all("delta" in kind for kind in kinds[first + 1 : last])


async def test_one_response_tells_one_story(engine: Any) -> None:
    """What the deltas said is what every later event says, and all of them name the same response and item."""
    async with engine.client() as client:
        done = await client.say("Hello there. How are you?")
        item = done["output"][0]
        events = {event["type"]: event for event in client.seen}
        said = "".join(
            event["delta"] for event in client.seen if event["type"] == "response.output_audio_transcript.delta"
        )
        assert said == "Hello there. How are you?" == item["content"][0]["transcript"]
        assert events["response.output_audio_transcript.done"]["transcript"] == said
        assert events["response.content_part.done"]["part"] == {"type": "audio", "transcript": said}
        assert events["response.output_item.done"]["item"] == events["conversation.item.done"]["item"] == item
        own = [event for event in client.seen if event["type"].startswith("response.") and "response_id" in event]
        assert {event["response_id"] for event in own} == {done["id"]}
        assert {event["item_id"] for event in own if "item_id" in event} == {item["id"]}
        audio_tokens = len(client.audio_heard()) / 2 / 24000 * 20
        usage = done["usage"]
        assert usage["output_token_details"]["audio_tokens"] == int(audio_tokens)
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert base64.b64decode(events["response.output_audio.delta"]["delta"])
