"""`<Gather>` by keys: prompts that a key cuts short, and the digits on their way to the action."""

from __future__ import annotations

import asyncio

from simulator.stage import Stage, stop
from simulator.verbs import Document, Gather


async def gather(stage: Stage, verb: Gather) -> Document | None:
    """Collect digits. The action's TwiML, or `None` when there were none and the call goes on behind the verb."""
    with stage.keys() as keys:
        digits, finished_on = await _collect(stage, verb, keys)
    if not digits and not verb.even_if_empty:
        return None
    stage.served = True
    params = {"Digits": digits, "FinishedOnKey": finished_on, "msg": "Gather End"}
    return await stage.fetch("action", verb.action, verb.method, params)


async def _collect(stage: Stage, verb: Gather, keys: asyncio.Queue[str]) -> tuple[str, str]:
    digits = ""
    key = await _key_during_prompts(stage, verb, keys) or await stage.within(verb.timeout, keys.get())
    while key is not None:
        if key in verb.finish_on:
            return digits, key
        digits += key
        if verb.digits and len(digits) >= verb.digits:
            break
        key = await stage.within(verb.timeout, keys.get())
    return digits, ""


async def _key_during_prompts(stage: Stage, verb: Gather, keys: asyncio.Queue[str]) -> str | None:
    prompting, first = asyncio.create_task(stage.perform(verb.prompts)), asyncio.create_task(keys.get())
    try:
        await asyncio.wait({prompting, first}, return_when=asyncio.FIRST_COMPLETED)
        if first.done():
            stage.line.drop()
            return first.result()
        prompting.result()
        return None
    finally:
        await stop(prompting, first)
