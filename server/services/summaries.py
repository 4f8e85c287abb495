"""A call's summary: what it was about, for the person who reads the list of calls in the morning."""

from __future__ import annotations

from typing import Final

from server import ports
from server.ports import ProviderError

SUMMARY_INSTRUCTIONS: Final = (
    "Summarise this telephone call for the owner of the business, in two to four plain sentences. Say why the caller "
    "called, what they were told, and what was agreed, with names, days and times as they stand in the transcript. "
    "Say what is left to be done, if anything is. Use the transcript alone and add nothing to it."
)


def summarise(transcript: str) -> str:
    """What a call was about, from its transcript. Raises `ProviderError`.

    ✅ OWNER: the summarising instruction.
    ❌ NEVER: from a call in progress; it is made once, after the final transcript.
    """
    written = ports.current().writer.write(SUMMARY_INSTRUCTIONS, transcript).strip()
    if not written:
        raise ProviderError("the text model answered with nothing", retryable=True)
    return written
