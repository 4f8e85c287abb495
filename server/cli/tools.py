"""`tool` and `target`: what the agent can do in a business's calls, and whom it can put callers through to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from server.cli.manage import installation

if TYPE_CHECKING:
    from server.models_sql import Business

_of_business = click.option("--business", "phone", required=True, help="The business's number, in E.164.")


@contextmanager
def _business(phone: str) -> Iterator[Business]:
    """The business with this number, in an open scope; what a person can mend becomes one clear line."""
    from server.services import businesses

    with installation():
        row = businesses.business_for_number(phone)
        if row is None:
            raise click.ClickException(f"no business has the number {phone}: see `frontdesk business list`")
        try:
            yield row
        except ValueError as problem:
            raise click.ClickException(str(problem)) from problem


@click.group()
def tool() -> None:
    """What the agent can do in a business's calls: built-in tools, and HTTP tools of its own."""


@tool.command("list")
@_of_business
def list_tools(phone: str) -> None:
    """List a business's tools and the hosts that its own ones may reach. Secrets are never shown."""
    from server.services.tools import http_tools, specs

    with _business(phone) as row:
        for name in specs.NAMES:
            click.echo(f"{'off' if name in row.tools_off else 'on':<4} {name}")
        for own in http_tools.list_tools(row.id):
            click.echo(f"{'off' if own.name in row.tools_off else 'on':<4} {own.name}  {own.method} {own.url}")
        click.echo(f"Hosts: {', '.join(row.tool_hosts) or 'none'}")


@tool.command()
@_of_business
@click.option("--name", required=True, help="What the model calls it: small letters, digits and _.")
@click.option("--description", required=True, help="What it tells, and when to use it.")
@click.option("--url", required=True, help="Its address; {placeholders} in the path and in query values.")
@click.option("--method", default="GET", show_default=True, help="GET, or POST with the other arguments as JSON.")
@click.option("--parameters", help="JSON Schema of the arguments, or @FILE.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header; {secret:NAME} in its value.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME[=@FILE]", help="A secret; asked for, or from a file.")
@click.option("--timeout-ms", default=5000, show_default=True, help="How long it may take.")
@click.option("--max-bytes", default=65_536, show_default=True, help="How long its answer may be.")
def add(
    phone: str, name: str, description: str, url: str, method: str, parameters: str | None, headers: tuple[str, ...],
    secrets: tuple[str, ...], timeout_ms: int, max_bytes: int,
) -> None:  # fmt: skip
    """Add an HTTP tool, or replace the one of this name. Its host must be allowed first: `frontdesk tool allow`."""
    from server.services.tools import http_tools

    given = {
        "parameters": _json(parameters, "--parameters") if parameters else None,
        "headers": dict(_pair(one, "--header") for one in headers),
        "secrets": dict(_secret(one) for one in secrets),
    }
    with _business(phone) as row:
        http_tools.save_tool(
            row.id, name=name, description=description, url=url, method=method, timeout_ms=timeout_ms,
            max_bytes=max_bytes, **given,
        )  # fmt: skip
    click.echo(f"Saved {name}. The next call can use it; try it: frontdesk tool test {name} --business {phone}")


@tool.command()
@click.argument("name")
@_of_business
def remove(name: str, phone: str) -> None:
    """Remove an HTTP tool with its secrets."""
    from server.services.tools import http_tools

    with _business(phone) as row:
        if not http_tools.remove_tool(row.id, name):
            raise click.ClickException(f"there is no HTTP tool {name!r}: see `frontdesk tool list --business {phone}`")
    click.echo(f"Removed {name}.")


@tool.command()
@click.argument("name")
@_of_business
@click.option("--arguments", default="{}", help="Its arguments as JSON, or @FILE.  [default: {}]")
def test(name: str, phone: str, arguments: str) -> None:
    """Run an HTTP tool once, outside any call, and print what the model would be given."""
    from server.services.tools import try_out

    text = _text(arguments, "--arguments")
    with _business(phone) as row:
        answer = try_out.try_tool(row, name, text)
    click.echo(answer.as_json())
    if not answer.ok:
        raise SystemExit(1)


