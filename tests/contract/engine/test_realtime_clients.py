"""What other people's clients send and wait for, one behaviour a test.

Seen in the sources of LiveKit's and Pipecat's OpenAI plugins and of browser consoles; none of them is installed here.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from typing import Any

LONG = " ".join(f"This is sentence number {n}." for n in range(30))
TOOL = {
    "type": "function",
    "name": "look_up",
    "description": "Find an answer.",
    "parameters": {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
    "strict": True,
}


def message(role: str, text: str, item_id: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"id": item_id, "type": "message", "role": role, "content": [{"type": kind, "text": text}]}


# -- LiveKit --------------------------------------------------------------------------------------------------------

LIVEKIT_SESSION: dict[str, Any] = {
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "noise_reduction": None,
            "transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": {
                "type": "semantic_vad",
                "create_response": True,
                "eagerness": "medium",
                "interrupt_response": True,
            },
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "speed": 1.0, "voice": "marin"},
    },
    "max_output_tokens": "inf",
    "tool_choice": "auto",
    "tracing": None,
}


async def test_livekit_configures_in_several_updates(engine: Any) -> None:
    async with engine.client("?model=gpt-realtime-2.1") as client:
        for change in (
            LIVEKIT_SESSION,
            {"type": "realtime", "instructions": "Be kind."},
            {"type": "realtime", "model": "gpt-realtime-2.1", "tools": [TOOL]},
            {"type": "realtime", "tracing": "auto"},
            {"type": "realtime", "tool_choice": "required"},
        ):
            await client.send("session.update", session=change, event_id=f"update_{uuid.uuid4().hex[:12]}")
            updated = await client.until("session.updated")
        session = updated["session"]
        assert (session["instructions"], session["tracing"], session["tool_choice"]) == ("Be kind.", "auto", "required")
        assert session["tools"][0]["name"] == "look_up"
        assert "error" not in client.kinds()


async def test_livekit_rebuilds_a_history_and_waits_for_every_item(engine: Any) -> None:
    """It sends all at once, each after the one before by its own id, and waits for `added` and `deleted`."""
    history = [
        message("system", "The caller is known.", "item_a"),
        message("user", "Hello", "item_b"),
        message("assistant", "Good morning.", "item_c"),
        {"id": "item_d", "type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"},
        {"id": "item_e", "type": "function_call_output", "call_id": "call_1", "output": "found"},
    ]
    async with engine.client() as client:
        previous = "root"
        for item in history:
            await client.send("conversation.item.create", item=item, previous_item_id=previous, event_id="chat_ctx")
            previous = item["id"]
        await client.send("conversation.item.delete", item_id="item_b", event_id="chat_ctx_delete")
        for item in history:
            added = await client.until("conversation.item.added")
            assert added["item"]["id"] == item["id"]
        assert (await client.until("conversation.item.deleted"))["item_id"] == "item_b"
        # An item is changed by deleting it and creating it again in its place.
        await client.send("conversation.item.delete", item_id="item_c")
        await client.send(
            "conversation.item.create", item=message("assistant", "Good day.", "item_c"), previous_item_id="item_a"
        )
        again = await client.until("conversation.item.added")
        assert (again["item"]["id"], again["previous_item_id"]) == ("item_c", "item_a")


async def test_livekit_finds_its_response_by_the_metadata_it_gave(engine: Any) -> None:
    async with engine.client() as client:
        event_id = "response_create_1"
        response = {"instructions": None, "metadata": {"client_event_id": event_id}}
        await client.send("response.create", event_id=event_id, response=response)
        created = await client.until("response.created")
        assert created["response"]["metadata"]["client_event_id"] == event_id
        await client.until("response.done")


async def test_livekit_learns_by_its_event_id_that_a_reply_was_refused(engine: Any) -> None:
    engine.speech.speak_delay_s = 0.05
    async with engine.client() as client:
        await client.send("response.create", response={"instructions": f'Say exactly: "{LONG}"'})
        await client.send("response.create", event_id="response_create_2")
        error = await client.error()
        assert (error["event_id"], error["code"]) == ("response_create_2", "conversation_already_has_active_response")
        await client.send("response.cancel")
        await client.until("response.done")
        await client.send("response.cancel")
        assert (await client.error())["message"].startswith("Cancellation failed"), "which it passes over in silence"


async def test_livekit_asks_for_the_legacy_names_of_nothing(engine: Any) -> None:
    """Its message streams open at `output_item.added` and learn their modality from the part's type."""
    async with engine.client() as client:
        for modality, part in (("audio", "audio"), ("text", "text")):
            begin = len(client.seen)
            await client.say("Hello.", output_modalities=[modality])
            events = {event["type"]: event for event in client.seen[begin:]}
            assert events["response.output_item.added"]["item"]["type"] == "message"
            assert events["response.content_part.added"]["part"]["type"] == part
        assert not [kind for kind in client.kinds() if kind.startswith(("response.audio", "response.text"))]


