"""The media socket on uvicorn's own port, as Twilio meets it: the hand-over to picows, bad input, a call's audio.

The database is real; the model is a fake behind its port, so that each case is exact.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import picows
import pytest

from server.config import calls as limits
from server.db import db
from server.domain import commands as do
from server.domain import events as on
from server.models_sql import CallEvent, ConversationTurn
from tests.support.media_desk import MEDIA, Desk, running_desk, until


@pytest.fixture
async def desk(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr("server.media_ws_ai.COMPLETION_NET_S", 0.1)
    monkeypatch.setattr(limits, "STREAM_START_TIMEOUT_S", 0.3)
    async with running_desk(tmp_path, free_port) as made:
        yield made


def _stored(model: Any) -> list[Any]:
    with db.scope(write=False):
        return list(model.query.order_by(model.id))


async def test_a_call_s_audio_goes_through_both_ways_with_a_mark_behind_it(desk: Desk) -> None:
    phone = await desk.in_call()
    phone.send(MEDIA)
    await until(lambda: desk.model.heard)
    assert desk.model.heard == ["/////w=="]
    desk.model.speaks("item_a", "////")
    await until(lambda: len(phone.messages) == 2)
    assert phone.messages == [
        {"event": "media", "streamSid": "MZ1", "media": {"payload": "////"}},
        {"event": "mark", "streamSid": "MZ1", "mark": {"name": "a1"}},
    ]


async def test_audio_before_the_model_is_configured_is_held_and_then_sent(desk: Desk) -> None:
    phone = await desk.dial()
    phone.starts(desk.token)
    phone.send(MEDIA)
    await until(lambda: desk.model.config is not None)
    await asyncio.sleep(0.05)
    assert desk.model.heard == []
    desk.model.happens(on.SessionUpdated())
    assert desk.model.heard == ["/////w=="]


async def test_the_greeting_is_asked_for_first_with_the_caller_s_context_beside_it(desk: Desk) -> None:
    await desk.in_call()
    context, greeting = desk.model.told
    assert isinstance(context, do.AddContext) and isinstance(greeting, do.CreateResponse)
    assert "Current local time: Tuesday 24 November 2026, 09:12" in context.text
    assert greeting.instructions is not None
    assert greeting.instructions.startswith("Greet the caller now. Say exactly:")
    assert desk.model.config is not None and "Harbour Hair" in desk.model.config.instructions


async def test_a_tool_runs_off_the_loop_and_its_words_go_to_the_model(desk: Desk) -> None:
    await desk.in_call()
    call = on.FunctionCall("c1", "check_availability", '{"date":"2026-11-29"}')
    desk.model.happens(on.ResponseCreated("r1"), on.ResponseDone("r1", "completed", (call,)))
    await until(lambda: desk.model.asked(do.ReturnToolOutput))
    (output,) = desk.model.asked(do.ReturnToolOutput)
    assert "Nothing is free on Sunday" in json.loads(output.output)["message"]


async def test_barge_in_clears_at_once(desk: Desk) -> None:
    phone = await desk.in_call()
    desk.model.happens(on.ResponseCreated("r1"), on.ItemAdded("item_a", "message", "assistant"))
    desk.model.speaks("item_a", "/" * 4000)
    desk.model.happens(on.SpeechStarted("item_u"))
    await until(lambda: any(message["event"] == "clear" for message in phone.messages))
    assert desk.model.asked(do.Truncate) == []
    desk.model.happens(on.SpeechStopped("item_u"), on.Committed("item_u"), on.CallerTranscript("item_u", "Stop."))
    (cut,) = desk.model.asked(do.Truncate)
    assert cut.item_id == "item_a"


async def test_goodbye_hangs_up_when_the_last_mark_is_back_and_rest_completes_what_stays_open(desk: Desk) -> None:
    phone = await desk.in_call()
    desk.model.happens(on.ResponseCreated("r1"), on.ItemAdded("item_a", "message", "assistant"))
    desk.model.speaks("item_a", "////")
    end = on.FunctionCall("c9", "end_call", "{}")
    desk.model.happens(on.TranscriptDone("item_a", "Goodbye."), on.ResponseDone("r1", "completed", (end,)))
    await asyncio.sleep(0.05)
    assert phone.close is None
    phone.send({"event": "mark", "streamSid": "MZ1", "mark": {"name": "a1"}})
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close == (1000, "the call is over")
    assert desk.model.closed
    (turn,) = _stored(ConversationTurn)
    assert (turn.speaker, turn.message) == ("assistant", "Goodbye.")
    await until(lambda: desk.telephony.ended == ["CA1"])
    assert desk.hub.active == {}


async def test_turns_are_stored_while_the_call_runs(desk: Desk) -> None:
    await desk.in_call()
    desk.model.happens(on.ItemAdded("item_u", "message", "user"), on.CallerTranscript("item_u", "Hello?"))
    await desk.hub.writer.flush()
    (turn,) = _stored(ConversationTurn)
    assert (turn.speaker, turn.message, turn.sequence, turn.business_id) == ("user", "Hello?", 1, 1)


async def test_a_caller_who_hangs_up_ends_the_model_s_session(desk: Desk) -> None:
    phone = await desk.in_call()
    phone.send({"event": "stop", "streamSid": "MZ1", "stop": {"accountSid": "AC1", "callSid": "CA1"}})
    assert phone.transport is not None
    phone.transport.disconnect()
    await until(lambda: desk.model.closed)
    assert desk.hub.active == {}
    assert desk.telephony.ended == []


@pytest.mark.parametrize("how", ["down", "broken"])
async def test_regression_12_a_model_that_can_not_be_had_ends_the_call_with_a_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Whether the error was foreseen or not."""
    monkeypatch.setattr(limits, "TIMING", replace(limits.TIMING, reconnect_tries_ms=(0, 20), reconnect_ms=200))
    setattr(desk.model, how, True)
    phone = await desk.dial()
    phone.starts(desk.token)
    await asyncio.wait_for(phone.gone.wait(), 5)
    failed = [event for event in _stored(CallEvent) if event.kind == "call_failed"]
    assert [event.detail["reason"] for event in failed] == ["model_lost"]
    await until(lambda: desk.hub.active == {})


