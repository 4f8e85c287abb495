"""A model's written words as a voice can say them: cut into sentences as they grow, without marks made for eyes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

# Where a sentence may end: its mark, with the quotes, brackets and emphasis that close on it, before white space.
_MARK = re.compile(r"[.!?…]+[\"'”’)\]*_~`]*(?=\s)|\n")
_WORD = re.compile(r"[^\s(\[\"“*_]+$")
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "st", "prof", "rev", "mt", "vs", "approx", "e.g", "i.e", "ca"})
_BEFORE_DIGITS = frozenset({"no", "nos", "p", "pp", "jan", "feb", "apr", "aug", "sept", "sep", "oct", "nov", "dec"})
_LONGEST = 320  # characters without an end of sentence, after which a pause at a comma is better than silence

_LINE_MARK = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+•]\s+|\|(?=.*\|\s*$))+")
_NUMBERED = re.compile(r"^(\s*\d{1,3})[.)]\s+")
_FENCE = re.compile(r"^\s*(?:```|~~~)\w*\s*$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_SPELLED: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\b([ap])\.\s?m\.(?=\s*[.?!]?\s*$)", re.IGNORECASE), lambda found: f"{found[1].lower()}m."),
    (re.compile(r"\b([ap])\.\s?m\b\.?", re.IGNORECASE), lambda found: f"{found[1].lower()}m"),
    (re.compile(r"\be\.g\.,?", re.IGNORECASE), "for example"),
    (re.compile(r"\bi\.e\.,?", re.IGNORECASE), "that is"),
    (re.compile(r"\bapprox\."), "approximately"),
    (re.compile(r"(?<=\d)\s*[*×]\s*(?=\d)"), " times "),
    (re.compile(r"(?<=\d)\s*–\s*(?=[\d£$€])"), " to "),
    (re.compile(r"\s*[—–]\s*"), ", "),
    (re.compile(r"\s*\|\s*(?=\S)"), ", "),
    (re.compile(r"[*`~|]|(?<!\w)_+|_+(?!\w)"), ""),
    (re.compile(r"</?[a-zA-Z][^<>]*>"), " "),
)


class SentenceCutter:
    """Cuts growing text into sentences, each as soon as it is certain where it ends.

    ✅ OWNER of the words that are not a whole sentence yet. Never cuts "Mr. Smith", "10.30", "£4.50" or "a.m. on".
    """

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, text: str) -> list[str]:
        """More text; gives the sentences that it completes, ready to be said."""
        self._waiting += text
        pieces: list[str] = []
        while (end := _end_of_sentence(self._waiting)) is not None:
            pieces.append(self._waiting[:end])
            self._waiting = self._waiting[end:]
        return [said for piece in pieces if (said := speakable(piece))]

    def rest(self) -> list[str]:
        """What is left at the end of the text."""
        left, self._waiting = self._waiting, ""
        said = speakable(left)
        return [said] if said else []

    def drop(self) -> None:
        """Forget what is not a whole sentence yet."""
        self._waiting = ""


def speakable(text: str) -> str:
    """Text without markdown, emoji and other signs for eyes; numbers, prices and times stay."""
    lines = [said for line in text.splitlines() if (said := _line(line))]
    return " ".join([*map(_ended, lines[:-1]), *lines[-1:]])


def _line(line: str) -> str:
    if _FENCE.match(line):
        return ""
    marked = _LINE_MARK.sub("", line)
    is_item = marked != line or _NUMBERED.match(marked) is not None
    words = _LINK.sub(r"\1", _NUMBERED.sub(r"\1, ", marked))
    for pattern, plain in _SPELLED:
        words = pattern.sub(plain, words)
    words = " ".join("".join(letter for letter in words if not _for_eyes(letter)).split()).strip(", ")
    words = re.sub(r"\s+([,.!?])", r"\1", words)
    if not any(letter.isalnum() for letter in words):
        return ""
    return _ended(words) if is_item else words


def _ended(words: str) -> str:
    """Words of a line of its own end there: the voice must not run into the next line."""
    return words if words[-1] in ".!?…:;," else f"{words}."


def _for_eyes(letter: str) -> bool:
    """True for emoji, arrows, boxes and the invisible signs that join them."""
    if letter in "\ufe0e\ufe0f\u200d\u200b\u20e3":
        return True
    code = ord(letter)
    return code >= 0x2190 and (unicodedata.category(letter) in ("So", "Sm", "Co", "Cn") or 0x1F3FB <= code <= 0x1F3FF)


def _end_of_sentence(text: str) -> int | None:
    """Where the first sentence of growing text ends, once that is certain."""
    for found in _MARK.finditer(text):
        after = text[found.end() :].lstrip(" \t\r")
        if found.group() == "\n":
            if text[: found.start()].strip():
                return found.end()
        elif not after:
            return None
        elif after[0] == "\n" or _ends(text[: found.start()], found.group(), after[0]):
            return found.end()
    return _pause(text) if len(text) > _LONGEST else None


def _ends(before: str, mark: str, following: str) -> bool:
    """Whether a mark ends the sentence `before` it, when the next word begins with `following`."""
    if not mark.startswith(".") or mark.startswith(".."):
        return not following.islower()
    line = before.rsplit("\n", 1)[-1].rstrip('*_`~"”’)]')
    word = _WORD.search(line)
    last = word.group().lower() if word else ""
    if not last or following.islower() or last in _TITLES:
        return False
    if last in _BEFORE_DIGITS and following.isdigit():
        return False
    if last.isdigit() and not line[: -len(last)].strip(" \t*_"):
        return False  # the number of an item in a list
    return not (len(last) == 1 and line[-1].isupper())  # an initial


def _pause(text: str) -> int:
    for sign in (", ", "; ", ": ", " "):
        at = text.rfind(sign, _LONGEST // 2, _LONGEST)
        if at >= 0:
            return at + len(sign)
    return _LONGEST
