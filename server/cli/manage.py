"""`db`, `business`, `apikey`, `number`, `login`: setting an installation up from the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import click

from server.cli.processes import login_link
from server.config.settings import Settings, load


@contextlib.contextmanager
def installation() -> Iterator[Settings]:
    """The installation of this environment, its database at the newest schema, with a scope open."""
    from server import bootstrap
    from server.db import db

    settings = load()
    bootstrap.upgrade(settings)
    settings = bootstrap.build(settings)
    with db.scope() as session:
        yield settings
        session.commit()


@click.group("db")
def db_group() -> None:
    """The database."""


@db_group.command()
def upgrade() -> None:
    """Bring the database to the newest schema (safe to run again, and from several machines at once)."""
    from server import bootstrap

    settings = load()
    bootstrap.upgrade(settings)
    click.echo("The database has the newest schema.")


def _call_options(command: Callable[..., None]) -> Callable[..., None]:
    """How a business takes and makes calls."""
    for option in (
        click.option("--max-calls", type=click.IntRange(0, 10_000), help="Calls it may have at once.  [default: 10]"),
        click.option("--fallback-number", help="Whom to call where the agent fails; else a message is taken."),
        click.option("--voicemail-message", help="What an answering machine is told on calls that we place."),
        click.option("--call-country", "call_countries", multiple=True, metavar="CODE",
                     help="A country it may call, such as GB; give several.  [default: its own]"),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group()
def business() -> None:
    """The businesses this installation answers for."""


@business.command("add")
@click.option("--name", required=True, help="What callers know it as.")
@click.option("--phone", required=True, help="Its number, in E.164 (+441632960101).")
@click.option("--timezone", help="Such as Europe/London.  [default: UTC]")
@click.option("--greeting", help="The first sentence callers hear.")
@click.option("--fact", "facts", multiple=True, help="Something the agent may tell; give several.")
@click.option("--hours", multiple=True, metavar="DAY=HH:MM-HH:MM", help="Opening hours of a day; give several.")
@click.option("--consent", help="What is said about the recording where it starts.")
@click.option("--recording/--no-recording", default=None, help="Record this business's calls.  [default: yes]")
@click.option("--service", "services", multiple=True, metavar="NAME=MINUTES[,PRICE]", help="What can be booked.")
@click.option("--slot-minutes", type=int, help="How far apart appointments start.  [default: 30]")
@click.option("--book-ahead-days", type=int, help="How far ahead can be booked.  [default: 366]")
@click.option("--least-notice-minutes", type=int, help="How long before its start at the latest.  [default: 0]")
@_call_options
def add(
    name: str, phone: str, timezone: str | None, greeting: str | None, facts: tuple[str, ...], hours: tuple[str, ...],
    consent: str | None, recording: bool | None, services: tuple[str, ...], slot_minutes: int | None,
    book_ahead_days: int | None, least_notice_minutes: int | None, **calls: Any,
) -> None:  # fmt: skip
    """Add a business, or update the one with this number: what is not given stays as it is."""
    with installation():
        _save(
            name=name,
            phone_e164=phone,
            timezone=timezone,
            greeting=greeting,
            facts=list(facts) or None,
            hours=_hours(hours) or None,
            consent_announcement=consent,
            record_calls=recording,
            services=[_service(one) for one in services] or None,
            slot_minutes=slot_minutes,
            book_ahead_days=book_ahead_days,
            least_notice_minutes=least_notice_minutes,
            **_of_calls(**calls),
        )


@business.command("update")
@click.argument("phone")
@_call_options
def update(phone: str, **calls: Any) -> None:
    """Change how the business with this number takes and makes calls; what is not given stays as it is.

    An empty text ("") clears a field.
    """
    from server.services import businesses

    with installation():
        found = businesses.business_for_number(phone)
        if found is None:
            raise click.ClickException(f"no business has the number {phone}: see `frontdesk business list`")
        _save(name=found.name, phone_e164=phone, **_of_calls(**calls))


def _save(**values: Any) -> None:
    from server.services import businesses

    try:
        saved = businesses.save_business(**values)
    except ValueError as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(f"Saved {saved.name} ({saved.phone_e164}).")


def _of_calls(
    max_calls: int | None, fallback_number: str | None, voicemail_message: str | None, call_countries: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "max_calls": max_calls,
        "fallback_number": fallback_number,
        "voicemail_message": voicemail_message,
        "outbound_countries": list(call_countries) or None,
    }


@business.command("list")
def list_all() -> None:
    """List the businesses."""
    from server.services import businesses

    with installation():
        rows = businesses.list_businesses()
        if not rows:
            click.echo("No business yet. Add one: frontdesk business add --name … --phone +44…")
        for row in rows:
            click.echo(f"{row.id:>4}  {row.phone_e164:<16} {row.name}")


def _hours(days: tuple[str, ...]) -> dict[str, str]:
    made = {}
    for day in days:
        name, equals, span = day.partition("=")
        if not equals:
            raise click.BadParameter(
                f"{day!r} is not DAY=HH:MM-HH:MM, such as monday=09:00-18:00", param_hint="--hours"
            )
        made[name.strip().lower()] = span.strip()
    return made


def _service(text: str) -> dict[str, Any]:
    name, _, rest = text.rpartition("=")
    minutes, _, price = rest.partition(",")
    if not name.strip() or not minutes.strip().isdecimal():
        raise click.BadParameter(
            f"{text!r} is not NAME=MINUTES[,PRICE], such as 'Cut and blow-dry=45,45 pounds'", param_hint="--service"
        )
    return {"name": name, "minutes": int(minutes), "price": price}


@click.group()
def apikey() -> None:
    """Keys for the API."""


@apikey.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option("--business", "phone", help="Bind it to the business with this number; else it sees all of them.")
def create(name: str, phone: str | None) -> None:
    """Create a key and print it, once."""
    from server.services import access, businesses

    with installation():
        owner = businesses.business_for_number(phone) if phone else None
        if phone and owner is None:
            raise click.ClickException(f"no business has the number {phone}: see `frontdesk business list`")
        key = access.create_api_key(name, owner.id if owner else None)
    click.echo(key)


@click.group()
def number() -> None:
    """Phone numbers at Twilio."""


@number.command()
@click.argument("phone")
def connect(phone: str) -> None:
    """Point a Twilio number's webhooks at PUBLIC_URL."""
    from server import ports

    if load().uses_standin:
        raise click.ClickException(
            "no Twilio account is set: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (the stand-in needs no number)"
        )
    with installation() as settings:
        if not settings.public_url.startswith("https://") and settings.twilio_url == "":
            raise click.ClickException(
                f"PUBLIC_URL is {settings.public_url}, which Twilio can't reach: set it to an https address"
            )
        try:
            sid = ports.current().telephony.connect_number(
                phone, f"{settings.public_url}/webhook/voice", f"{settings.public_url}/webhook/call_status"
            )
        except ports.ProviderError as problem:
            raise click.ClickException(str(problem)) from problem
    click.echo(f"{phone} ({sid}) now calls {settings.public_url}/webhook/voice")


@click.command()
def login() -> None:
    """Print a one-time link into the console."""
    with installation() as settings:
        pass
    click.echo(login_link(settings.public_url))
