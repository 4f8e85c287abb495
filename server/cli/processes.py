"""`serve`, `worker`, `engine`: the processes of an installation."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from server.cli.supervisor import NotReady, Supervisor, ensure_port_free, free_port, interrupts_as_exit
from server.config.local import with_local_parts
from server.config.settings import LOCAL_ENGINE_URL, Settings, load

ENGINE_PORT = 8011
READY_S = 60


@dataclass(frozen=True, slots=True)
class Installation:
    """A running Frontdesk: where it answers, its children and the environment they share."""

    url: str
    settings: Settings
    supervisor: Supervisor
    environment: Mapping[str, str]

    def start_worker(self) -> None:
        """Start the worker; it is not needed before a call has ended."""
        self.supervisor.start("worker", "worker")

    def attach(self) -> None:
        """Let this process use the installation's database and ports."""
        from server import bootstrap

        bootstrap.build(self.settings)


def start_all(
    *, host: str, port: int, extra: Mapping[str, str] | None = None, log: Callable[[str], None] = click.echo,
    output: Path | None = None,
) -> Installation:  # fmt: skip
    """Start the web server and, without a model provider, the local engine as children; `start_worker` follows.

    The parent imports nothing heavy, so that the children have the machine to themselves; the web server brings the
    database to the newest schema.
    """
    ensure_port_free(host, port, "--port")
    environment = dict(os.environ) | dict(extra or {})
    local = f"http://127.0.0.1:{port}"
    environment.setdefault("PUBLIC_URL", local)
    supervisor = Supervisor(environment, log, output)
    if load(environment).uses_local_engine:
        engine_port = free_port(ENGINE_PORT)
        environment["OPENAI_BASE_URL"] = LOCAL_ENGINE_URL.replace(str(ENGINE_PORT), str(engine_port))
        supervisor.start("engine", "engine", "--port", str(engine_port))
    settings = with_local_parts(load(environment))
    supervisor.start("web server", "web", "--host", host, "--port", str(port))
    return Installation(local, settings, supervisor, environment)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--no-worker", is_flag=True, help="Leave the post-call jobs to workers started elsewhere.")
def serve(host: str, port: int, no_worker: bool) -> None:
    """Start everything on this machine: web server, worker and, without a model provider, the local engine.

    Prints a one-time link into the console. Ctrl-C ends all of it.
    """
    interrupts_as_exit()
    installation = start_all(host=host, port=port, log=_say)
    try:
        installation.supervisor.wait_ready(f"{installation.url}/healthz", 60)
        if not no_worker:
            installation.start_worker()
        installation.attach()
        click.echo(f"Frontdesk answers at {installation.settings.public_url}")
        click.echo(f"Console (one-time link, 15 minutes): {login_link(installation.settings.public_url)}")
        if any(child.name == "engine" for child in installation.supervisor.children):
            click.echo("Voice: the local engine (set OPENAI_API_KEY to use OpenAI)")
        _say_when_ready(installation)
        while True:
            installation.supervisor.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        click.echo("Stopping …")
    finally:
        installation.supervisor.stop()


def _say_when_ready(installation: Installation) -> None:
    """A model server that is down is told, and does not stop the rest: it may come back."""
    try:
        installation.supervisor.wait_ready(f"{installation.url}/readyz", READY_S)
    except NotReady as problem:
        click.echo(f"Not ready for calls yet: {problem.message}", err=True)
        click.echo("Callers hear an apology until it is. Ctrl-C stops everything.", err=True)
        return
    click.echo("Ready for calls. Ctrl-C stops everything.")


def login_link(address: str) -> str:
    """A new one-time link into the console at this address."""
    from server.db import db
    from server.services import access

    with db.scope() as session:
        token = access.create_login_link()
        session.commit()
    return f"{address}/login?token={token}"


@click.command()
def worker() -> None:
    """Run the post-call jobs: fetch recordings, transcribe, summarise."""
    from server import bootstrap, logging_setup
    from server import worker as process

    settings = load()
    logging_setup.configure("worker", development=settings.development)
    bootstrap.upgrade(settings)
    process.run(bootstrap.build(settings))


@click.command(hidden=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
def web(host: str, port: int) -> None:
    """Run one web process alone: webhooks, media streams, API and console."""
    from server import asgi, logging_setup

    settings = load()
    logging_setup.configure("web", development=settings.development)
    ensure_port_free(host, port, "--port")
    asgi.run(settings, host=host, port=port)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=ENGINE_PORT, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
@click.option("--api-key", envvar="ENGINE_API_KEY", show_envvar=True, help="Bearer key that clients must send.")
def engine(host: str, port: int, api_key: str | None) -> None:
    """Run the local speech engine, which answers as OpenAI's API would."""
    from engine.main import run

    run(host, port, api_key)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a terminal program's voice
