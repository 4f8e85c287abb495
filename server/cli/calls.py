"""`call`: have a number called from the terminal, and watch how it goes."""

from __future__ import annotations

import time
from typing import Any

import click

from server.cli.manage import installation

POLL_S = 0.5


@click.command()
@click.option("--to", required=True, help="Who is called, in E.164 (+447700900123).")
@click.option("--business", "named", required=True, help="Who calls: the business's number or id.")
@click.option("--dedup-key", required=True, help="What names this one call: asked for again, nothing is dialled.")
@click.option("--from", "from_", help="The number that is shown.  [default: the business's]")
@click.option("--purpose", help="What it is about, in words that a machine may be told too.")
@click.option("--instructions", help="For the agent alone, beside the business's own.")
@click.option("--customer-name", help="Who is called, by name.")
@click.option("--voicemail-message", help='Said to an answering machine after its beep; "" hangs up instead.')
@click.option("--machine-detection/--no-machine-detection", default=True, help="Ask for it.  [default: yes]")
@click.option("--time-limit", "time_limit_s", type=click.IntRange(30, 3600), help="Of the call, in seconds.")
@click.option("--wait", is_flag=True, help="Show how it goes, until the end; exit with 1 unless it was completed.")
def call(named: str, wait: bool, time_limit_s: int | None, **asked: Any) -> None:
    """Have a number called, once per --dedup-key; the worker of `frontdesk serve` dials as soon as a line is free."""
    if time_limit_s is not None:
        asked["time_limit_s"] = time_limit_s
    with installation():
        request_id, state = _ask(named, asked)
    click.echo(f"{request_id}  {state}")
    if wait:
        raise SystemExit(0 if _watch(request_id, state) == "completed" else 1)


def _ask(named: str, asked: dict[str, Any]) -> tuple[str, str]:
    """Keep the request with the job that dials it; its id and how far it is."""
    from server.services import businesses, outbound_calls
    from server.tasks_calls import enqueue_dial

    business = businesses.find_business(named)
    if business is None:
        raise click.ClickException(f"no business has the number or id {named}: see `frontdesk business list`")
    try:
        request, new = outbound_calls.request_call(business, outbound_calls.Wish(**asked))
    except (outbound_calls.BadRequest, outbound_calls.OtherRequest) as problem:
        raise click.ClickException(str(problem)) from problem
    if new:
        enqueue_dial(request)
    return request.request_id, _state(request.request_id)


def _watch(request_id: str, state: str) -> str:
    """Print each state, until the last one."""
    from server.db import db
    from server.domain.call_states import is_final

    while not (is_final(state) or state.startswith("refused")):
        time.sleep(POLL_S)
        with db.scope(write=False):
            now = _state(request_id)
        if now != state:
            click.echo(f"{request_id}  {now}")
        state = now
    return state


def _state(request_id: str) -> str:
    """The call's status, or the request's state with the reason, while there is no call."""
    from server.store import calls

    request = calls.request_of(request_id)
    assert request is not None, "a request is never deleted"
    placed = calls.call_of(request.call_sid) if request.call_sid else None
    if placed is not None:
        return placed.status
    return f"{request.state}: {request.reason}" if request.reason else request.state
