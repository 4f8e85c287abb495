"""Audio over the protocol: pieces of 100 to 200 ms, faster than it plays, in any mix of formats."""

from __future__ import annotations

import base64
import time
from typing import Any

import numpy as np
import pytest

from phoneaudio import g711
from phoneaudio.resample import resample_pcm16

LONG = " ".join(f"This is sentence number {n}." for n in range(12))
BYTES_PER_MS = {"audio/pcm": 48, "audio/pcmu": 8, "audio/pcma": 8}


def tone(ms: int, hz: int) -> bytes:
    return (np.sin(np.arange(hz * ms // 1000) * 600 / hz) * 12000).astype("<i2").tobytes()


def coded(kind: str, loud_ms: int = 800, quiet_ms: int = 800) -> bytes:
    """A loud stretch and silence, in one wire format."""
    if kind == "audio/pcm":
        return tone(loud_ms, 24000) + b"\0\0" * 24 * quiet_ms
    pcm = tone(loud_ms, 8000) + b"\0\0" * 8 * quiet_ms
    return g711.ulaw_from_pcm16(pcm) if kind == "audio/pcmu" else g711.alaw_from_pcm16(pcm)


@pytest.mark.parametrize("heard", BYTES_PER_MS)
async def test_any_format_in_and_any_out(engine: Any, heard: str) -> None:
    async with engine.client() as client:
        for spoken, per_ms in BYTES_PER_MS.items():
            engine.speech.script = ["Hello there?"]
            await client.session(audio={"input": {"format": {"type": heard}}, "output": {"format": {"type": spoken}}})
            begin, before = len(client.seen), len(client.audio_heard())
            audio = coded(heard)
            for at in range(0, len(audio), 4001):
                await client.audio(audio[at : at + 4001])
            done = (await client.until("response.done"))["response"]
            kinds = [event["type"] for event in client.seen[begin:]]
            assert kinds.count("input_audio_buffer.speech_started") == 1, spoken
            assert done["audio"]["output"]["format"]["type"] == spoken
            # A first sentence is made ready before it is asked for, and then found ready.
            letters = sum(map(len, dict.fromkeys(engine.speech.said)))
            engine.speech.said.clear()
            assert len(client.audio_heard()) - before == pytest.approx(letters * 50 * per_ms, rel=0.01)
        assert all(940 <= ms <= 1300 for ms in engine.speech.heard_ms), engine.speech.heard_ms


async def test_the_same_words_sound_the_same_in_every_format(engine: Any) -> None:
    played = {}
    async with engine.client() as client:
        for kind in BYTES_PER_MS:
            before = len(client.audio_heard())
            await client.say("Hello there.", audio={"output": {"format": {"type": kind}}})
            played[kind] = client.audio_heard()[before:]
    pcm = np.frombuffer(resample_pcm16(played["audio/pcm"], 24000, 8000), "<i2").astype(float)
    for kind, decode in (("audio/pcmu", g711.pcm16_from_ulaw), ("audio/pcma", g711.pcm16_from_alaw)):
        other = np.frombuffer(decode(played[kind]), "<i2").astype(float)
        size = min(pcm.size, other.size)
        assert np.corrcoef(pcm[:size], other[:size])[0, 1] > 0.99, kind


async def test_audio_leaves_in_small_pieces_and_faster_than_it_plays(engine: Any) -> None:
    async with engine.client() as client:
        await client.phone()
        begun = time.monotonic()
        await client.say(LONG)
        took = time.monotonic() - begun
        deltas = [event["delta"] for event in client.seen if event["type"] == "response.output_audio.delta"]
        lengths = [len(base64.b64decode(delta)) // 8 for delta in deltas]
        assert all(100 <= ms <= 200 for ms in lengths[:-1]) and 0 < lengths[-1] <= 200
        assert sum(lengths) > 10_000 and took < sum(lengths) / 1000 / 4


async def test_audio_may_come_before_the_first_session_update(engine: Any) -> None:
    engine.speech.script = ["Hello there?"]
    async with engine.client() as client:
        await client.audio(coded("audio/pcm"))
        assert (await client.until("response.done"))["response"]["status"] == "completed"
        assert 940 <= engine.speech.heard_ms[0] <= 1000, "the words, and the silence that made their end likely"


async def test_samples_cut_in_two_between_appends_are_put_together(engine: Any) -> None:
    async with engine.client() as client:
        await client.session(audio={"input": {"turn_detection": None}})
        audio = tone(500, 24000)
        for at in range(0, len(audio), 333):
            await client.audio(audio[at : at + 333])
        await client.audio(b"")
        await client.send("input_audio_buffer.commit")
        item_id = (await client.until("input_audio_buffer.committed"))["item_id"]
        await client.send("conversation.item.retrieve", item_id=item_id)
        part = (await client.until("conversation.item.retrieved"))["item"]["content"][0]
        assert base64.b64decode(part["audio"]) == audio


async def test_a_cleared_buffer_is_empty_and_a_turn_in_it_is_forgotten(engine: Any) -> None:
    async with engine.client() as client:
        await client.phone()
        await client.speak(frames=30, silence=0)
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")
        assert (await client.refused("input_audio_buffer.commit"))["code"] == "input_audio_buffer_commit_empty"
        await client.speak(frames=0, silence=60)
        await client.session()
        assert "input_audio_buffer.speech_stopped" not in client.kinds()
        await client.speak()
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_turning_detection_off_in_mid_sentence_leaves_the_commit_to_the_client(engine: Any) -> None:
    engine.speech.script = ["Hello there?"]
    async with engine.client() as client:
        await client.phone()
        await client.speak(frames=40, silence=12)
        await client.session(audio={"input": {"turn_detection": None}})
        await client.speak(frames=0, silence=60)
        await client.send("input_audio_buffer.commit")
        completed = await client.until("conversation.item.input_audio_transcription.completed")
        assert completed["transcript"] == "Hello there?"
        assert "response.created" not in client.kinds()
