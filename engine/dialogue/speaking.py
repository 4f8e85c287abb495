"""Small pieces of phrasing that several parts share."""

from __future__ import annotations

import re


def listed(pieces: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return pieces[0] if len(pieces) == 1 else f"{', '.join(pieces[:-1])} and {pieces[-1]}" if pieces else ""


def sentence(text: str) -> str:
    """Text as one sentence: a capital at its start, a stop at its end."""
    plain = " ".join(text.split())
    if not plain:
        return ""
    plain = plain[0].upper() + plain[1:]
    return plain if plain[-1] in ".!?" else f"{plain}."


def with_article(thing: str) -> str:
    """ "haircut" becomes "a haircut"; plurals and what already has an article stay."""
    first = thing.split(" ", 1)[0].lower()
    if first in ("a", "an", "the", "my", "some", "your", "two", "three") or (
        re.search(r"s$", thing) and not thing.endswith("ss")
    ):
        return thing
    return f"{'an' if first[:1] in 'aeiou' else 'a'} {thing}"
