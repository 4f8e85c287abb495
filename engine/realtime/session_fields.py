"""What a client may set in `session.update` and `response.create`, field by field (the openai SDK's param types)."""

from __future__ import annotations

import re
from typing import Any

from engine.realtime.audio_format import FORMATS
from engine.realtime.checks import (
    Check,
    anything,
    at_most,
    between,
    fields,
    flag,
    is_a,
    list_of,
    nullable,
    one_of,
    or_default,
    text,
)
from engine.realtime.protocol import ClientError, missing, of_type, shown, unsupported

LANGUAGES = ["en"]
DEFAULT_VOICE = "marin"
EAGERNESS_MS = {"low": 900, "medium": 500, "auto": 500, "high": 300}
_ENGLISH = {"en", "eng", "english"}
_LOCALE = re.compile(r"([a-z]{2,3})-[A-Z]{2}(?:-|$)")
_METADATA_KEYS = 16


def unsupported_language(language: str, param: str) -> ClientError:
    """The error for a language without a voice or a model."""
    listed = ", ".join(LANGUAGES)
    return ClientError(
        "unsupported_language",
        f"This engine has no voice or model for the language '{shown(language)}': it speaks {listed}.",
        param,
    )


def is_english(language: str) -> bool:
    """Whether a code (en, en-GB) or word names the one language there is."""
    return re.split(r"[-_]", language)[0].lower() in _ENGLISH


def locale_of(voice: str) -> str | None:
    """The language that a voice's name carries ("de" of `de-DE-…`); most carry none."""
    locale = _LOCALE.match(voice)
    return locale[1] if locale else None


def _language(value: object, param: str) -> str:
    given = str(of_type(value, param, str))
    if given and not is_english(given):
        raise unsupported_language(given, param)
    return given


def _voice(value: object, param: str) -> Any:
    """Any name will do, as there is one voice; a name that carries another language's locale will not."""
    if isinstance(value, dict):
        return {"id": of_type(value.get("id"), f"{param}.id", str)}
    name = str(of_type(value, param, str))
    locale = locale_of(name)
    if locale and not is_english(locale):
        raise unsupported_language(locale, param)
    return name


def _format(value: object, param: str) -> dict[str, Any]:
    form = of_type(value, param, dict)
    kind, rate = form.get("type"), form.get("rate")
    if not isinstance(kind, str) or kind not in FORMATS:
        raise unsupported(f"{param}.type", kind, list(FORMATS))
    if kind != "audio/pcm":
        if rate is not None:
            message = f"Invalid '{param}.rate': {kind} takes no rate, it is always 8000 Hz."
            raise ClientError("invalid_value", message, f"{param}.rate")
        return {"type": kind}
    if rate is not None and of_type(rate, f"{param}.rate", int) != 24000:
        message = f"Invalid '{param}.rate': {shown(rate)}. Only 24000 Hz is supported for audio/pcm."
        raise ClientError("invalid_value", message, f"{param}.rate")
    return {"type": kind, "rate": 24000}


def _modalities(value: object, param: str) -> list[str]:
    given = of_type(value, param, list)
    if given not in (["audio"], ["text"]):
        message = f"Invalid modalities: {shown(given)}. Supported combinations are: ['text'] and ['audio']."
        raise ClientError("invalid_value", message, param)
    return list(given)


_FUNCTION = fields(
    ("name",), type=anything, name=at_most(128), description=nullable(text), parameters=nullable(is_a(dict))
)


def _tool(value: object, param: str) -> dict[str, Any]:
    kind = of_type(value, param, dict).get("type", "function")
    if kind == "mcp":
        message = f"'{param}' is an MCP server: this engine calls none. Offer its tools as functions."
        raise ClientError("invalid_value", message, f"{param}.type")
    if kind != "function":
        raise unsupported(f"{param}.type", kind, ["function"])
    return {"type": "function", **_FUNCTION(value, param)}


def _tool_choice(value: object, param: str) -> Any:
    if isinstance(value, str):
        return one_of("auto", "none", "required")(value, param)
    choice = of_type(value, param, dict)
    if choice.get("type") != "function":
        raise unsupported(f"{param}.type", choice.get("type"), ["function"])
    if "name" not in choice:
        raise missing(f"{param}.name")
    return {"type": "function", "name": of_type(choice["name"], f"{param}.name", str)}


