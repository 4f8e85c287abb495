"""G.711 companding: one byte a sample at 8 kHz, so 8 bytes are one millisecond."""

from __future__ import annotations

import audioop

RATE_HZ = 8000
BYTES_PER_MS = 8
ULAW_SILENCE = b"\xff"


def pcm16_from_ulaw(data: bytes) -> bytes:
    """Expand μ-law bytes to 16-bit PCM."""
    return audioop.ulaw2lin(data, 2)


def ulaw_from_pcm16(pcm: bytes) -> bytes:
    """Compress 16-bit PCM to μ-law bytes."""
    return audioop.lin2ulaw(pcm, 2)


def pcm16_from_alaw(data: bytes) -> bytes:
    """Expand A-law bytes to 16-bit PCM."""
    return audioop.alaw2lin(data, 2)


def alaw_from_pcm16(pcm: bytes) -> bytes:
    """Compress 16-bit PCM to A-law bytes."""
    return audioop.lin2alaw(pcm, 2)


def duration_ms(data: bytes) -> int:
    """Playing time of G.711 bytes, in whole milliseconds."""
    return len(data) // BYTES_PER_MS
