"""The `frontdesk` command: help everywhere, errors a person can mend, and the stand-in account of its own."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server import ports
from server.cli import doctor, manage, processes
from server.cli import main as frontdesk
from server.cli.supervisor import ensure_port_free, free_port, probe
from server.db import db
from server.models_sql import ApiKey, Business, OutboundCall
from server.services import outbound_calls

COMMANDS = [
    [],
    ["serve"],
    ["worker"],
    ["engine"],
    ["db"],
    ["db", "upgrade"],
    ["business", "add"],
    ["business", "list"],
    ["business", "update"],
    ["call"],
    ["apikey", "create"],
    ["number", "connect"],
    ["doctor"],
    ["login"],
    ["tool", "list"],
    ["tool", "add"],
    ["tool", "remove"],
    ["tool", "test"],
    ["tool", "allow"],
    ["tool", "forbid"],
    ["tool", "on"],
    ["tool", "off"],
    ["target", "add"],
    ["target", "remove"],
    ["target", "list"],
    ["demo"],
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("FRONTDESK_HOME", str(tmp_path))
    yield tmp_path
    ports.install(None)
    db.dispose()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(frontdesk, list(arguments))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0 and "Usage: " in result.output
    assert len(result.output.splitlines()) > 3


def test_a_business_is_added_listed_and_updated(home: Path) -> None:
    assert "No business yet. Add one" in run("business", "list").output
    add = ["business", "add", "--name", "Harbour Hair", "--phone", "+44 1632 960101", "--hours", "monday=09:00-18:00"]
    assert "Saved Harbour Hair (+441632960101)." in run(*add).output
    assert "+441632960101" in run("business", "list").output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--phone", "123"], "phone '123' is not a phone number"),
        (["--phone", "+441632960101", "--hours", "monday"], "'monday' is not DAY=HH:MM-HH:MM"),
        (["--phone", "+441632960101", "--timezone", "Mars"], "timezone 'Mars' is not known"),
    ],
)
def test_a_bad_business_is_told_by_field(home: Path, options: list[str], says: str) -> None:
    result = run("business", "add", "--name", "X", *options)
    assert result.exit_code != 0 and says in result.output


def test_a_business_s_calls_are_set_and_cleared(home: Path) -> None:
    run("business", "add", "--name", "Harbour Hair", "--phone", "+441632960101", "--max-calls", "3")
    options = ["--fallback-number", "+441632960177", "--voicemail-message", "Call us.", "--call-country", "gb"]
    assert "Saved Harbour Hair" in run("business", "update", "+441632960101", *options).output
    with db.scope(write=False):
        row = Business.query.one()
    assert (row.max_calls, row.fallback_number, row.voicemail_message) == (3, "+441632960177", "Call us.")
    assert row.outbound_countries == ["GB"]
    run("business", "update", "+441632960101", "--fallback-number", "")
    with db.scope(write=False):
        assert Business.query.one().fallback_number is None
    assert "outbound_countries: 'XX' is no country" in run("business", "update", "+441632960101", "--call-country",
                                                           "xx").output  # fmt: skip
    assert "no business has the number" in run("business", "update", "+441632960199").output


def test_a_call_is_asked_for_once(home: Path) -> None:
    run("business", "add", "--name", "Harbour Hair", "--phone", "+441632960101")
    ask = ["call", "--to", "+447700900123", "--business", "+441632960101", "--dedup-key", "order-1"]
    first, again = run(*ask), run(*ask)
    assert first.exit_code == again.exit_code == 0 and first.output == again.output
    assert re.fullmatch(r"oc_[0-9a-f]{32}  queued\n", first.output)
    other = run(*ask, "--purpose", "another thing")
    assert other.exit_code == 1 and "dedup_key was used for another call" in other.output
    abroad = run("call", "--to", "+33142685300", "--business", "1", "--dedup-key", "order-2")
    assert abroad.exit_code == 1 and "to is a number of FR" in abroad.output
    assert "no business has the number or id 7" in run(*ask[:4], "7", *ask[5:]).output


def test_waiting_for_a_call_shows_its_states_and_ends_with_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("business", "add", "--name", "Harbour Hair", "--phone", "+441632960101")

    def meanwhile(_: float) -> None:
        with db.scope() as session:
            outbound_calls.refuse(str(session.query(OutboundCall).one().request_id), "no permission")
            session.commit()

    monkeypatch.setattr("server.cli.calls.time.sleep", meanwhile)
    done = run("call", "--to", "+447700900123", "--business", "1", "--dedup-key", "k", "--wait")
    assert done.exit_code == 1
    assert [line.split("  ")[1] for line in done.output.splitlines()] == ["queued", "refused: no permission"]


def test_a_key_is_printed_once_and_bound_to_its_business(home: Path) -> None:
    run("business", "add", "--name", "Harbour Hair", "--phone", "+441632960101")
    result = run("apikey", "create", "--name", "crm", "--business", "+441632960101")
    assert result.output.startswith("fd_")
    with db.scope(write=False):
        assert ApiKey.query.one().business_id == 1
    unknown = run("apikey", "create", "--name", "crm", "--business", "+441632960199")
    assert unknown.exit_code == 1 and "see `frontdesk business list`" in unknown.output


def test_a_number_can_t_be_connected_without_an_account(home: Path) -> None:
    result = run("number", "connect", "+441632960101")
    assert result.exit_code == 1 and "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN" in result.output


def test_doctor_masks_secrets_and_names_what_is_wrong(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-key")
    good = run("doctor")
    assert good.exit_code == 0 and "nothing is wrong" in good.output
    assert "very-secret" not in good.output and "sk…ey (18 characters)" in good.output
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")
    bad = run("doctor")
    assert bad.exit_code == 1 and "TWILIO_AUTH_TOKEN is missing" in bad.output


def test_a_bad_setting_is_one_clear_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "2")
    result = run("business", "list")
    assert result.exit_code == 1 and result.output.startswith("Error: DEBUG is '2': set 1")


def test_login_prints_a_link(home: Path) -> None:
    assert run("login").output.startswith("http://127.0.0.1:8000/login?token=")


def test_a_port_in_use_is_told_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Exception, match=f"port {port} on 127.0.0.1 can't be used .* choose another with --port"):
            ensure_port_free("127.0.0.1", port, "--port")
        assert free_port(port) != port
        ready, answer = probe("http://127.0.0.1:1/")
    assert not ready and "refused" in answer


def test_every_command_is_known_to_the_group() -> None:
    assert {"serve", "worker", "engine", "web", "db", "business", "apikey", "number", "login", "doctor", "demo"} <= set(
        frontdesk.commands
    )
    assert manage.business.name == "business" and doctor.doctor.name == "doctor" and processes.web.hidden
