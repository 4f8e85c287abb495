"""Who does not say their number: the names and the spelled-out numbers a phone network gives them.

Wire fact: Twilio's `From` holds a word, or the word typed on a phone's keys with a plus before it (266696687 is
ANONYMOUS). Taken for a number, it would make one person of all such callers.
"""

from __future__ import annotations

from typing import Final

_WORDS: Final = frozenset({"anonymous", "restricted", "blocked", "unknown", "unavailable", "private"})
_LETTERS: Final = ("abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz")
_KEYS: Final = {letter: str(key) for key, letters in enumerate(_LETTERS, 2) for letter in letters}
_SPELLED: Final = frozenset("".join(_KEYS[letter] for letter in word) for word in _WORDS)


def withheld(number: str | None) -> bool:
    """True for a caller who shows no number."""
    plain = (number or "").strip().lstrip("+").lower()
    return not plain or plain in _WORDS or plain in _SPELLED