async def test_an_error_nobody_foresaw_ends_the_stream_instead_of_leaving_silence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("server.media_ws_ai.admit", fails)
    phone = await desk.dial()
    phone.starts(desk.token)
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close == (1011, "the call could not be started; see the server's log")


async def test_regression_12_a_model_that_is_lost_is_dialled_again_and_hears_what_was_said_meanwhile(
    desk: Desk,
) -> None:
    phone = await desk.in_call()
    desk.model.happens(on.ItemAdded("item_u", "message", "user"), on.CallerTranscript("item_u", "Hello?"))
    desk.model.heard.clear()
    desk.model.happens(on.ModelFailed("connection_closed", "gone", fatal=True))
    phone.send(MEDIA)
    await until(lambda: desk.model.connections == 2)
    await asyncio.sleep(0.05)
    assert desk.model.heard == []
    desk.model.happens(on.SessionUpdated())
    await until(lambda: desk.model.heard == ["/////w=="])
    assert desk.model.asked(do.AddMessage) == [do.AddMessage("item_u", "user", "Hello?")]
    await desk.hub.writer.flush()
    assert {"model_lost", "reconnected"} <= {event.kind for event in _stored(CallEvent)}


async def test_a_transfer_goes_to_whoever_carries_it_out(desk: Desk) -> None:
    asked: list[tuple[str, str, str]] = []

    async def carry_out(call_sid: str, call_id: str, arguments: str) -> str | None:
        asked.append((call_sid, call_id, arguments))
        return '{"ok": false, "message": "Nobody answers."}'

    desk.hub.transferring = carry_out
    phone = await desk.in_call()
    call = on.FunctionCall("c8", "transfer_call", '{"to":"reception"}')
    desk.model.happens(on.ResponseCreated("r1"))
    desk.model.speaks("item_a", "////")
    desk.model.happens(on.ResponseDone("r1", "completed", (call,)))
    phone.send({"event": "mark", "streamSid": "MZ1", "mark": {"name": "a1"}})
    await until(lambda: desk.model.asked(do.ReturnToolOutput))
    assert asked == [("CA1", "c8", '{"to":"reception"}')]
    assert "Nobody answers." in desk.model.asked(do.ReturnToolOutput)[0].output


