"""Words that callers spell: "L O P E Z", "M-A-R-I-A", "S for sugar", "double T"."""

from __future__ import annotations

import re

_AS_IN = re.compile(r"\b([A-Za-z])(?:,)? (?:for|as in|like|like in) [A-Za-z]+\b")
_DOUBLE = re.compile(r"\bdouble[ -]([A-Za-z])\b", re.IGNORECASE)
_LETTERS = re.compile(r"(?<![\w'’])(?P<letters>[A-Za-z](?:(?:[-\s.,]|\band\b)+[A-Za-z](?![\w'’])){1,})")
_LEAST = 3


def spelled(text: str) -> list[str] | None:
    """The words spelled in a text, or None. Letters in one run are one word, unless a comma or stop parts them."""
    words: list[str] = []
    for match in _LETTERS.finditer(_plain(text)):
        words.extend(_words(re.sub(r"\band\b", " ", match["letters"])))
    long = [word.capitalize() for word in words if len(word) >= _LEAST]
    return long or None


def without_spelling(text: str) -> str:
    """A text without the letters, for what else it says."""
    plain = _plain(text)
    rest = _LETTERS.sub(lambda match: " " if len(re.findall(r"[A-Za-z]", match[0])) >= _LEAST else match[0], plain)
    rest = re.sub(
        r"\b(?:that is |that's |it is |it's )?(?:spelled|spelt|spelling(?: is)?)\b|\bI spell (?:it|that)\b",
        " ",
        rest,
        flags=re.IGNORECASE,
    )
    return re.sub(r"\s+(?=[,.])", "", " ".join(rest.split())).strip(" ,.-")


_WITH_LETTER = re.compile(
    r"^(?:it's |it is |that's |that is |the )?(?P<word>[A-Za-z'’]{3,}),? (?:with|ends? (?:with|in)|ending in|"
    r"begins with|starts with|starting with|spelled with) (?:an? |the letter )?(?P<letter>[A-Za-z]|zed|zee)\b",
    re.IGNORECASE,
)
_SOUND_ALIKE = {
    "z": "s",
    "s": "z",
    "k": "c",
    "c": "k",
    "y": "i",
    "i": "y",
    "e": "a",
    "g": "j",
    "j": "g",
    "f": "v",
    "v": "w",
    "w": "v",
}


def with_letter(text: str) -> str | None:
    """ "Lopes with a z": the word with that letter where the one that sounds like it was heard."""
    match = _WITH_LETTER.match(text.strip())
    if match is None:
        return None
    word, letter = match["word"], match["letter"].lower()[:1]
    heard = _SOUND_ALIKE.get(letter, "")
    if letter not in word.lower() and heard in word.lower():
        at = word.lower().rindex(heard) if letter in "zse" else word.lower().index(heard)
        word = word[:at] + letter + word[at + 1 :]
    return word[:1].upper() + word[1:]


def respelled(name: str | None, letters: list[str] | None) -> str | None:
    """Spelling wins over hearing: "Lopes, L O P E Z" is Lopez. The word that begins like it is replaced."""
    for word in letters or []:
        name = _with(name, word)
    return name


def _with(name: str | None, word: str) -> str:
    if name is None:
        return word
    words = name.split()
    for at in range(len(words) - 1, -1, -1):
        if words[at].lower() == word.lower():
            return name
        if words[at][0].lower() == word[0].lower():
            return " ".join([*words[:at], _cased(words[at], word), *words[at + 1 :]])
    return f"{name} {word}"


def _cased(heard: str, word: str) -> str:
    """ "O'Neill" spelled O N E I L L keeps its apostrophe."""
    return heard if re.sub(r"[^a-z]", "", heard.lower()) == word.lower() else word


def _plain(text: str) -> str:
    return _DOUBLE.sub(r"\1 \1", _AS_IN.sub(r"\1", text))


def _words(letters: str) -> list[str]:
    parted = re.search(r"[A-Za-z][-\s]+[A-Za-z]", letters) and re.search(r"[,.]", letters)
    pieces = re.split(r"[,.]+", letters) if parted else [letters]
    return [re.sub(r"[^A-Za-z]", "", piece) for piece in pieces if re.search(r"[A-Za-z]", piece)]