async def test_livekits_transcriber_opens_a_transcription_session(engine: Any) -> None:
    engine.speech.script = ["Hello there."]
    async with engine.client("?intent=transcription") as client:
        listening = {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "gpt-4o-transcribe", "prompt": "", "language": "en"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 350},
            "noise_reduction": {"type": "near_field"},
        }
        await client.send("session.update", session={"type": "transcription", "audio": {"input": listening}})
        await client.until("session.updated")
        for piece in [(b"\x00\x30" * 24 + b"\x00\xd0" * 24) * 50] * 8 + [b"\0" * 4800] * 10:
            await client.audio(piece)
        delta = await client.until("conversation.item.input_audio_transcription.delta")
        completed = await client.until("conversation.item.input_audio_transcription.completed")
        assert delta["delta"] == completed["transcript"] == "Hello there."


# -- Pipecat --------------------------------------------------------------------------------------------------------


async def test_pipecat_configures_after_session_created_and_then_runs(engine: Any) -> None:
    """Every error but two ends its call, so nothing it sends on a normal path may earn one."""
    async with engine.client() as client:
        session = {
            "type": "realtime",
            "model": "gpt-realtime-2.1",
            "output_modalities": ["audio"],
            "instructions": "You are a receptionist.",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "transcription": {"model": "gpt-realtime-whisper"},
                    "noise_reduction": {"type": "near_field"},
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "prefix_padding_ms": 300,
                        "silence_duration_ms": 500,
                    },
                },
                "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0},
            },
            "tools": [TOOL],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "reasoning": {"effort": "low"},
        }
        await client.send("session.update", event_id=str(uuid.uuid4()), session=session)
        await client.until("session.updated")
        item_id = uuid.uuid4().hex
        await client.send(
            "conversation.item.create", event_id=str(uuid.uuid4()), item=message("user", "Say hello.", item_id)
        )
        assert (await client.until("conversation.item.added"))["item"]["id"] == item_id
        await client.send("response.create", event_id=str(uuid.uuid4()), response={"output_modalities": ["audio"]})
        done = (await client.until("response.done"))["response"]
        assert {"input_tokens", "output_tokens", "total_tokens", "input_token_details"} <= done["usage"].keys()
        assert "error" not in client.kinds()


async def test_pipecat_in_manual_mode_clears_cancels_truncates_and_commits(engine: Any) -> None:
    engine.speech.script = ["Hello there?"]
    engine.speech.speak_delay_s = 0.02
    async with engine.client() as client:
        await client.session(audio={"input": {"turn_detection": None}})
        await client.send("response.create", response={"instructions": f'Say exactly: "{LONG}"'})
        heard = await client.until("response.output_audio.delta")
        await client.send("input_audio_buffer.clear")
        await client.send("response.cancel")
        length = len(base64.b64decode(heard["delta"])) // 48
        await client.send("conversation.item.truncate", item_id=heard["item_id"], content_index=0, audio_end_ms=length)
        await client.until("conversation.item.truncated")
        await client.send("response.cancel")
        assert (await client.error())["code"] == "response_cancel_not_active"
        await client.audio(b"\x00\x30" * 24000)
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_pipecat_matches_a_failed_retrieval_by_its_event_id(engine: Any) -> None:
    async with engine.client() as client:
        await client.send("conversation.item.retrieve", item_id="gone", event_id="rci_gone")
        error = await client.error()
        assert (error["event_id"], error["code"]) == ("rci_gone", "item_retrieve_invalid_item_id")


# -- browsers, consoles and hand-written clients --------------------------------------------------------------------


async def test_a_console_sends_a_bare_response_create_first(engine: Any) -> None:
    async with engine.client("") as client:
        await client.send("response.create")
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_a_console_echoes_the_whole_session_back(engine: Any) -> None:
    """Some take `session.created`'s session, change a field and send all of it, ids and all."""
    async with engine.client() as client:
        session = {**client.seen[0]["session"], "instructions": "Be kind."}
        await client.send("session.update", session=session)
        updated = (await client.until("session.updated"))["session"]
        assert updated == session


async def test_a_phone_bridge_sends_all_its_events_before_it_reads_any(engine: Any) -> None:
    """Twilio's sample: update, greet and stream in one burst, 20 ms of μ-law a piece."""
    engine.speech.script = ["Hello there?"]
    pcmu = {"format": {"type": "audio/pcmu"}}
    async with engine.client() as client:
        await client.send(
            "session.update",
            session={
                "type": "realtime",
                "model": "gpt-realtime",
                "output_modalities": ["audio"],
                "audio": {
                    "input": {**pcmu, "turn_detection": {"type": "server_vad"}},
                    "output": {**pcmu, "voice": "alloy"},
                },
                "instructions": "Be kind.",
            },
        )
        await client.send("response.create")
        await client.speak()
        first = (await client.until("response.done"))["response"]
        second = (await client.until("response.done"))["response"]
        assert {first["status"], second["status"]} <= {"completed", "cancelled"}
        assert "error" not in client.kinds()


async def test_a_client_that_reads_slowly_gets_everything_in_the_end(engine: Any) -> None:
    async with engine.client(max_queue=1) as client:
        await client.send("response.create", response={"instructions": f'Say exactly: "{LONG}"'})
        await asyncio.sleep(0.3)
        assert (await client.until("response.done"))["response"]["status"] == "completed"
        await client.until("rate_limits.updated")
        assert len(client.audio_heard()) == len(LONG.replace(". ", ".")) * 50 * 48
