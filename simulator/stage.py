"""Where TwiML is acted out: one leg's line, Twilio's own voice, and the webhooks that bring more TwiML."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from phoneaudio.wav import WavError
from simulator.equipment import CallBroken, Equipment
from simulator.records import CallRecord
from simulator.report import Said
from simulator.sounds import hum
from simulator.twiml import parse_twiml
from simulator.verbs import Document, Pause, Play, Say
from simulator.voice import ulaw_from_wav
from simulator.webhooks import Answer

_SAY_MS_PER_CHARACTER = 60
T = TypeVar("T")
Farewell = Callable[[], Awaitable[None]]


class Stage:
    """One leg, as its verbs see it.

    `served` is set once the caller got something out of the call: a stream, a colleague, a voicemail, keys taken.
    `farewells` are what a verb still has to tell the server if the caller hangs up during it.
    """

    def __init__(self, record: CallRecord, kit: Equipment) -> None:
        self.record, self.kit, self.line = record, kit, kit.line
        self.streamed = self.served = False
        self.words: list[str] = []
        self.farewells: list[Farewell] = []
        self.connected = asyncio.Event()

    async def fetch(self, kind: str, url: str, method: str, extra: dict[str, str] | None = None) -> Document:
        """The TwiML at `url`. Raises `CallBroken` when there is none, `TwimlError` when it is something else."""
        answer = await self.kit.courier.ask(kind, url, self.record.webhook_params() | (extra or {}), method)
        if not answer.ok:
            raise CallBroken(f"the {kind} webhook {url} {_why(answer)}")
        return self.read(answer.body, url) if answer.body.strip() else Document([], url)

    def read(self, twiml: bytes | str, url: str) -> Document:
        """A document, with its warnings in the report."""
        document = parse_twiml(twiml, url)
        for warning in document.warnings:
            self.kit.journal.warn(warning)
        return document

    def part(self, url: str, method: str, extra: Callable[[], dict[str, str]]) -> None:
        """Should the caller hang up now, tell `url` so; what it answers is not acted out."""

        async def tell() -> None:
            await self.kit.courier.ask("action", url, self.record.webhook_params() | extra(), method)

        self.farewells.append(tell)

    # Sound.

    async def perform(self, prompts: Sequence[Say | Play | Pause]) -> None:
        """Say, play and pause, one after the other."""
        for verb in prompts:
            match verb:
                case Say():
                    await self._say(verb)
                case Play():
                    await self._play(verb)
                case Pause():
                    await self.wait(verb.seconds)

    async def sound(self, audio: bytes) -> None:
        """Play μ-law audio to its end."""
        self.line.play(audio)
        await self.line.played_out()

    async def wait(self, seconds: float) -> None:
        """Let call time pass."""
        await self.kit.clock.sleep_until(self.kit.clock.now() + seconds)

    async def within(self, seconds: float, work: Awaitable[T]) -> T | None:
        """What `work` comes to within so many seconds of call time, else `None`; it is cancelled then."""
        task, limit = asyncio.ensure_future(work), asyncio.create_task(self.wait(seconds))
        try:
            await asyncio.wait({task, limit}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            await stop(task, limit)

    @contextmanager
    def keys(self) -> Iterator[asyncio.Queue[str]]:
        """The keys that the caller presses meanwhile, one at a time."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self.line.on_key = queue.put_nowait
        try:
            yield queue
        finally:
            self.line.on_key = None

    async def _say(self, verb: Say) -> None:
        voice = self.kit.voice
        if voice is None:
            audio = hum(len(verb.text) * _SAY_MS_PER_CHARACTER)
        else:
            audio = await asyncio.to_thread(voice.speak, verb.text)
        journal = self.kit.journal
        now = journal.now_ms()
        self.words.append(verb.text)
        journal.report.said["agent"].append(Said(now, now + len(audio) // 8, verb.text, "say"))
        journal.note("twilio_says", text=verb.text, language=verb.language, voice=verb.voice)
        await self.sound(audio)

    async def _play(self, verb: Play) -> None:
        answer = await self.kit.courier.ask("play", verb.url, {}, "GET")
        try:
            if not answer.ok:
                raise WavError(f"it {_why(answer)}")
            audio = ulaw_from_wav(answer.body)
        except WavError as problem:
            self.kit.journal.warn(f"<Play> {verb.url} was skipped: {problem}")
            return
        self.kit.journal.note("twilio_plays", url=verb.url, ms=len(audio) // 8)
        await self.sound(audio)


def _why(answer: Answer) -> str:
    if answer.status == 0:
        return f"was not answered: {answer.error}"
    return f"answered {answer.status}: {answer.body[:200].decode('utf-8', 'replace')!r}"


async def stop(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they are gone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