async def test_a_line_that_can_not_transfer_says_so(desk: Desk) -> None:
    phone = await desk.in_call()
    desk.model.happens(on.ResponseCreated("r1"))
    desk.model.speaks("item_a", "////")
    desk.model.happens(on.ResponseDone("r1", "completed", (on.FunctionCall("c8", "transfer_call", "{}"),)))
    phone.send({"event": "mark", "streamSid": "MZ1", "mark": {"name": "a1"}})
    await until(lambda: desk.model.asked(do.ReturnToolOutput))
    assert "can not transfer" in desk.model.asked(do.ReturnToolOutput)[0].output


async def test_keys_reach_the_model_as_words(desk: Desk) -> None:
    phone = await desk.in_call()
    for digit in "12#":
        phone.send({"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": digit}})
    await until(lambda: desk.model.asked(do.AddMessage))
    assert desk.model.asked(do.AddMessage)[0].text == "The caller pressed 1 2 #."


async def test_a_payload_can_not_say_anything_of_its_own_to_the_model(desk: Desk) -> None:
    phone = await desk.in_call()
    phone.send({"event": "media", "streamSid": "MZ1", "media": {"payload": 'AA","type":"session.update'}})
    phone.send({"event": "media", "streamSid": "MZ1", "media": {"payload": ""}})
    phone.send(MEDIA)
    await until(lambda: desk.model.heard)
    assert desk.model.heard == ["/////w=="]


async def test_a_stopping_server_refuses_new_streams_and_says_goodbye_in_its_calls(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STOP_DRAIN_S", 0.05)
    await desk.in_call()
    desk.model.happens(on.ResponseCreated("r1"))
    desk.model.speaks("item_a", "////")
    desk.model.happens(on.ResponseDone("r1", "completed"))
    desk.hub.stop_soon()
    late = await desk.dial()
    await asyncio.wait_for(late.gone.wait(), 5)
    assert late.close == (1001, "this server is stopping")
    await until(lambda: any("must end this call" in str(r.instructions) for r in desk.model.asked(do.CreateResponse)))


async def test_a_pass_works_once(desk: Desk) -> None:
    await desk.in_call()
    second = await desk.dial()
    second.starts(desk.token)
    await asyncio.wait_for(second.gone.wait(), 5)
    assert second.close == (1008, "the stream's token is wrong, used or expired")


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_wrong_pass_reaches_no_model(desk: Desk, token: str) -> None:
    phone = await desk.dial()
    phone.starts(token)
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close == (1008, "the stream's token is wrong, used or expired")
    assert desk.model.config is None


async def test_malformed_media_is_named_and_the_call_is_closed(desk: Desk) -> None:
    phone = await desk.in_call()
    phone.send('{"event":')
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close is not None
    assert phone.close[0] == 1007 and phone.close[1].startswith("malformed media message")
    await until(lambda: desk.hub.active == {})


async def test_a_socket_that_never_starts_is_closed(desk: Desk) -> None:
    phone = await desk.dial()
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close == (1008, "no `start` event came")


async def test_an_upgrade_twilio_did_not_sign_is_refused(desk: Desk) -> None:
    with pytest.raises(picows.WSInvalidStatusError) as refusal:
        await desk.dial(sign="another token")
    assert refusal.value.response is not None and refusal.value.response.status == 403
    assert b"check PUBLIC_URL" in (refusal.value.raw_body or b"")


async def test_another_path_is_no_websocket(desk: Desk) -> None:
    with pytest.raises(picows.WSInvalidStatusError) as refusal:
        await desk.dial(path="/ws/elsewhere")
    assert refusal.value.response is not None and refusal.value.response.status == 404


async def test_http_still_answers_on_the_same_port(desk: Desk) -> None:
    await desk.in_call()
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"404" in await reader.readline()
    writer.close()
