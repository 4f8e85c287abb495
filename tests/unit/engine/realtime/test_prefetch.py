"""A reply begun before the turn has ended: used for just that question, dropped for any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest

from engine.realtime.brain import Ask, BrainFailed, Call, Output, Say, Turn
from engine.realtime.prefetch import Prefetch
from engine.speech.recognizer import Heard

REPLY: list[Output] = [Say("We open at ten. Anything else?"), Call("look", "{}"), Say("Bye.")]


@dataclass
class SlowBrain:
    """Gives one output each time it is let."""

    outputs: list[Output] = field(default_factory=lambda: list(REPLY))
    fails: Exception | None = None
    asked: list[Ask] = field(default_factory=list)
    let: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    closed: int = 0

    async def reply(self, ask: Ask) -> AsyncGenerator[Output, None]:
        self.asked.append(ask)
        try:
            for output in self.outputs:
                await self.let.acquire()
                yield output
            if self.fails:
                raise self.fails
        finally:
            self.closed += 1


def asking(words: str) -> Ask:
    return Ask("Be kind.", (Turn("user", words),))


async def hears(words: str, *, fails: bool = False) -> Heard:
    if fails:
        raise RuntimeError("deaf")
    return Heard(words, 0.0, 0.0)


class Desk:
    def __init__(self, brain: SlowBrain) -> None:
        self.brain = brain
        self.warmed: list[str] = []
        self.prefetch = Prefetch(brain, self.warm)

    async def warm(self, sentence: str) -> None:
        self.warmed.append(sentence)

    async def begin(self, words: str = "When do you open?", *, fails: bool = False) -> None:
        hearing = asyncio.create_task(hears(words, fails=fails))
        self.prefetch.begin(hearing, asking)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_the_reply_goes_on_where_it_stands_when_the_turn_ends_so() -> None:
    brain = SlowBrain()
    desk = Desk(brain)
    await desk.begin()
    brain.let.release()
    await asyncio.sleep(0.01)
    assert desk.warmed == ["We open at ten."], "the first sentence's audio is ready, and only that"
    taken = desk.prefetch.take(asking("When do you open?"))
    assert taken is not None
    brain.let.release()
    brain.let.release()
    assert [output async for output in taken] == REPLY
    assert len(brain.asked) == 1


async def test_another_question_drops_it() -> None:
    brain = SlowBrain()
    desk = Desk(brain)
    await desk.begin()
    assert desk.prefetch.take(asking("When do you open on Sunday?")) is None
    await asyncio.sleep(0.01)
    assert brain.closed == 1
    assert desk.prefetch.take(asking("When do you open?")) is None


async def test_a_caller_who_goes_on_ends_the_work() -> None:
    brain = SlowBrain()
    desk = Desk(brain)
    await desk.begin()
    desk.prefetch.drop()
    await asyncio.sleep(0.01)
    assert brain.closed == 1


async def test_closing_what_was_taken_ends_the_work() -> None:
    brain = SlowBrain()
    desk = Desk(brain)
    await desk.begin()
    brain.let.release()
    taken = desk.prefetch.take(asking("When do you open?"))
    assert taken is not None
    assert await anext(taken) == REPLY[0]
    await taken.aclose()
    await asyncio.sleep(0.01)
    assert brain.closed == 1


async def test_a_failure_is_raised_where_the_reply_is_used() -> None:
    brain = SlowBrain(outputs=[Say("Well.")], fails=BrainFailed("It took too long."))
    desk = Desk(brain)
    await desk.begin()
    brain.let.release()
    taken = desk.prefetch.take(asking("When do you open?"))
    assert taken is not None
    assert await anext(taken) == Say("Well.")
    with pytest.raises(BrainFailed):
        await anext(taken)


@pytest.mark.parametrize(("words", "fails"), [("", False), ("Hello", True)])
async def test_what_was_not_understood_is_not_answered_early(words: str, fails: bool) -> None:
    brain = SlowBrain()
    desk = Desk(brain)
    await desk.begin(words, fails=fails)
    assert brain.asked == []
    assert desk.prefetch.take(asking(words)) is None
