"""Keys as input."""

from __future__ import annotations

from server.domain import commands as do
from server.domain import events as on
from tests.support.call_script import TIMING, Call, asked, greeted, of


def pressed(call: Call, keys: str) -> list[do.Command]:
    """Press them one after the other."""
    made: list[do.Command] = []
    for key in keys:
        made += call.happens(on.Dtmf(key))
        made += call.wait(300)
    return made


def test_keys_are_collected_until_the_hash_and_answered_once() -> None:
    call = greeted()
    made = pressed(call, "12#")
    (message,) = of(do.AddMessage, made)
    assert (message.speaker, message.text) == ("user", "The caller pressed 1 2 #.")
    assert of(do.CreateResponse, made) == [do.CreateResponse()]
    (turn,) = of(do.RecordTurn, made)
    assert (turn.item_id, turn.speaker, turn.message) == (message.item_id, "user", message.text)
    assert call.happens(on.ItemAdded(message.item_id, "message", "user")) == []


def test_keys_without_a_hash_are_complete_after_a_pause() -> None:
    call = greeted()
    assert of(do.AddMessage, pressed(call, "12")) == []
    assert of(do.AddMessage, call.wait(TIMING.keys_ms - 301)) == []
    (message,) = of(do.AddMessage, call.wait(1))
    assert message.text == "The caller pressed 1 2."


def test_a_key_stops_the_agent() -> None:
    call = asked()
    call.responds("a1", "For appointments press one, for anything else press two.", 3000)
    call.wait(1000)
    call.log.clear()
    made = call.happens(on.Dtmf("1"))
    assert made[:2] == [do.ClearPlayback(), do.Truncate("a1", 1000)]
    assert call.session.agent_audio("a1", "/////w==", call.now) is None


def test_the_timeline_says_how_many_keys_and_not_which() -> None:
    made = pressed(greeted(), "4711#")
    assert of(do.Note, made) == [do.Note("dtmf", {"keys": 5})]


def test_what_is_said_while_keys_are_pressed_is_answered_with_them() -> None:
    call = greeted()
    pressed(call, "1")
    call.says("u2", "One moment.", ms=500)
    assert of(do.CreateResponse, call.log) == []
    pressed(call, "2#")
    assert of(do.CreateResponse, call.log) == [do.CreateResponse()]


def test_a_key_during_a_pause_makes_it_an_interruption() -> None:
    call = asked()
    call.responds("a1", "For appointments press one, for anything else press two.", 3000)
    call.wait(1000)
    call.starts("u2")
    call.wait(700)
    call.stops("u2")
    pressed(call, "1#")
    call.happens(on.CallerTranscript("u2", ""))
    assert of(do.Truncate, call.log) == [do.Truncate("a1", 1000)]
    assert of(do.CreateResponse, call.log) == [do.CreateResponse()]
