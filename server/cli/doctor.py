"""`frontdesk doctor`: every setting with its source, and what is wrong."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from server.config.settings import Settings, SettingsError, described, load


@click.command()
def doctor() -> None:
    """Print every setting with its source, secrets masked, and say what is wrong and what to do."""
    found: list[str] = []
    settings: Settings | None = None
    try:
        settings = load()
    except SettingsError as problem:
        found.extend(str(problem).splitlines())
    for given in described():
        spec = given.spec
        click.echo(f"{spec.name:<20} {_shown(given.value, spec.secret):<40} {given.source:<12} {spec.purpose}")
    if settings is not None:
        click.echo(f"\n{'database':<20} {_without_password(settings.database_url)}")
        click.echo(f"{'recordings':<20} {settings.recordings_url}")
        click.echo(f"{'voice':<20} {settings.model_base_url} ({settings.realtime_model})")
        click.echo(f"{'telephony':<20} {settings.twilio_url or 'Twilio'}")
        found.extend(_checks(settings))
    click.echo("")
    for line in found:
        click.echo(f"✗ {line}")
    if found:
        sys.exit(1)
    click.echo("✓ nothing is wrong")


def _shown(value: str, secret: bool) -> str:
    if not value:
        return "(not set)"
    return f"{value[:2]}…{value[-2:]} ({len(value)} characters)" if secret else value


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


def _checks(settings: Settings) -> list[str]:
    found = [*_database(settings), *_folder(settings.home)]
    if not settings.uses_standin and not settings.public_url.startswith("https://"):
        found.append("PUBLIC_URL is not https: Twilio opens media streams on wss:// only")
    if settings.openai_api_key and settings.openai_base_url == "" and not settings.openai_api_key.startswith("sk-"):
        found.append("OPENAI_API_KEY does not look like an OpenAI key (sk-…): check it")
    if shutil.disk_usage(_existing(settings.home)).free < 1_000_000_000:
        found.append(f"less than 1 GB is free under {settings.home}: recordings need room")
    return found


def _database(settings: Settings) -> list[str]:
    from sqlalchemy.exc import SQLAlchemyError

    from server import migrations
    from server.db import db

    if settings.database_url.startswith("sqlite:///") and not Path(settings.database_url[10:]).exists():
        return []
    try:
        engine = db.configure(settings.database_url)
        old = migrations.pending(engine)
    except SQLAlchemyError as problem:
        return [f"DATABASE_URL can't be used ({type(problem).__name__}): check the address and that the server runs"]
    return ["the database's schema is old: run `frontdesk db upgrade`"] if old else []


def _folder(home: Path) -> list[str]:
    if os.access(_existing(home), os.W_OK):
        return []
    return [f"FRONTDESK_HOME {home} can't be written: choose another folder or its owner"]


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