def _tokens(value: object, param: str) -> Any:
    return value if value == "inf" else between(int, 1, 4096)(value, param)


_RETENTION = fields(
    ("type", "retention_ratio"),
    type=one_of("retention_ratio"),
    retention_ratio=between(float, 0.0, 1.0),
    token_limits=nullable(fields(post_instructions=between(int, 0, 1 << 20))),
)


def _truncation(value: object, param: str) -> Any:
    return one_of("auto", "disabled")(value, param) if isinstance(value, str) else _RETENTION(value, param)


_TRACE = fields(group_id=nullable(text), workflow_name=nullable(text), metadata=anything)


def _tracing(value: object, param: str) -> Any:
    return one_of("auto")(value, param) if isinstance(value, str) else _TRACE(value, param)


def _metadata(value: object, param: str) -> dict[str, str]:
    given = of_type(value, param, dict)
    if len(given) > _METADATA_KEYS:
        message = f"Invalid '{param}': at most {_METADATA_KEYS} keys, not {len(given)}."
        raise ClientError("object_above_max_properties", message, param)
    return {at_most(64)(key, param): at_most(512)(one, f"{param}.{shown(key)}") for key, one in given.items()}


_PROMPT = nullable(fields(("id",), id=text, version=nullable(text), variables=nullable(is_a(dict))))
_REASONING = nullable(fields(effort=nullable(text)))
_TRANSCRIPTION = nullable(
    fields(
        model=nullable(text),
        language=nullable(_language),
        languages=nullable(list_of(_language)),
        prompt=nullable(text),
        keywords=nullable(list_of(text)),
        delay=nullable(one_of("minimal", "low", "medium", "high", "xhigh")),
    )
)
_NOISE_REDUCTION = nullable(
    fields(type=nullable(one_of("near_field", "far_field")), strength=nullable(between(float, 0.0, 100.0)))
)
_DETECTION = nullable(
    fields(
        type=one_of("server_vad", "semantic_vad"),
        threshold=nullable(between(float, 0.0, 1.0)),
        prefix_padding_ms=nullable(between(int, 0, 5000)),
        silence_duration_ms=nullable(between(int, 0, 10000)),
        idle_timeout_ms=nullable(between(int, 5000, 30000)),
        eagerness=nullable(one_of(*EAGERNESS_MS)),
        create_response=nullable(flag),
        interrupt_response=nullable(flag),
    )
)
_OUTPUT = fields(
    format=_format, voice=or_default(_voice, DEFAULT_VOICE), speed=or_default(between(float, 0.25, 1.5), 1.0)
)
_INPUT = fields(
    format=_format, transcription=_TRANSCRIPTION, noise_reduction=_NOISE_REDUCTION, turn_detection=_DETECTION
)

SESSION: Check = fields(
    type=one_of("realtime", "transcription"),
    model=text,
    output_modalities=_modalities,
    instructions=or_default(text, ""),
    tools=or_default(list_of(_tool), []),
    tool_choice=or_default(_tool_choice, "auto"),
    max_output_tokens=or_default(_tokens, "inf"),
    parallel_tool_calls=nullable(flag),
    reasoning=_REASONING,
    truncation=or_default(_truncation, "auto"),
    tracing=nullable(_tracing),
    prompt=_PROMPT,
    include=nullable(list_of(one_of("item.input_audio_transcription.logprobs"))),
    audio=fields(input=_INPUT, output=_OUTPUT),
)
RESPONSE: Check = fields(
    audio=nullable(fields(output=nullable(fields(format=nullable(_format), voice=nullable(_voice))))),
    conversation=nullable(text),
    input=nullable(is_a(list)),
    instructions=nullable(text),
    max_output_tokens=nullable(_tokens),
    metadata=nullable(_metadata),
    output_modalities=nullable(_modalities),
    parallel_tool_calls=nullable(flag),
    prompt=_PROMPT,
    reasoning=_REASONING,
    tool_choice=nullable(_tool_choice),
    tools=nullable(list_of(_tool)),
)
