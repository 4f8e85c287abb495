"""Frontdesk's settings in the environment, which a developer may have set for real and a test must never see."""

from __future__ import annotations

from collections.abc import Mapping

EXACT = frozenset(
    {
        "DATABASE_URL",
        "PUBLIC_URL",
        "RECORDINGS_URL",
        "REALTIME_MODEL",
        "TRANSCRIPTION_MODEL",
        "DEBUG",
        "PORT",
        "MAX_CALLS",
    }
)
PREFIXES = (
    "TWILIO_",
    "OPENAI_",
    "AZURE_OPENAI_",
    "WHATSAPP_",
    "META_",
    "FRONTDESK_",
    "ENGINE_",
    "AWS_",
    "OTEL_",
    "DBOS_",
    "SPEECH_",
    "TOOL_",
)
# The workplace's certificate bundle shares a prefix with credentials.
KEPT = frozenset({"AWS_CA_BUNDLE"})


def is_setting(name: str) -> bool:
    return name not in KEPT and (name in EXACT or name.startswith(PREFIXES))


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not is_setting(name)}
