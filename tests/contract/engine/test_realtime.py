"""The realtime protocol as a client sees it; the client validates every event with the SDK's strict types."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from engine.settings import EngineSettings

VAD_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
]
GREETING = 'Greet the caller now. Say exactly: "Thank you for calling Harbour Hair. How can I help you?"'


def text_item(text: str, role: str = "user", **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}], **more}


async def test_a_session_begins_with_its_defaults_and_merges_changes(engine: Any) -> None:
    async with engine.client() as client:
        created = client.seen[0]["session"]
        assert client.kinds() == ["session.created", "conversation.created"]
        assert created["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500
        updated = await client.session(
            instructions="Be kind.", audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}}
        )
        detection = updated["session"]["audio"]["input"]["turn_detection"]
        assert (detection["threshold"], detection["silence_duration_ms"]) == (0.7, 500)
        again = await client.session(tracing="auto")
        assert again["session"]["instructions"] == "Be kind."
        cleared = await client.session(audio={"input": {"turn_detection": None}})
        assert cleared["session"]["audio"]["input"]["turn_detection"] is None


async def test_the_greeting_is_spoken_word_for_word_with_its_metadata(engine: Any) -> None:
    async with engine.client() as client:
        await client.phone()
        await client.send("response.create", response={"instructions": GREETING, "metadata": {"purpose": "greeting"}})
        created = await client.until("response.created")
        done = await client.until("response.done")
        assert created["response"]["metadata"] == done["response"]["metadata"] == {"purpose": "greeting"}
        said = done["response"]["output"][0]["content"][0]["transcript"]
        assert said == "Thank you for calling Harbour Hair. How can I help you?"
        assert engine.speech.said == ["Thank you for calling Harbour Hair.", "How can I help you?"]
        deltas = [
            base64.b64decode(event["delta"]) for event in client.seen if event["type"] == "response.output_audio.delta"
        ]
        assert all(len(delta) == 1280 for delta in deltas[:-1])
        assert sum(map(len, deltas)) == pytest.approx(54 * 50 * 8, rel=0.01)
        kinds = client.kinds()
        assert (
            kinds.index("response.output_item.added")
            < kinds.index("conversation.item.added")
            < kinds.index("response.content_part.added")
        )
        assert (
            kinds.index("response.content_part.done")
            < kinds.index("response.output_item.done")
            < kinds.index("response.done")
        )


async def test_a_spoken_turn_is_heard_answered_and_announced_in_order(engine: Any, salon: dict[str, Any]) -> None:
    engine.speech.script = ["Is there parking nearby?"]
    async with engine.client() as client:
        await client.phone()
        await client.session(instructions=salon["instructions"])
        start = len(client.seen)
        await client.speak()
        done = await client.until("response.done")
        events = client.seen[start:]
        kinds = [event["type"] for event in events]
        assert [kind for kind in kinds if kind in VAD_TURN][:6] == VAD_TURN
        completed = next(event for event in events if event["type"].endswith("transcription.completed"))
        assert completed["transcript"] == "Is there parking nearby?"
        assert done["response"]["output"][0]["content"][0]["transcript"] == "Parking is free behind the building."
        stopped = next(event for event in events if event["type"] == "input_audio_buffer.speech_stopped")
        assert 1250 <= stopped["audio_end_ms"] <= 1400
        assert len(engine.speech.heard_ms) == 1, "the early transcription is used, not made twice"


async def test_a_pause_in_a_sentence_discards_the_early_transcription(engine: Any) -> None:
    engine.speech.script = ["I would", "I would like to know something."]
    async with engine.client() as client:
        await client.phone()
        await client.speak(frames=30, silence=16)
        while not engine.speech.heard_ms:
            await asyncio.sleep(0.01)
        await client.speak(frames=30, silence=40)
        completed = await client.until("conversation.item.input_audio_transcription.completed")
        assert completed["transcript"] == "I would like to know something."
        assert client.kinds().count("input_audio_buffer.speech_started") == 1


async def test_speaking_over_an_answer_cancels_it(engine: Any) -> None:
    engine.speech.speak_delay_s = 0.05
    long_text = " ".join(f"This is sentence number {n}." for n in range(40))
    async with engine.client() as client:
        await client.phone()
        await client.send("response.create", response={"instructions": f'Say exactly: "{long_text}"'})
        await client.until("response.output_audio.delta")
        await client.speak(frames=10, silence=0)
        done = await client.until("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert done["response"]["output"][0]["status"] == "incomplete"
        closing = ["response.output_audio.done", "response.content_part.done", "response.output_item.done"]
        assert [kind for kind in client.kinds() if kind in closing] == closing


async def test_without_interrupt_response_an_answer_is_finished_and_the_turn_answered_after(engine: Any) -> None:
    engine.speech.script = ["Hello there?"]
    engine.speech.speak_delay_s = 0.1
    async with engine.client() as client:
        await client.phone(interrupt_response=False)
        await client.send(
            "response.create", response={"instructions": 'Say exactly: "One thing. Two things. Three things."'}
        )
        await client.until("response.output_audio.delta")
        await client.speak()
        first, second = await client.until("response.done"), await client.until("response.done")
        assert first["response"]["status"] == second["response"]["status"] == "completed"


async def test_cancel_and_create_are_refused_when_they_do_not_apply(engine: Any) -> None:
    engine.speech.speak_delay_s = 0.1
    async with engine.client() as client:
        await client.send("response.cancel", event_id="mine")
        error = (await client.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "mine")
        await client.send("response.create", response={"instructions": 'Say exactly: "One. Two."'})
        await client.send("response.create")
        assert (await client.until("error"))["error"]["code"] == "conversation_already_has_active_response"
        await client.send("response.cancel")
        done = await client.until("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"


async def test_truncate_keeps_what_was_heard_and_refuses_what_was_not(engine: Any) -> None:
    async with engine.client() as client:
        await client.phone()
        await client.send("conversation.item.create", item=text_item("Hello", id="item_mine"))
        await client.send("response.create", response={"instructions": 'Say exactly: "Hello there."'})
        done = await client.until("response.done")
        item_id = done["response"]["output"][0]["id"]
        await client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=300)
        assert (await client.until("conversation.item.truncated"))["audio_end_ms"] == 300
        await client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=301)
        assert (await client.until("error"))["error"][
            "message"
        ] == "Audio content of 300ms is already shorter than 301ms."
        await client.send("conversation.item.truncate", item_id="item_mine", content_index=0, audio_end_ms=0)
        assert (await client.until("error"))["error"]["message"] == "Only model output audio messages can be truncated."


async def test_items_keep_their_ids_and_places_and_can_be_read_and_deleted(engine: Any) -> None:
    async with engine.client() as client:
        await client.send("conversation.item.create", item=text_item("Two", id="two"))
        await client.send("conversation.item.create", item=text_item("One", id="one"), previous_item_id="root")
        for _ in range(2):
            await client.until("conversation.item.done")
        await client.send("conversation.item.create", item=text_item("Between"), previous_item_id="one")
        assert (await client.until("conversation.item.added"))["previous_item_id"] == "one"
        await client.send("conversation.item.retrieve", item_id="two")
        assert (await client.until("conversation.item.retrieved"))["item"]["content"][0]["text"] == "Two"
        await client.send("conversation.item.delete", item_id="two")
        await client.until("conversation.item.deleted")
        await client.send("conversation.item.delete", item_id="two")
        assert (await client.until("error"))["error"]["param"] == "item_id"
        await client.send("conversation.item.create", item=text_item("Again", id="one"))
        assert "already exists" in (await client.until("error"))["error"]["message"]


def change(**session: Any) -> str:
    return json.dumps({"type": "session.update", "session": {"type": "realtime", **session}})


def listening(**options: Any) -> str:
    return change(audio={"input": options})


BAD_EVENTS: list[tuple[str | bytes, str]] = [
    ("{not json", "invalid_json"),
    ("[1, 2]", "invalid_type"),
    ("null", "invalid_type"),
    ("", "invalid_json"),
    (b'{"type": "response.create"}', "invalid_value"),
    ("[" * 5000, "invalid_json"),
    ('{"type": ' * 100 + "1" + "}" * 100, "invalid_value"),
    ('{"type": null}', "invalid_type"),
    ('{"type": "response.cancel", "event_id": 7}', "invalid_type"),
    ('{"type": "input_audio_buffer.append"}', "missing_required_parameter"),
    ('{"type": "input_audio_buffer.append", "audio": "\u00fc\u00fc\u00fc\u00fc"}', "invalid_value"),
    ('{"type": "session.update"}', "missing_required_parameter"),
    ('{"type": "session.update", "session": []}', "invalid_type"),
    ('{"type": "conversation.item.create"}', "missing_required_parameter"),
    ('{"no": "type"}', "missing_required_parameter"),
    ('{"type": "session.destroy"}', "invalid_value"),
    ('{"type": "output_audio_buffer.clear"}', "invalid_value"),
    ('{"type": "input_audio_buffer.append", "audio": 7}', "invalid_type"),
    ('{"type": "input_audio_buffer.append", "audio": "***"}', "invalid_value"),
    ('{"type": "input_audio_buffer.commit"}', "input_audio_buffer_commit_empty"),
    (change(output_modalities=["smell"]), "invalid_value"),
    (listening(format={"type": "mp3"}), "invalid_value"),
    (listening(turn_detection={"type": "server_vad", "threshold": "high"}), "invalid_type"),
    (listening(turn_detection={"type": "server_vad", "idle_timeout_ms": 10}), "invalid_value"),
    (listening(turn_detection={"type": "semantic_vad", "idle_timeout_ms": 6000}), "invalid_value"),
    (listening(transcription={"language": "fr"}), "unsupported_language"),
    (
        '{"type": "conversation.item.create", "item": {"type": "message", "role": "king", "content": []}}',
        "invalid_value",
    ),
    (change(audio="loud"), "invalid_type"),
    ('{"type": "conversation.item.create", "item": "hello"}', "invalid_type"),
    (
        '{"type": "conversation.item.create", "item": {"type": "message", "role": "user", '
        '"content": [{"type": "input_text", "text": 7}]}}',
        "invalid_type",
    ),
    ('{"type": "response.create", "response": {"input": ["hello"]}}', "invalid_type"),
    ('{"type": "response.create", "response": {"metadata": "x"}}', "invalid_type"),
    ('{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0}', "item_truncate_invalid_item_id"),
]


async def test_bad_events_get_errors_and_the_session_goes_on(engine: Any) -> None:
    async with engine.client() as client:
        for raw, code in BAD_EVENTS:
            await client.socket.send(raw)
            assert (await client.error())["code"] == code, raw
        await client.session(instructions="Still here.")
        await client.alive()


async def test_an_append_over_the_limit_is_refused(engine: Any) -> None:
    async with engine.client() as client:
        await client.audio(b"\xff" * ((15 << 20) + 3))
        assert "15728640" in (await client.until("error"))["error"]["message"]


async def test_a_wrong_key_is_refused_before_the_upgrade(serve: Any) -> None:
    async with serve(EngineSettings(api_key="right")) as engine:
        with pytest.raises(InvalidStatus) as refused:
            async with engine.client(additional_headers={"Authorization": "Bearer wrong"}):
                pass
        assert refused.value.response.status_code == 401
        async with engine.client(additional_headers={"Authorization": "Bearer right"}) as client:
            assert client.seen


async def test_a_session_too_many_is_told_so_and_its_place_is_free_again_later(serve: Any) -> None:
    async with serve(EngineSettings(max_sessions=1)) as engine:
        url = f"{engine.base.replace('http', 'ws')}/v1/realtime"
        async with engine.client(), connect(url) as second:
            error = json.loads(await second.recv())
            assert error["error"]["code"] == "session_limit_reached"
        async with engine.client() as client:
            assert client.seen
        assert engine.speech.out_vads <= 1


async def test_a_session_ends_at_its_limit(serve: Any) -> None:
    async with serve(EngineSettings(session_limit_s=0.3)) as engine, engine.client() as client:
        assert (await client.until("error"))["error"]["code"] == "session_expired"
        with pytest.raises(ConnectionClosed) as closed:
            await client.get()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001


async def test_text_output_manual_commit_and_pcm_input(engine: Any) -> None:
    engine.speech.script = ["Who are you?"]
    async with engine.client() as client:
        await client.session(output_modalities=["text"], audio={"input": {"turn_detection": None}})
        await client.audio(b"\x00\x10" * 24000)
        await client.send("input_audio_buffer.commit")
        await client.until("conversation.item.done")
        await client.send("response.create")
        done = await client.until("response.done")
        assert done["response"]["output"][0]["content"][0]["type"] == "output_text"
        assert engine.speech.heard_ms == [1000]


async def test_idle_timeout_counts_audio_after_playback(engine: Any) -> None:
    async with engine.client() as client:
        await client.phone(idle_timeout_ms=5000)
        await client.send("response.create", response={"instructions": 'Say exactly: "Hello there."'})
        await client.until("response.done")
        await client.audio(b"\xff" * 8 * 5300)
        await client.session(instructions="marker")
        assert "input_audio_buffer.timeout_triggered" not in client.kinds()
        await client.audio(b"\xff" * 8 * 500)
        triggered = await client.until("input_audio_buffer.timeout_triggered")
        assert triggered["audio_end_ms"] >= 5600
        await client.until("response.done")


async def test_a_whole_booking_with_its_tool_call_and_the_goodbye(engine: Any, salon: dict[str, Any]) -> None:
    engine.speech.script = [
        "I'd like to book a haircut for Maria Lopez on Thursday at half past two.",
        "Yes, that's right.",
        "No, that is all. Goodbye.",
    ]
    async with engine.client() as client:
        await client.phone()
        await client.session(instructions=salon["instructions"], tools=salon["tools"])
        await client.send("conversation.item.create", item=salon["context"])
        await client.speak()
        first = await client.until("response.done")
        assert first["response"]["output"][0]["content"][0]["transcript"] == (
            "So that is a haircut for Maria Lopez on Thursday 26 November at 2:30 pm. Is that right?"
        )
        await client.speak()
        call = (await client.until("response.done"))["response"]["output"][0]
        assert json.loads(call["arguments"]) == {
            "customer_name": "Maria Lopez",
            "date": "2026-11-26",
            "time": "14:30",
            "service": "haircut",
        }
        pieces = [event["delta"] for event in client.seen if event["type"] == "response.function_call_arguments.delta"]
        assert "".join(pieces) == call["arguments"] and len(pieces) > 1
        booked = {"ok": True, "message": "Booked for Maria Lopez on Thursday 26 November at 14:30."}
        await client.send(
            "conversation.item.create",
            item={"type": "function_call_output", "call_id": call["call_id"], "output": json.dumps(booked)},
        )
        await client.send("response.create")
        told = (await client.until("response.done"))["response"]["output"][0]["content"][0]["transcript"]
        assert told.startswith(booked["message"])
        await client.speak()
        goodbye = (await client.until("response.done"))["response"]["output"]
        assert [item["type"] for item in goodbye] == ["message", "function_call"]
        assert goodbye[1]["name"] == "end_call"
