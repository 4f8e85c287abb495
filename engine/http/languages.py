"""The one language and the one voice there are: anything that names another is refused, not served in English."""

from __future__ import annotations

import unicodedata

from engine.errors import ApiError
from engine.http.errors import bad_request
from engine.realtime.protocol import of_type
from engine.realtime.session_fields import is_english, locale_of, unsupported_language


def check_language(language: str, param: str) -> None:
    """Raise `ApiError` 400 unless it is English: a code (en, en-GB) or the word."""
    if not is_english(language.strip()):
        raise bad_request(unsupported_language(language, param))


def check_voice(given: object) -> None:
    """Any name will do, as in a realtime session; a name that carries another language's locale will not.

    Raises `ApiError` 400 for such a name, `ClientError` for what is no voice at all.
    """
    name = str(of_type(given.get("id"), "voice.id", str) if isinstance(given, dict) else of_type(given, "voice", str))
    if not name.strip():
        raise ApiError(400, "invalid_value", "Invalid 'voice': a name is needed, 'marin' for example.", "voice")
    locale = locale_of(name)
    if locale:
        check_language(locale, "voice")


def check_sayable(text: str, param: str) -> None:
    """Raise `ApiError` 400 for text without words, or mostly in another script than the voice can read."""
    if not any(char.isalnum() for char in text):
        raise ApiError(400, "invalid_value", f"Invalid '{param}': there are no words in it to say.", param)
    letters = [char for char in text if char.isalpha()]
    foreign = sum("LATIN" not in unicodedata.name(char, "") for char in letters)
    if foreign * 2 > len(letters):
        raise bad_request(unsupported_language(text, param))
