"""How fast and how well the engine hears: `python bench/engine.py`.

Prints, for one call with a second core kept busy, the time from the end of speech to the first audio of the answer and
its parts; and the word error on spoken receptionist sentences at 8 kHz μ-law, clean and with noise. The caller is the
engine's own voice, so the error rates are those of clear synthetic speech, not of people.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import re
import statistics
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.machine import free_port
from engine.dialogue.numbers import digits_for_words
from engine.dialogue.text import normal
from engine.main import run
from engine.settings import EngineSettings
from engine.speech.bank import SpeechBank
from phoneaudio import g711
from phoneaudio.resample import float_from_pcm16, pcm16_from_float, resample_pcm16

TARGET_MS = 900
FRAME_S = 0.02
LINES = [
    "Hello, what are your opening hours on Saturday?",
    "Is there parking nearby?",
    "How much is a cut and blow-dry?",
    "Do you take credit cards?",
    "I would like to book a haircut, please.",
    "My name is Maria Lopez.",
    "Thursday at half past two.",
    "No, Friday at quarter to five.",
    "Yes, that's right.",
]
SENTENCES = [
    *LINES,
    "No, that is all, thank you.",
    "I'd like to book a haircut for Maria Lopez on Thursday at half past two.",
    "Can I speak to the manager, please?",
    "I need to cancel my appointment for tomorrow.",
    "Could you tell Anna that I will be ten minutes late?",
    "My number is zero seven seven zero zero, nine zero zero, one two three.",
    "Do you have anything on the third of December in the afternoon?",
    "What is your address?",
    "Tomorrow at nine thirty in the morning.",
    "Are you open on bank holidays?",
    "It's John Smith.",
    "Can I bring my dog with me?",
    "How long does a full colour take?",
    "I am calling about an appointment next week.",
]
INSTRUCTIONS = """# Business
Name: Harbour Hair
# Opening hours
Monday-Friday: 09:00-18:00
Saturday: 10:00-16:00
Sunday: closed
# Facts
- Parking: free behind the building.
- A cut and blow-dry costs 45 pounds.
- We take cards and cash.
"""
TEXT = {"type": "string"}
BOOK = {
    "type": "object",
    "properties": {"customer_name": TEXT, "date": {**TEXT, "format": "date"}, "time": {**TEXT, "format": "time"}},
    "required": ["customer_name", "date", "time"],
}
PARTS = ("endpointing", "transcription", "dialogue", "first audio", "total")


def main() -> None:
    """Run both measurements; exits 1 when the median answer is slower than the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="how often the call's lines are spoken")
    parser.add_argument("--idle", action="store_true", help="leave the second core idle")
    options = parser.parse_args()
    started = time.perf_counter()
    bank = SpeechBank(EngineSettings())
    bank.load()
    print(f"models loaded in {time.perf_counter() - started:.1f} s")
    asyncio.run(word_errors(bank))
    median = asyncio.run(latency(bank, options.rounds, busy=not options.idle))
    sys.exit(0 if median <= TARGET_MS else 1)


# -- word error -------------------------------------------------------------------------------------------------------


async def word_errors(bank: SpeechBank) -> None:
    """Print the word error clean and at 15 dB."""
    for label, noise_db in (("clean", None), ("15 dB noise", 15.0)):
        wrong = total = 0
        for sentence in SENTENCES:
            audio = float_from_pcm16(g711.pcm16_from_ulaw(await phone(bank, sentence, noise_db)))
            heard = (await bank.hear(audio, 8000)).text
            errors, words = compare(sentence, heard)
            wrong, total = wrong + errors, total + words
            if errors:
                print(f"  {label}: {sentence!r} was heard as {heard!r}")
        print(f"word error, 8 kHz μ-law, {label}: {100 * wrong / total:.1f} % of {total} words")


def compare(said: str, heard: str) -> tuple[int, int]:
    """Edits between two texts in words, and the words said; figures and number words count as the same."""
    plain = [normal(text).replace("-", " ").replace("colour", "color") for text in (said, heard)]
    first, second = (re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", digits_for_words(text)).split() for text in plain)
    return distance(joined(first), joined(second)), len(first)


def joined(words: list[str]) -> list[str]:
    """Digits said one by one as one number, so that "0 7 7" and "077" are the same."""
    out: list[str] = []
    for word in words:
        if out and out[-1].isdigit() and word.isdigit():
            out[-1] += word
        else:
            out.append(word)
    return out


def distance(first: list[str], second: list[str]) -> int:
    """Word edits (Levenshtein)."""
    row = list(range(len(second) + 1))
    for n, word in enumerate(first, 1):
        previous, row[0] = row[0], n
        for m, other in enumerate(second, 1):
            previous, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, previous + (word != other))
    return row[-1]


