"""Whether the engine's memory grows with the calls it has served: `python bench/engine_soak.py`.

Runs many short sessions against one engine process, each a whole small call (greeting, a spoken question, its spoken
answer), some of them dropped in mid-answer, and prints the process's resident memory (RSS) on the way. Exits 1 when it
has grown by more than a tenth between the first mark and the last.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.engine import INSTRUCTIONS, LINES, phone, wait_ready
from bench.machine import free_port, rss_kb
from engine.main import run
from engine.settings import EngineSettings
from engine.speech.bank import SpeechBank

MOST_GROWTH = 0.10
APPEND_BYTES = 1600  # 200 ms of μ-law
SILENCE = b"\xff" * 8000
PCMU = {"format": {"type": "audio/pcmu"}}


def main() -> None:
    """Run the sessions; exits 1 when memory grew past the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--first-mark", type=int, default=50, help="after so many sessions memory should be steady")
    parser.add_argument("--at-once", type=int, default=3)
    options = parser.parse_args()
    port = free_port()
    engine = multiprocessing.get_context("spawn").Process(target=run, args=("127.0.0.1", port, None), daemon=True)
    engine.start()
    try:
        growth = asyncio.run(soak(port, engine.pid or 0, options))
    finally:
        engine.terminate()
        engine.join(10)
    sys.exit(0 if growth <= MOST_GROWTH else 1)


async def soak(port: int, pid: int, options: argparse.Namespace) -> float:
    """Run all sessions; gives the growth between the marks as a fraction."""
    spoken = await utterances()
    await wait_ready(port)
    print(f"RSS before the first session: {rss_kb(pid) / 1024:.0f} MB")
    numbers = iter(range(options.sessions))
    marks: dict[int, float] = {}
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(options.at_once):
            group.create_task(caller(port, pid, numbers, spoken, marks))
    seconds = time.perf_counter() - began
    for count in sorted({options.first_mark, *range(100, options.sessions, 100), options.sessions}):
        print(f"RSS after {count:4d} sessions: {marks[count]:.0f} MB")
    growth = marks[options.sessions] / marks[options.first_mark] - 1
    print(
        f"{options.sessions} sessions in {seconds:.0f} s; "
        f"{100 * growth:+.1f} % between {options.first_mark} and the last"
    )
    return growth


async def utterances() -> list[bytes]:
    """The callers' lines as μ-law, each with the silence that ends its turn."""
    bank = SpeechBank(EngineSettings())
    await asyncio.to_thread(bank.load)
    try:
        return [await phone(bank, line) + SILENCE for line in LINES]
    finally:
        bank.close()


async def caller(port: int, pid: int, numbers: Iterator[int], spoken: list[bytes], marks: dict[int, float]) -> None:
    """One session after another until the numbers run out."""
    for n in numbers:
        async with asyncio.timeout(60):
            await session(port, spoken[n % len(spoken)], drop=n % 5 == 4)
        marks[n + 1] = rss_kb(pid) / 1024


async def session(port: int, utterance: bytes, *, drop: bool) -> None:
    """One short call; `drop` hangs up on the first word of the answer."""
    async with connect(f"ws://127.0.0.1:{port}/v1/realtime", max_queue=None, max_size=None) as ws:
        audio = {"input": {**PCMU, "transcription": {"model": "gpt-transcribe"}}, "output": PCMU}
        await send(
            ws, type="session.update", session={"type": "realtime", "instructions": INSTRUCTIONS, "audio": audio}
        )
        await send(ws, type="response.create", response={"instructions": 'Say exactly: "Harbour Hair, hello."'})
        await until(ws, "response.done")
        for at in range(0, len(utterance), APPEND_BYTES):
            coded = base64.b64encode(utterance[at : at + APPEND_BYTES]).decode()
            await send(ws, type="input_audio_buffer.append", audio=coded)
        await until(ws, "response.output_audio.delta" if drop else "response.done")


async def send(ws: Any, **event: Any) -> None:
    """One client event."""
    await ws.send(json.dumps(event))


async def until(ws: Any, kind: str) -> None:
    """Read events up to the first of this type. Raises on an `error`."""
    while (event := json.loads(await ws.recv()))["type"] != kind:
        if event["type"] == "error":
            raise SystemExit(f"the engine answered with an error: {event['error']['message']}")


if __name__ == "__main__":
    main()