@tool.command()
@click.argument("host")
@_of_business
def allow(host: str, phone: str) -> None:
    """Let the business's tools reach HOST: api.example.com, with its port, or http://… where there is no https."""
    from server.services.tools import http_tools

    with _business(phone) as row:
        origin = http_tools.allow_host(row.id, host)
    click.echo(f"Tools may reach {origin}.")


@tool.command()
@click.argument("host")
@_of_business
def forbid(host: str, phone: str) -> None:
    """Take a host back; tools that lead there stop working."""
    from server.services.tools import http_tools

    with _business(phone) as row:
        if not http_tools.forbid_host(row.id, host):
            raise click.ClickException(f"{host} was not allowed: see `frontdesk tool list --business {phone}`")
    click.echo(f"Tools may no longer reach {host}.")


@tool.command()
@click.argument("name")
@_of_business
def on(name: str, phone: str) -> None:
    """Turn a tool on."""
    _switch(phone, name, on=True)


@tool.command()
@click.argument("name")
@_of_business
def off(name: str, phone: str) -> None:
    """Turn a tool off."""
    _switch(phone, name, on=False)


def _switch(phone: str, name: str, *, on: bool) -> None:
    from server.services.tools import http_tools

    with _business(phone) as row:
        http_tools.switch(row.id, name, on=on)
    click.echo(f"{name} is {'on' if on else 'off'}.")


@click.group()
def target() -> None:
    """Colleagues and departments that callers can be put through to."""


@target.command("add")
@_of_business
@click.option("--name", required=True, help="What callers ask for: Anna, Accounts.")
@click.option("--phone", "number", required=True, help="The number, in E.164; the model never sees it.")
@click.option("--purpose", help="What they are for, in a few words for the model.")
@click.option(
    "--warm/--cold", default=True, show_default=True,
    help="Warm: told what it is about, they accept by key. Cold: connected at once.",
)  # fmt: skip
def add_target(phone: str, name: str, number: str, purpose: str | None, warm: bool) -> None:
    """Add a colleague, or update the one of this name."""
    from server.services import transfer_targets

    with _business(phone) as row:
        saved = transfer_targets.save_target(row.id, name, number, purpose, warm=warm)
        click.echo(f"Saved {saved.name} ({saved.phone_e164}, {'warm' if saved.warm else 'cold'}).")


@target.command("remove")
@click.argument("name")
@_of_business
def remove_target(name: str, phone: str) -> None:
    """Remove a colleague."""
    from server.services import transfer_targets

    with _business(phone) as row:
        if not transfer_targets.remove_target(row.id, name):
            raise click.ClickException(
                f"there is no colleague {name!r}: see `frontdesk target list --business {phone}`"
            )
    click.echo(f"Removed {name}.")


@target.command("list")
@_of_business
def list_targets(phone: str) -> None:
    """List a business's colleagues."""
    from server.services import transfer_targets

    with _business(phone) as row:
        rows = transfer_targets.list_targets(row.id)
        if not rows:
            click.echo("No colleague yet. Add one: frontdesk target add --business … --name … --phone +44…")
        for one in rows:
            how = "warm" if one.warm else "cold"
            click.echo(f"{one.phone_e164:<16} {how}  {one.name}{'  ' + one.purpose if one.purpose else ''}")


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
    return name.strip(), value.strip()


def _secret(text: str) -> tuple[str, str]:
    """A secret's value from a file or a hidden prompt: never from the command line, which others can list."""
    name, equals, value = text.partition("=")
    if not equals:
        return name, click.prompt(f"Secret {name}", hide_input=True)
    if not value.startswith("@"):
        raise click.BadParameter(
            f"give {name} alone and type the value, or {name}=@FILE: a command line is no place for a secret",
            param_hint="--secret",
        )
    return name, _text(value, "--secret").strip()


def _json(text: str, option: str) -> Any:
    try:
        return json.loads(_text(text, option))
    except ValueError as problem:
        raise click.BadParameter(f"this is not JSON: {problem}", param_hint=option) from problem


def _text(text: str, option: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text()
    except OSError as problem:
        raise click.BadParameter(f"{text[1:]} can't be read: {problem.strerror}", param_hint=option) from problem
