"""Summaries through `/v1/responses`: as text, or as JSON of the schema that was asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from engine.dialogue.summary import CallSummary, Line, read_lines, summarise
from engine.realtime.brain import Turn

_ASKS = re.compile(r"\bsummar", re.IGNORECASE)


def wanted(instructions: str, turns: Sequence[Turn]) -> bool:
    """Whether a request asks for a summary: its instructions (or a system message) say so."""
    return bool(_ASKS.search(instructions)) or any(
        turn.role in ("system", "developer") and _ASKS.search(turn.text) for turn in turns
    )


def summary_text(turns: Sequence[Turn], text_options: object) -> str:
    """The summary of the transcript in a request's input, in the form its `text.format` wants."""
    result = summarise(_lines(turns))
    schema = _schema(text_options)
    return result.text() if schema is None else msgspec.json.encode(fill(schema, result)).decode()


def _lines(turns: Sequence[Turn]) -> list[Line]:
    spoken = [turn for turn in turns if turn.role in ("user", "assistant")]
    if len(spoken) > 1 and any(turn.role == "assistant" for turn in spoken):
        return [Line(turn.text, turn.role == "user") for turn in spoken if turn.text]
    return read_lines("\n".join(turn.text for turn in spoken))


def _schema(text_options: object) -> dict[str, Any] | None:
    form = text_options.get("format") if isinstance(text_options, dict) else None
    if not isinstance(form, dict) or form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
        return None
    return dict(form["schema"])


def fill(schema: dict[str, Any], result: CallSummary) -> Any:
    """A value that satisfies a schema, filled by its properties' names; what the call does not say is left empty."""
    properties = schema.get("properties") or {}
    return {name: _value(name, part, result) for name, part in properties.items() if isinstance(part, dict)}


def _value(name: str, schema: dict[str, Any], result: CallSummary) -> Any:
    declared = schema.get("type")
    kinds: list[Any] = declared if isinstance(declared, list) else [declared]
    if schema.get("enum"):
        return _choice(schema["enum"], result)
    if "object" in kinds:
        return fill(schema, result)
    if "array" in kinds:
        return _listed(name, schema, result)
    if "boolean" in kinds:
        return _flag(name, result)
    if "integer" in kinds or "number" in kinds:
        return len(result.questions) if "question" in name else None if "null" in kinds else 0
    found = _words(name.lower(), result)
    return None if not found and "null" in kinds else found


def _words(name: str, result: CallSummary) -> str:
    sources = [
        ("reason|intent|purpose|topic", result.reason),
        ("appointment|booking", result.appointment),
        ("message", result.message),
        ("outcome|result|status|resolution", result.appointment or result.message or result.outcome),
        ("answer", " ".join(result.answers)),
        ("summar|text|overview|notes?|description", result.text()),
    ]
    return next((value for pattern, value in sources if re.search(pattern, name)), "")


def _listed(name: str, schema: dict[str, Any], result: CallSummary) -> list[str]:
    item = schema.get("items")
    if isinstance(item, dict) and item.get("type") not in (None, "string"):
        return []
    return (
        result.answers
        if "answer" in name
        else result.unanswered
        if "follow" in name or "action" in name
        else result.questions
    )


def _flag(name: str, result: CallSummary) -> bool:
    if re.search(r"book|appointment", name):
        return bool(result.appointment)
    if "message" in name:
        return bool(result.message)
    return bool(result.unanswered) if re.search(r"follow|unanswered|action", name) else False


def _choice(choices: list[Any], result: CallSummary) -> Any:
    signs = [
        ("book|appointment", result.appointment),
        ("message", result.message),
        ("unanswer|unresolved|follow", result.unanswered),
        ("answer|info|question|enquir|inquir", result.answers),
    ]
    for pattern, present in signs:
        fitting = [choice for choice in choices if isinstance(choice, str) and re.search(pattern, choice.lower())]
        if present and fitting:
            return fitting[0]
    return next(
        (choice for choice in choices if isinstance(choice, str) and re.search("other|none|unknown", choice)),
        choices[-1],
    )
