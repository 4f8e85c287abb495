"""Everything that can hear and speak, loaded once and shared by all calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import numpy as np

from engine.settings import EngineSettings
from engine.speech import capacity
from engine.speech.mel import Float
from engine.speech.recognizer import Heard, Recognizer
from engine.speech.turns import RATE_HZ as PHONE_HZ
from engine.speech.vad import SpeechProbability, VadPool
from engine.speech.voice import RATE_HZ as VOICE_HZ
from engine.speech.voice import Voice
from engine.speech.whisper_files import whisper_folder
from phoneaudio.resample import float_from_pcm16, resample_pcm16

T = TypeVar("T")


class Speech(Protocol):
    """What a session needs of the models; tests give it a scripted one."""

    async def hear(self, samples: Float, rate_hz: int) -> Heard:
        """Transcribe one utterance."""
        ...

    async def say(self, sentence: str, speed: float) -> bytes:
        """One sentence as 16-bit PCM at 24 kHz."""
        ...

    def borrow_vad(self) -> SpeechProbability:
        """A voice activity detector for one stream."""
        ...

    def return_vad(self, vad: SpeechProbability) -> None:
        """Give a detector back."""
        ...


class Models(Speech, Protocol):
    """A bank that is loaded while the process already answers."""

    @property
    def ready(self) -> bool:
        """Whether calls can be served."""
        ...

    @property
    def failure(self) -> Exception | None:
        """Why they never will be."""
        ...

    @property
    def capacity(self) -> int:
        """Calls that this machine carries at once."""
        ...

    @property
    def overdue(self) -> bool:
        """Whether more transcriptions wait than the next caller could bear."""
        ...

    def load(self) -> None:
        """Load everything; called once, off the event loop."""
        ...

    def close(self) -> None:
        """Let go of threads."""
        ...


class SpeechBank:
    """✅ OWNER of the models and of the threads they run on.

    Recognition and synthesis have pools of their own, so that a long transcription delays nobody's next sentence, and
    neither ever runs on the event loop.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._hearing = ThreadPoolExecutor(settings.recognizer_workers, thread_name_prefix="hear")
        self._speaking = ThreadPoolExecutor(1, thread_name_prefix="say")
        self._recognizer: Recognizer | None = None
        self._voice: Voice | None = None
        self._vads: VadPool | None = None
        self._failure: Exception | None = None
        self._capacity = capacity.SESSIONS_PER_CORE * capacity.cores()
        self._hearing_now = 0

    @property
    def ready(self) -> bool:
        """Whether every model is loaded."""
        return None not in (self._recognizer, self._voice, self._vads)

    @property
    def failure(self) -> Exception | None:
        """Why loading failed, if it did."""
        return self._failure

    @property
    def capacity(self) -> int:
        """Calls that this machine carries at once; measured right after the models are loaded."""
        return self._capacity

    @property
    def overdue(self) -> bool:
        """Whether twice as many transcriptions wait as are worked on: about a second for the next caller."""
        return self._hearing_now > 3 * self._settings.recognizer_workers

    def load(self) -> None:
        """Load all models side by side (about 1 s), then measure. Raises what the first failing one raised."""
        jobs = [threading.Thread(target=self._guarded, args=(job,)) for job in (self._load_ears, self._load_voice)]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        if self._failure is not None:
            raise self._failure
        self._measure()

    def close(self) -> None:
        """Let go of the threads; work in progress is abandoned."""
        self._hearing.shutdown(wait=False, cancel_futures=True)
        self._speaking.shutdown(wait=False, cancel_futures=True)

    async def hear(self, samples: Float, rate_hz: int) -> Heard:
        """Transcribe one utterance off the event loop."""
        recognizer = _loaded(self._recognizer)
        self._hearing_now += 1
        try:
            return await self._run(self._hearing, lambda: recognizer.transcribe(samples, rate_hz))
        finally:
            self._hearing_now -= 1

    async def say(self, sentence: str, speed: float) -> bytes:
        """Synthesize one sentence off the event loop: 16-bit PCM at 24 kHz."""
        voice = _loaded(self._voice)
        return await self._run(self._speaking, lambda: voice.say(sentence, speed))

    def borrow_vad(self) -> SpeechProbability:
        """A detector for one stream."""
        return _loaded(self._vads).borrow()

    def return_vad(self, vad: SpeechProbability) -> None:
        """Give a detector back."""
        _loaded(self._vads).give_back(vad)

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def _measure(self) -> None:
        recognizer, voice = _loaded(self._recognizer), _loaded(self._voice)
        spoken = float_from_pcm16(resample_pcm16(voice.say(capacity.SENTENCE), VOICE_HZ, PHONE_HZ))
        hearing_s = capacity.best_time_s(lambda: recognizer.transcribe(spoken, PHONE_HZ))
        self._capacity = capacity.sessions_carried(hearing_s, capacity.cores())

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as problem:  # noqa: BLE001 - a loader thread's edge: kept, then raised by load() or told by /healthz
            self._failure = problem

    def _load_ears(self) -> None:
        folder = whisper_folder(self._settings.cache)
        self._vads = VadPool()
        recognizer = Recognizer(folder, self._settings.recognizer_workers)
        # The first run builds kernels and filters: better now than in the first caller's ear.
        recognizer.transcribe(np.random.default_rng(1).normal(0.0, 0.01, 8000).astype(np.float32), 8000)
        self._recognizer = recognizer

    def _load_voice(self) -> None:
        self._voice = Voice()


def _loaded(model: T | None) -> T:
    if model is None:
        raise RuntimeError("the speech models are not loaded yet: wait until GET /healthz answers 200")
    return model
