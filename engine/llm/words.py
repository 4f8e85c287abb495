"""The words of one streamed reply: what of a model's text is meant for the caller."""

from __future__ import annotations

import re

from engine.llm.calls import DraftCall, written_call
from engine.llm.spoken import SentenceCutter

_TAGS = ("think", "thinking", "reasoning", "tool_call")
_TAG = re.compile(rf"<(/?)({'|'.join(_TAGS)})>", re.IGNORECASE)
_BEGUN = tuple(f"<{slash}{tag}>" for slash in ("", "/") for tag in _TAGS)


class SpokenWords:
    """✅ OWNER of one reply's text on its way to the voice.

    ❌ NEVER lets out thoughts (`<think>…</think>`) or a call written out as text: `<tool_call>{…}</tool_call>`, or a
    reply that is nothing but a JSON object. Servers with a parser for their model send neither; small setups do.
    """

    def __init__(self) -> None:
        self._cutter = SentenceCutter()
        self._held = ""
        self._inside = ""
        self._json: str | None = None
        self._begun = False
        self._written: list[str] = []

    def feed(self, text: str) -> list[str]:
        """More text; gives the sentences that are whole now."""
        self._held += text
        said: list[str] = []
        while found := _TAG.search(self._held):
            before, self._held = self._held[: found.start()], self._held[found.end() :]
            self._tag(found[1] == "/", found[2].lower(), before, said)
        keep = _partial_tag(self._held)
        ready, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        if self._inside == "tool_call":
            self._written[-1] += ready
        elif not self._inside:
            said += self._visible(ready)
        return said

    def rest(self) -> list[str]:
        """The words left at the end of the reply."""
        ready, self._held = self._held, ""
        said = [] if self._inside else self._visible(ready)
        return said + self._cutter.rest()

    def written_calls(self) -> list[DraftCall]:
        """The calls that were written out as text."""
        texts = [*self._written, *([self._json] if self._json is not None else [])]
        return [written_call(text.strip()) for text in texts]

    def _tag(self, closing: bool, tag: str, before: str, said: list[str]) -> None:
        if self._inside:
            if self._inside == "tool_call":
                self._written[-1] += before
            if closing and tag == self._inside:
                self._inside = ""
        elif closing:
            # Its beginning stood in the prompt: all of what came was thought.
            said.clear()
            self._cutter.drop()
        else:
            said += self._visible(before)
            self._inside = tag
            if tag == "tool_call":
                self._written.append("")

    def _visible(self, text: str) -> list[str]:
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
            if text.startswith("{"):
                self._json = ""
        if self._json is not None:
            self._json += text
            return []
        return self._cutter.feed(text)


def _partial_tag(text: str) -> int:
    """How many characters at the end may be the beginning of a tag."""
    at = text.rfind("<")
    tail = text[at:].lower() if at >= 0 else ""
    return len(tail) if tail and any(tag.startswith(tail) for tag in _BEGUN) else 0
