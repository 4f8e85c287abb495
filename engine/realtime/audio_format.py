"""The three audio formats of the protocol: G.711 μ-law and A-law at 8 kHz, PCM at 24 kHz."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from phoneaudio import g711
from phoneaudio.resample import StreamResampler

VOICE_HZ = 24000


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """One wire format: its rate, its bytes per sample, and conversions from and to 16-bit PCM at that rate."""

    name: str
    rate_hz: int
    sample_bytes: int
    to_pcm16: Callable[[bytes], bytes]
    from_pcm16: Callable[[bytes], bytes]

    def ms(self, size: int) -> int:
        """Playing time of `size` wire bytes, in whole milliseconds."""
        return size * 1000 // (self.rate_hz * self.sample_bytes)

    def ms_up(self, size: int) -> int:
        """The same rounded up, as clients count: a truncation at the very end must not be "already shorter"."""
        return -(-size * 1000 // (self.rate_hz * self.sample_bytes))

    def size(self, ms: int) -> int:
        """Wire bytes of `ms` milliseconds."""
        return self.rate_hz * ms // 1000 * self.sample_bytes


def _whole_samples(pcm: bytes) -> bytes:
    return pcm[: len(pcm) - len(pcm) % 2]


FORMATS = {
    "audio/pcmu": AudioFormat("audio/pcmu", 8000, 1, g711.pcm16_from_ulaw, g711.ulaw_from_pcm16),
    "audio/pcma": AudioFormat("audio/pcma", 8000, 1, g711.pcm16_from_alaw, g711.alaw_from_pcm16),
    "audio/pcm": AudioFormat("audio/pcm", 24000, 2, _whole_samples, bytes),
}


class Encoder:
    """Turns the voice's 24 kHz PCM into one item's wire audio, in deltas of 160 ms (within the protocol's 100–200)."""

    DELTA_MS = 160

    def __init__(self, wire: AudioFormat) -> None:
        self._wire = wire
        self._resampler = StreamResampler(VOICE_HZ, wire.rate_hz)
        self._held = b""

    def feed(self, pcm: bytes, *, last: bool = False) -> list[bytes]:
        """The deltas that are complete now; `last=True` also gives the rest."""
        self._held += self._wire.from_pcm16(self._resampler.feed(pcm, last=last))
        size = self._wire.size(self.DELTA_MS)
        whole = len(self._held) if last else len(self._held) - len(self._held) % size
        ready, self._held = self._held[:whole], self._held[whole:]
        return [ready[at : at + size] for at in range(0, len(ready), size)]