async def phone(bank: SpeechBank, sentence: str, noise_db: float | None = None) -> bytes:
    """A sentence as μ-law at 8 kHz, with white noise at so many dB below it when asked."""
    samples = float_from_pcm16(resample_pcm16(await bank.say(sentence, 1.0), 24000, 8000))
    if noise_db is not None:
        level = float(np.sqrt(np.mean(samples**2))) * 10 ** (-noise_db / 20)
        samples = samples + np.random.default_rng(7).normal(0.0, level, samples.size).astype(np.float32)
    return g711.ulaw_from_pcm16(pcm16_from_float(samples))


# -- latency ----------------------------------------------------------------------------------------------------------


async def latency(bank: SpeechBank, rounds: int, *, busy: bool) -> float:
    """Speak the lines to an engine process in real time; print the parts; give the median total in ms."""
    spoken = [await phone(bank, line) for line in LINES]
    port = free_port()
    others = [multiprocessing.Process(target=run, args=("127.0.0.1", port, None), daemon=True)]
    if busy:
        others.append(multiprocessing.Process(target=keep_busy, daemon=True))
    for process in others:
        process.start()
    try:
        await wait_ready(port)
        measured = await call(port, spoken * rounds)
    finally:
        for process in others:
            process.terminate()
    print(f"\n{len(measured)} answers, second core {'busy' if busy else 'idle'}; ms from the end of speech")
    for part in PARTS:
        values = sorted(one[part] for one in measured)
        print(f"  {part:14s} median {statistics.median(values):5.0f}   90 % {values[int(len(values) * 0.9)]:5.0f}")
    return statistics.median(one["total"] for one in measured)


async def call(port: int, spoken: list[bytes]) -> list[dict[str, float]]:
    """One session: each utterance in real time, then a breath before the next."""
    async with connect(f"ws://127.0.0.1:{port}/v1/realtime", max_queue=None) as ws:
        pcmu = {"format": {"type": "audio/pcmu"}}
        audio = {"input": {**pcmu, "transcription": {"model": "gpt-transcribe"}}, "output": pcmu}
        tools = [{"type": "function", "name": "book_appointment", "parameters": BOOK}]
        session = {"type": "realtime", "instructions": INSTRUCTIONS, "tools": tools, "audio": audio}
        await ws.send(json.dumps({"type": "session.update", "session": session}))
        return [one for one in [await answer(ws, utterance) for utterance in spoken] if one]


async def answer(ws: Any, utterance: bytes) -> dict[str, float]:
    """Speak one utterance and give the parts of its answer's latency, in ms."""
    ends = last_audible_s(utterance)
    feeding = asyncio.create_task(feed(ws, utterance + b"\xff" * 16000))
    began = time.perf_counter()
    at: dict[str, float] = {}
    async with asyncio.timeout(30):
        while "response.done" not in at:
            event = json.loads(await ws.recv())
            at.setdefault(event["type"], (time.perf_counter() - began - ends) * 1000)
    feeding.cancel()
    if "response.output_audio.delta" not in at:
        return {}  # a tool call: nothing is said
    stopped = at["input_audio_buffer.speech_stopped"]
    heard = max(stopped, at["conversation.item.input_audio_transcription.completed"])
    decided, audible = at["response.output_item.added"], at["response.output_audio.delta"]
    values = (stopped, heard - stopped, decided - heard, audible - decided, audible)
    return dict(zip(PARTS, values, strict=True))


async def feed(ws: Any, audio: bytes) -> None:
    """Frames of 20 ms at their own pace."""
    began = time.perf_counter()
    for n, at in enumerate(range(0, len(audio), 160)):
        coded = base64.b64encode(audio[at : at + 160]).decode()
        await ws.send(json.dumps({"type": "input_audio_buffer.append", "audio": coded}))
        await asyncio.sleep(max(0.0, began + (n + 1) * FRAME_S - time.perf_counter()))


def last_audible_s(ulaw: bytes) -> float:
    """When the last sample above the noise is spoken."""
    loud = np.abs(float_from_pcm16(g711.pcm16_from_ulaw(ulaw))) > 0.01
    return float(np.nonzero(loud)[0][-1]) / 8000


def keep_busy() -> None:
    """What a server under load does to the other core."""
    while True:
        sum(n * n for n in range(10000))


async def wait_ready(port: int) -> None:
    """Until the engine's models are loaded."""
    for _ in range(150):
        try:
            await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/healthz")
        except (urllib.error.URLError, ConnectionError):
            await asyncio.sleep(0.1)
        else:
            return
    raise SystemExit("the engine did not become ready within 15 s")


if __name__ == "__main__":
    main()
