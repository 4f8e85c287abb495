"""Faults of people and rooms: callers who leave, echo, somebody who agrees while listening, other people talking."""

from __future__ import annotations

from collections import deque

from phoneaudio.g711 import BYTES_PER_MS
from simulator.faults import Faults, Moment, Speaker
from simulator.sounds import hum, mix
from simulator.speeches import Speeches
from simulator.wire import FRAME_BYTES, FRAME_MS

_CHATTER = "So I told her, we can meet on Sunday, and then she never called me back, can you imagine that?"


class LeavesInSpeech(Faults):
    """The caller hangs up 0.5 to 1.2 s into one of the agent's speeches: 1 is the greeting, 2 the first answer."""

    def __init__(self, seed: int = 0, speech: int = 1) -> None:
        super().__init__(seed)
        self._wanted = speech
        self._into_ms = self.chance("moment").randrange(500, 1200, FRAME_MS)
        self._speeches = Speeches()

    def observe(self, moment: Moment) -> None:
        self._speeches.hear(agent=moment.agent)

    def leaves(self) -> bool:
        if self._speeches.count < self._wanted or self._speeches.voiced_ms < self._into_ms or self.times:
            return False
        self.strike(speech=self._wanted)
        return True


class LeavesWhileWaiting(Faults):
    """The caller hangs up 0.3 to 0.7 s after the script's last line, while the server is at work on it (a tool)."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._after_ms = self.chance("moment").randrange(300, 700, FRAME_MS)
        self._spoke = False
        self._quiet_ms = 0

    def observe(self, moment: Moment) -> None:
        if moment.caller and moment.lines_left == 0:
            self._spoke, self._quiet_ms = True, 0
        else:
            self._quiet_ms += FRAME_MS

    def leaves(self) -> bool:
        if not self._spoke or self._quiet_ms < self._after_ms or self.times:
            return False
        self.strike(after_ms=self._after_ms)
        return True


class Echo(Faults):
    """The agent's voice comes back on the caller's line, `db` weaker and `delay_ms` later."""

    def __init__(self, seed: int = 0, db: float = -20.0, delay_ms: int = 250) -> None:
        super().__init__(seed)
        self._db = db
        self._waiting = deque([b""] * (delay_ms // FRAME_MS))

    def caller_audio(self, spoken: bytes, heard: bytes) -> bytes:
        self._waiting.append(heard)
        back = self._waiting.popleft()
        if not back:
            return spoken
        self.strike(db=self._db)
        return mix(spoken, back, self._db)


class Backchannel(Faults):
    """The caller says "uh-huh" 1.2 s into every speech of the agent's that lasts so long, and listens on."""

    def __init__(self, seed: int = 0, after_ms: int = 1200, words: str = "Uh-huh.") -> None:
        super().__init__(seed)
        self._after_ms, self._words = after_ms, words
        self._speeches, self._answered = Speeches(), 0
        self._clip, self._at = hum(350), -1

    def prepare(self, voice: Speaker | None) -> None:
        if voice is not None:
            self._clip = voice.speak(self._words)

    def observe(self, moment: Moment) -> None:
        self._speeches.hear(agent=moment.agent)
        if self._speeches.voiced_ms >= self._after_ms and self._answered < self._speeches.count and not moment.caller:
            self._answered, self._at = self._speeches.count, 0
            self.strike(words=self._words, at_ms=moment.at_ms)

    def caller_audio(self, spoken: bytes, heard: bytes) -> bytes:
        if self._at < 0:
            return spoken
        piece = self._clip[self._at : self._at + FRAME_BYTES]
        self._at = -1 if self._at + FRAME_BYTES >= len(self._clip) else self._at + FRAME_BYTES
        return mix(spoken, piece)


class Chatter(Faults):
    """Other people talk behind the caller all the time, `db` below a caller's voice."""

    def __init__(self, seed: int = 0, db: float = -30.0) -> None:
        super().__init__(seed)
        self._db = db
        self._voices = hum(3000)
        self._at = 0

    def prepare(self, voice: Speaker | None) -> None:
        if voice is not None:
            self._voices = voice.speak(_CHATTER)
        start = self.chance("start").randrange(max(1, len(self._voices) // BYTES_PER_MS)) * BYTES_PER_MS
        self._voices = self._voices[start:] + self._voices[:start]

    def caller_audio(self, spoken: bytes, heard: bytes) -> bytes:
        piece = self._voices[self._at : self._at + len(spoken)]
        self._at = (self._at + len(spoken)) % max(1, len(self._voices) - len(spoken))
        self.strike(db=self._db)
        return mix(spoken, piece, self._db)
