"""The `frontdesk` command."""

from __future__ import annotations

import os
import sys

import click

from server.cli import calls, demo, doctor, manage, processes, tools
from server.config.local import with_local_parts
from server.config.settings import SettingsError, load


class _Group(click.Group):
    """Turns the errors a person can mend into one clear line and exit code 2."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except SettingsError as problem:
            raise click.ClickException(str(problem)) from problem


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="frontdesk", prog_name="frontdesk")
def main() -> None:
    """Frontdesk: the AI receptionist that a business owner trusts with the phone.

    `frontdesk serve` starts everything on this machine; `frontdesk demo` shows a spoken call.
    """


for command in (
    processes.serve,
    processes.worker,
    processes.engine,
    processes.web,
    manage.db_group,
    manage.business,
    manage.apikey,
    manage.number,
    calls.call,
    manage.login,
    tools.tool,
    tools.target,
    doctor.doctor,
    demo.demo,
):
    main.add_command(command)


def _add_tools() -> None:
    """The simulator and the checker are packages of their own; the server never imports them elsewhere.

    Without a Twilio account `simulate` signs as the installation's own stand-in account.
    """
    from integrity.cli import audit
    from simulator.cli import simulate

    if "simulate" in sys.argv[1:2] and not os.environ.get("TWILIO_AUTH_TOKEN"):
        settings = with_local_parts(load())
        os.environ["TWILIO_ACCOUNT_SID"] = settings.twilio_account_sid
        os.environ["TWILIO_AUTH_TOKEN"] = settings.twilio_auth_token
    main.add_command(audit)
    main.add_command(simulate)


if any(name in sys.argv[1:3] for name in ("audit", "simulate")) or not sys.argv[1:] or sys.argv[1].startswith("-"):
    _add_tools()
