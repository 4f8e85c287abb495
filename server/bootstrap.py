"""The only file that names concrete adapters: it opens the database and gives a process its ports."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from server import migrations, ports, routes_twilio
from server.adapters.blobs import open_store
from server.adapters.job_queue import DbosQueue, prepare
from server.adapters.openai_http import OpenAITranscriber, OpenAIWriter
from server.adapters.openai_realtime import OpenAIRealtime
from server.adapters.openai_speech import OpenAISpeaker
from server.adapters.twilio_rest import TwilioTelephony
from server.adapters.web_tools import SafeWeb
from server.config.local import with_local_parts
from server.config.settings import Settings
from server.db import db

KEYLESS = "local"
"""What is sent as the key to a local server that asks for none."""


class SystemClock:
    """Wall-clock time."""

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)


class NotMigrated(RuntimeError):
    """The database's schema is older than this code."""


def upgrade(settings: Settings) -> None:
    """Create the folders and bring the database to the newest schema, the job engine's tables included."""
    settings.home.mkdir(parents=True, exist_ok=True)
    _sqlite_folder(settings.database_url)
    engine = db.configure(settings.database_url)
    migrations.upgrade(engine)
    prepare(settings.database_url)


def build(settings: Settings) -> Settings:
    """Open the database and install the ports of this process; returns the completed settings. Raises `NotMigrated`."""
    settings = with_local_parts(settings)
    engine = db.configure(settings.database_url)
    if migrations.pending(engine):
        raise NotMigrated("the database's schema is not the newest: run `frontdesk db upgrade`")
    key = settings.openai_api_key or KEYLESS
    ports.install(
        ports.Ports(
            telephony=TwilioTelephony(
                settings.twilio_account_sid, settings.twilio_auth_token, settings.twilio_api_base
            ),
            transcriber=OpenAITranscriber(settings.model_base_url, key, settings.transcription_model),
            writer=OpenAIWriter(settings.model_base_url, key, settings.text_model),
            blobs=open_store(settings.recordings_url),
            jobs=DbosQueue(engine),
            clock=SystemClock(),
            cache_dir=settings.home / "cache",
            public_url=settings.public_url,
            media_url=settings.media_url,
            realtime=OpenAIRealtime(
                base_url=settings.model_base_url,
                api_key=key,
                model=settings.realtime_model,
                transcription_model=settings.transcription_model,
            ),
            apply_event=routes_twilio.apply_event,
            speaker=OpenAISpeaker(settings.model_base_url, key, settings.speech_model),
            max_calls=settings.max_calls,
            web=SafeWeb(private_hosts=settings.tool_private_hosts),
        )
    )
    return settings


def _sqlite_folder(url: str) -> None:
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
