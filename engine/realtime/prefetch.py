"""A reply begun while the caller's turn is only likely over: it is used if the turn ends so, and thrown away if not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from engine.realtime.brain import Ask, Brain, Output, Say
from engine.speech.recognizer import Heard
from engine.speech.voice import sentences

_END = object()
Step = Output | Exception | object


@dataclass(slots=True)
class _Foreseen:
    """One reply in the making: what was asked once that is known, and what has come of it so far."""

    task: asyncio.Task[None] | None = None
    ask: Ask | None = None
    steps: asyncio.Queue[Step] = field(default_factory=asyncio.Queue)


class Prefetch:
    """✅ OWNER of the reply to a turn that has not ended yet. A brain has no effects, so one too many harms nothing.

    `warm` makes a sentence's audio ready; the first of the reply is made before anybody asks for it.
    """

    def __init__(self, brain: Brain, warm: Callable[[str], Awaitable[object]]) -> None:
        self._brain = brain
        self._warm = warm
        self._foreseen: _Foreseen | None = None

    def begin(self, hearing: asyncio.Task[Heard], asking: Callable[[str], Ask]) -> None:
        """The turn is likely over: reply to its words (`hearing`) as soon as they are known."""
        self.drop()
        self._foreseen = foreseen = _Foreseen()
        foreseen.task = asyncio.create_task(self._foresee(foreseen, hearing, asking))

    def drop(self) -> None:
        """The caller went on, or something else is said."""
        if self._foreseen is not None and self._foreseen.task is not None:
            self._foreseen.task.cancel()
        self._foreseen = None

    def take(self, ask: Ask) -> AsyncGenerator[Output, None] | None:
        """The reply to just this question, if it was begun; None if it was not (and what was begun is dropped)."""
        foreseen = self._foreseen
        if foreseen is None or foreseen.ask != ask:
            self.drop()
            return None
        self._foreseen = None
        return _continued(foreseen)

    async def _foresee(self, foreseen: _Foreseen, hearing: asyncio.Task[Heard], asking: Callable[[str], Ask]) -> None:
        await asyncio.wait({hearing})
        if hearing.cancelled() or hearing.exception() or not hearing.result().text:
            return
        foreseen.ask = asking(hearing.result().text)
        spoken = False
        try:
            async with aclosing(self._brain.reply(foreseen.ask)) as outputs:
                async for output in outputs:
                    foreseen.steps.put_nowait(output)
                    if isinstance(output, Say) and not spoken:
                        spoken = True
                        await self._warm(sentences(output.text)[0])
        except Exception as problem:  # noqa: BLE001 - raised again where the reply is used; unused, it concerns nobody
            foreseen.steps.put_nowait(problem)
        foreseen.steps.put_nowait(_END)


async def _continued(foreseen: _Foreseen) -> AsyncGenerator[Output, None]:
    """What has come so far, then the rest as it comes. Closing it ends the work."""
    try:
        while (step := await foreseen.steps.get()) is not _END:
            if isinstance(step, Exception):
                raise step
            assert isinstance(step, Output)
            yield step
    finally:
        if foreseen.task is not None:
            foreseen.task.cancel()
