"""Every setting Frontdesk knows, read once from the environment into a frozen object.

✅ OWNER: the environment. No other module of the server reads it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

REALTIME_MODEL = "gpt-realtime-2.1"
TRANSCRIPTION_MODEL = "gpt-transcribe"
TEXT_MODEL = "gpt-5-mini"
SPEECH_MODEL = "gpt-4o-mini-tts"
OPENAI_URL = "https://api.openai.com/v1"
STANDIN_URL = "http://127.0.0.1:8099"
LOCAL_ENGINE_URL = "http://127.0.0.1:8011/v1"


class SettingsError(ValueError):
    """A setting has a value Frontdesk can't use; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One documented setting: its name, what it is for, its default and whether its value must be masked."""

    name: str
    purpose: str
    default: str = ""
    secret: bool = False


SPECS: tuple[Spec, ...] = (
    Spec("DATABASE_URL", "where everything is stored; SQLite in FRONTDESK_HOME unless set"),
    Spec("PUBLIC_URL", "the address Twilio and people reach this server at", "http://127.0.0.1:8000"),
    Spec("TWILIO_ACCOUNT_SID", "the Twilio account; without it the local stand-in account is used"),
    Spec("TWILIO_AUTH_TOKEN", "checks Twilio's signatures and signs in to its API", secret=True),
    Spec("TWILIO_API_BASE", "another address for Twilio's API, e.g. the stand-in's"),
    Spec("OPENAI_API_KEY", "the model provider's key; without it the local engine is used", secret=True),
    Spec("OPENAI_BASE_URL", "any server that speaks OpenAI's API"),
    Spec("REALTIME_MODEL", "the model that speaks on calls", REALTIME_MODEL),
    Spec("TRANSCRIPTION_MODEL", "the model that transcribes recordings", TRANSCRIPTION_MODEL),
    Spec("TEXT_MODEL", "the model that summarises", TEXT_MODEL),
    Spec("SPEECH_MODEL", "the model that speaks the sentences a call needs while its own is gone", SPEECH_MODEL),
    Spec("RECORDINGS_URL", "where recordings are kept (file:///… or s3://…); FRONTDESK_HOME/recordings unless set"),
    Spec("FRONTDESK_HOME", "the folder for local data", ".frontdesk"),
    Spec("SECRET_KEY", "signs sessions and stream tokens; generated in FRONTDESK_HOME unless set", secret=True),
    Spec("MAX_CALLS", "how many calls this installation carries at once; each business has a limit of its own", "100"),
    Spec("TOOL_PRIVATE_HOSTS", "names, comma separated, that HTTP tools may reach in a private network"),
    Spec("DEBUG", "1 is quiet production, 0 is development with debug logs", "1"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the processes run on. Build it with `load`; tests build it with keyword arguments."""

    home: Path
    database_url: str
    public_url: str = "http://127.0.0.1:8000"
    twilio_account_sid: str = ""
    twilio_auth_token: str = field(default="", repr=False)
    twilio_api_base: str = ""
    openai_api_key: str = field(default="", repr=False)
    openai_base_url: str = ""
    realtime_model: str = REALTIME_MODEL
    transcription_model: str = TRANSCRIPTION_MODEL
    text_model: str = TEXT_MODEL
    speech_model: str = SPEECH_MODEL
    recordings_url: str = ""
    secret_key: str = field(default="", repr=False)
    development: bool = False
    max_calls: int = 100
    tool_private_hosts: tuple[str, ...] = ()

    @property
    def uses_local_engine(self) -> bool:
        """True when no model provider is configured, so that `serve` starts the engine of its own."""
        return not self.openai_api_key and not self.openai_base_url

    @property
    def model_base_url(self) -> str:
        """Where the OpenAI SDK is pointed."""
        if self.openai_base_url:
            return self.openai_base_url
        return LOCAL_ENGINE_URL if self.uses_local_engine else OPENAI_URL

    @property
    def uses_standin(self) -> bool:
        """True when no Twilio account is configured and calls come from the local stand-in."""
        return not self.twilio_account_sid

    @property
    def twilio_url(self) -> str:
        """Another address for Twilio's API, or nothing for Twilio itself."""
        return self.twilio_api_base or (STANDIN_URL if self.uses_standin else "")

    @property
    def media_url(self) -> str:
        """The media stream's address, as it stands in the TwiML: Twilio takes `wss://` only (the stand-in maps it)."""
        parts = urlsplit(self.public_url)
        return f"wss://{parts.netloc}{parts.path.rstrip('/')}/ws/twilio-media"


def development(environ: Mapping[str, str]) -> bool:
    """True in development (`DEBUG=0`). Raises `SettingsError` for anything but 0, 1 or nothing."""
    value = environ.get("DEBUG", "").strip()
    if value not in ("", "0", "1"):
        raise SettingsError(f"DEBUG is {value!r}: set 1 (quiet, the default) or 0 (development), or unset it")
    return value == "0"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting. Raises `SettingsError` with all problems, one a line."""
    env = os.environ if environ is None else environ
    values = {given.spec.name: given.value for given in described(env)}
    home = Path(values["FRONTDESK_HOME"]).expanduser().resolve()
    found = problems(values)
    if found:
        raise SettingsError("\n".join(found))
    return Settings(
        home=home,
        database_url=_database_url(values["DATABASE_URL"], home),
        public_url=values["PUBLIC_URL"].rstrip("/"),
        twilio_account_sid=values["TWILIO_ACCOUNT_SID"],
        twilio_auth_token=values["TWILIO_AUTH_TOKEN"],
        twilio_api_base=values["TWILIO_API_BASE"].rstrip("/"),
        openai_api_key=values["OPENAI_API_KEY"],
        openai_base_url=values["OPENAI_BASE_URL"].rstrip("/"),
        realtime_model=values["REALTIME_MODEL"],
        transcription_model=values["TRANSCRIPTION_MODEL"],
        text_model=values["TEXT_MODEL"],
        speech_model=values["SPEECH_MODEL"],
        recordings_url=values["RECORDINGS_URL"] or (home / "recordings").as_uri(),
        secret_key=values["SECRET_KEY"],
        development=development(env),
        max_calls=int(values["MAX_CALLS"]),
        tool_private_hosts=_names(values["TOOL_PRIVATE_HOSTS"]),
    )


@dataclass(frozen=True, slots=True)
class Given:
    """A setting as it stands, and where its value comes from: the environment or its default."""

    spec: Spec
    value: str
    source: str


def described(environ: Mapping[str, str] | None = None) -> list[Given]:
    """Every setting as it stands, unchecked."""
    env = os.environ if environ is None else environ
    given = [(spec, (env.get(spec.name) or "").strip()) for spec in SPECS]
    return [Given(spec, value or spec.default, "environment" if value else "default") for spec, value in given]


def problems(values: Mapping[str, str]) -> list[str]:
    """What is wrong with these values, each line naming the setting and the remedy."""
    found: list[str] = []
    for name in ("PUBLIC_URL", "TWILIO_API_BASE", "OPENAI_BASE_URL"):
        if values[name] and urlsplit(values[name]).scheme not in ("http", "https"):
            found.append(f"{name} is {values[name]!r}: give a full address such as https://desk.example.com")
    if bool(values["TWILIO_ACCOUNT_SID"]) != bool(values["TWILIO_AUTH_TOKEN"]):
        missing = "TWILIO_AUTH_TOKEN" if values["TWILIO_ACCOUNT_SID"] else "TWILIO_ACCOUNT_SID"
        found.append(f"{missing} is missing: set both it and its partner, or neither to use the local stand-in")
    if values["RECORDINGS_URL"] and urlsplit(values["RECORDINGS_URL"]).scheme not in ("file", "s3", "gs", "az"):
        found.append("RECORDINGS_URL is not a storage address: use file:///folder or s3://bucket/prefix")
    scheme = urlsplit(values["DATABASE_URL"]).scheme
    if values["DATABASE_URL"] and not scheme.startswith(("sqlite", "postgresql", "postgres")):
        found.append("DATABASE_URL is not one Frontdesk can use: use sqlite:///file.db or postgresql://user@host/name")
    if not values["MAX_CALLS"].isdecimal() or int(values["MAX_CALLS"]) < 1:
        found.append(f"MAX_CALLS is {values['MAX_CALLS']!r}: set a number of calls, 1 or more")
    if values["DEBUG"] not in ("0", "1"):
        found.append(f"DEBUG is {values['DEBUG']!r}: set 1 (quiet production, the default) or 0 (development)")
    return found


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in value.split(",") if name.strip())


def _database_url(value: str, home: Path) -> str:
    if not value:
        return f"sqlite:///{home / 'frontdesk.db'}"
    for prefix in ("postgresql://", "postgres://"):
        if value.startswith(prefix):
            return "postgresql+psycopg://" + value.removeprefix(prefix)
    return value
