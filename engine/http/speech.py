"""`POST /v1/audio/speech`: text spoken sentence by sentence, the first leaving before the last is made."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from engine.http.audio_encoder import encoder
from engine.http.speech_request import SpeechWanted
from engine.http.streams import Event
from engine.speech.bank import Speech
from engine.speech.voice import RATE_HZ, sentences

_LONGEST_PIECE = 200  # characters; longer ones would hold the voice, which calls share, for seconds
_TOKENS_PER_S = 20


async def encoded(wanted: SpeechWanted, speech: Speech) -> AsyncGenerator[bytes, None]:
    """The audio in the format asked for, a piece per sentence."""
    async with aclosing(_made(wanted, speech)) as made:
        async for _, data in made:
            if data:
                yield data


async def events(wanted: SpeechWanted, speech: Speech) -> AsyncGenerator[Event, None]:
    """The same audio as `speech.audio.delta` events, then `speech.audio.done`."""
    samples = 0
    async with aclosing(_made(wanted, speech)) as made:
        async for count, data in made:
            samples += count
            if data:
                yield {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()}
    read, said = len(wanted.text) // 4, samples * _TOKENS_PER_S // RATE_HZ
    usage = {"input_tokens": read, "output_tokens": said, "total_tokens": read + said}
    yield {"type": "speech.audio.done", "usage": usage}


async def _made(wanted: SpeechWanted, speech: Speech) -> AsyncGenerator[tuple[int, bytes], None]:
    """For each sentence its samples' number and what the encoder lets go of; at last what it had kept."""
    making = encoder(wanted.response_format)
    for piece in spoken_pieces(wanted.text):
        pcm = await speech.say(piece, wanted.speed)
        yield len(pcm) // 2, await asyncio.to_thread(making.feed, pcm)
    yield 0, await asyncio.to_thread(making.finish)


def spoken_pieces(text: str) -> list[str]:
    """Sentences, those without an end in sight cut where a comma or a space allows; what has no words is left out."""
    pieces = [piece for sentence in sentences(text) for piece in _cut(" ".join(sentence.split()))]
    return [piece for piece in pieces if any(char.isalnum() for char in piece)]


def _cut(sentence: str) -> Iterator[str]:
    while len(sentence) > _LONGEST_PIECE:
        head = sentence[:_LONGEST_PIECE]
        at = max(head.rfind(mark) for mark in (", ", "; ", ": ")) + 1 or head.rfind(" ")
        if at <= 0:
            at = _LONGEST_PIECE
        yield sentence[:at].strip()
        sentence = sentence[at:].strip()
    yield sentence
