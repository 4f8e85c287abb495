"""How many calls one engine carries on this machine: `python bench/engine_capacity.py`.

For each number of calls, that many callers talk to one engine process at once, in real time, each listening to the
whole answer before speaking again. Prints the time from the end of speech to the first audio of the answer and the
engine's share of a core. The capacity is the largest number whose 90th percentile stays below the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import os
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.engine import INSTRUCTIONS, LINES, feed, last_audible_s, phone, wait_ready
from bench.machine import cpu_s, free_port
from engine.app import create_app
from engine.settings import EngineSettings
from engine.speech.bank import SpeechBank

LIMIT_MS = 1500
BYTES_PER_S = 8000
PCMU = {"format": {"type": "audio/pcmu"}}


def main() -> None:
    """Measure each number of calls in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 4, 8, 12, 16, 20])
    parser.add_argument("--turns", type=int, default=6, help="turns of each caller")
    options = parser.parse_args()
    spoken = asyncio.run(utterances())
    print(f"{os.cpu_count()} cores; ms from the end of speech to the first audio of the answer")
    print("calls   median     90 %     max   cores used   unanswered")
    carried = 0
    for calls in options.calls:
        totals, cores, missing = asyncio.run(measured(calls, options.turns, spoken))
        ninety = totals[int(len(totals) * 0.9)]
        print(
            f"{calls:5d} {statistics.median(totals):8.0f} {ninety:8.0f} {totals[-1]:7.0f} {cores:12.2f} {missing:12d}"
        )
        if ninety <= LIMIT_MS and not missing:
            carried = calls
    print(f"carried with 90 % of answers within {LIMIT_MS} ms: {carried} calls")


async def utterances() -> list[bytes]:
    """The callers' lines as μ-law."""
    bank = SpeechBank(EngineSettings())
    await asyncio.to_thread(bank.load)
    try:
        return [await phone(bank, line) for line in LINES[:5]]
    finally:
        bank.close()


def serve(port: int) -> None:
    """An engine that refuses nobody, so that the limit shows."""
    import uvicorn

    app = create_app(EngineSettings(max_sessions=1000))
    uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws_per_message_deflate=False)).run()


async def measured(calls: int, turns: int, spoken: list[bytes]) -> tuple[list[float], float, int]:
    """Sorted latencies in ms, cores used by the engine, and utterances that got no answer."""
    port = free_port()
    engine = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    engine.start()
    try:
        await wait_ready(port)
        before, began = cpu_s(engine.pid or 0), time.perf_counter()
        rng = random.Random(calls)
        runs = [caller(port, spoken, turns, rng.uniform(0, 6), n) for n in range(calls)]
        results = [one for run in await asyncio.gather(*runs) for one in run]
        cores = (cpu_s(engine.pid or 0) - before) / (time.perf_counter() - began)
    finally:
        engine.terminate()
        engine.join(10)
    heard = sorted(one for one in results if one is not None)
    return heard, cores, len(results) - len(heard)


async def caller(port: int, spoken: list[bytes], turns: int, wait_s: float, number: int) -> list[float | None]:
    """One call: speaks, listens to the whole answer, thinks a moment, speaks again. A refused one has no answer."""
    await asyncio.sleep(wait_s)
    try:
        return await conversation(port, spoken, turns, number)
    except ConnectionClosed:
        return [None]


async def conversation(port: int, spoken: list[bytes], turns: int, number: int) -> list[float | None]:
    """The call's turns, each with its latency in ms."""
    async with connect(f"ws://127.0.0.1:{port}/v1/realtime", max_queue=None) as ws:
        audio = {"input": {**PCMU, "transcription": {"model": "gpt-transcribe"}}, "output": PCMU}
        session = {"type": "realtime", "instructions": INSTRUCTIONS, "audio": audio}
        await ws.send(json.dumps({"type": "session.update", "session": session}))
        return [await turn(ws, spoken[(number + n) % len(spoken)]) for n in range(turns)]


async def turn(ws: Any, utterance: bytes) -> float | None:
    """The latency of one answer in ms; returns when it has been listened to. None: no answer within 20 s."""
    feeding = asyncio.create_task(feed(ws, utterance + b"\xff" * BYTES_PER_S * 12))
    began, first, size = time.perf_counter(), 0.0, 0
    try:
        async with asyncio.timeout(20):
            while (event := json.loads(await ws.recv()))["type"] != "response.done":
                if event["type"] == "response.output_audio.delta":
                    first = first or time.perf_counter()
                    size += len(base64.b64decode(event["delta"]))
    except TimeoutError:
        return None
    finally:
        await asyncio.sleep(max(0.0, first + size / BYTES_PER_S - time.perf_counter()) + 0.5)
        feeding.cancel()
    return (first - began - last_audible_s(utterance)) * 1000


if __name__ == "__main__":
    main()
