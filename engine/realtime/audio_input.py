"""What the caller's microphone sent: the input buffer, and the turns found in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.realtime.audio_format import AudioFormat
from engine.speech.mel import Float
from engine.speech.turns import RATE_HZ, WINDOW_SAMPLES, TurnChange, TurnDetector, TurnRules
from engine.speech.vad import SpeechProbability
from phoneaudio.resample import StreamResampler, float_from_pcm16

_LONGEST_S = 600


class AudioInput:
    """✅ OWNER of the input buffer and of the stream's clock (audio time, in ms since the session began)."""

    def __init__(self, vad: SpeechProbability, wire: AudioFormat, rules: TurnRules | None) -> None:
        self._vad = vad
        self._pcm = bytearray()  # 16-bit at the wire's rate
        self._half = b""  # of a sample that the last append cut in two
        self._dropped = 0  # samples no longer in the buffer
        self._turns = TurnDetector(rules) if rules else None
        self._wire = wire
        self._to_8k = StreamResampler(wire.rate_hz, RATE_HZ)
        self._unjudged: Float = np.zeros(0, dtype=np.float32)

    @property
    def now_ms(self) -> int:
        """Audio received so far."""
        return self._ms(self._end)

    @property
    def buffered_ms(self) -> int:
        """Audio waiting for a commit."""
        return self._ms(len(self._pcm) // 2)

    @property
    def judged_ms(self) -> int:
        """The clock of the turns: audio whose windows were judged."""
        return self._turns.clock * 1000 // RATE_HZ if self._turns else self.now_ms

    @property
    def speaking(self) -> bool:
        """Whether a turn is in progress."""
        return self._turns is not None and self._turns.speaking

    @property
    def speech_start_ms(self) -> int:
        """Where the current turn's audio begins, padding included."""
        return self._turns.started_at * 1000 // RATE_HZ if self._turns else 0

    def configure(self, wire: AudioFormat, rules: TurnRules | None) -> None:
        """Follow a changed session."""
        if wire is not self._wire:
            self._convert_clock(wire)
        if rules is None:
            self._turns = None
        elif self._turns is None:
            self._turns = TurnDetector(rules, clock=self._end * RATE_HZ // self._wire.rate_hz)
        else:
            self._turns.rules = rules

    def append(self, data: bytes) -> Iterator[TurnChange | None]:
        """Take wire audio; gives what each whole window of 32 ms changed (lazily: the caller must exhaust it)."""
        pcm = self._wire.to_pcm16(self._whole_samples(data))
        self._pcm += pcm
        self._bound()
        if self._turns is None:
            return
        self._unjudged = np.concatenate((self._unjudged, float_from_pcm16(self._to_8k.feed(pcm))))
        while self._unjudged.size >= WINDOW_SAMPLES and self._turns is not None:
            window, self._unjudged = self._unjudged[:WINDOW_SAMPLES], self._unjudged[WINDOW_SAMPLES:]
            yield self._turns.feed(self._vad.window(window))
        self._forget_quiet()

    def take(self) -> tuple[Float, int]:
        """The turn's audio so far (all of the buffer without turn detection) as float samples, and its rate."""
        begin = self._wire_samples(self._turns.started_at) if self._turns else 0
        skip = max(0, begin - self._dropped)
        return float_from_pcm16(bytes(self._pcm[2 * skip : 2 * self._judged()])), self._wire.rate_hz

    def drop_taken(self) -> None:
        """Forget what a commit has taken; audio that came in the same append and is not judged yet stays."""
        self._drop(self._judged())
        if self._turns is not None:
            self._turns.reset()

    def clear(self) -> None:
        """Empty the buffer; the clock goes on."""
        self._drop(len(self._pcm) // 2)
        self._half = b""
        if self._turns is not None:
            self._turns.reset()

    def _whole_samples(self, data: bytes) -> bytes:
        data = self._half + data
        whole = len(data) - len(data) % self._wire.sample_bytes
        self._half = data[whole:]
        return data[:whole]

    def _judged(self) -> int:
        """How many buffered samples the turn detector has seen (all of them when there is none)."""
        whole = len(self._pcm) // 2
        if self._turns is None:
            return whole
        return min(whole, max(0, self._wire_samples(self._turns.clock) - self._dropped))

    def _wire_samples(self, at_8k: int) -> int:
        return at_8k * self._wire.rate_hz // RATE_HZ

    @property
    def _end(self) -> int:
        return self._dropped + len(self._pcm) // 2

    def _ms(self, samples: int) -> int:
        return samples * 1000 // self._wire.rate_hz

    def _convert_clock(self, wire: AudioFormat) -> None:
        end = self._end * wire.rate_hz // self._wire.rate_hz
        self._pcm.clear()
        self._half = b""
        self._dropped = end
        self._wire = wire
        self._to_8k = StreamResampler(wire.rate_hz, RATE_HZ)
        self._unjudged = np.zeros(0, dtype=np.float32)

    def _bound(self) -> None:
        extra = len(self._pcm) // 2 - _LONGEST_S * self._wire.rate_hz
        if extra > 0:
            self._drop(extra)

    def _forget_quiet(self) -> None:
        """While nobody speaks, only the audio that could become the next turn's padding is kept."""
        if self._turns is None or self._turns.speaking:
            return
        keep = (self._turns.rules.prefix_ms + 500) * self._wire.rate_hz // 1000
        extra = len(self._pcm) // 2 - keep
        if extra > keep:
            self._drop(extra)

    def _drop(self, samples: int) -> None:
        del self._pcm[: 2 * samples]
        self._dropped += samples
