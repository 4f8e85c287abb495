"""`frontdesk tool` and `frontdesk target`: what a business's calls can do is set up from the terminal."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server import bootstrap, ports
from server.cli import main as frontdesk
from server.config.settings import Settings
from server.db import db
from server.models_sql import Business, HttpTool, TransferTarget
from tests.support.tools import FakeWeb, json_answer

PHONE = "+441632960101"
SECRET = "s3cret-value-1"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("FRONTDESK_HOME", str(tmp_path))
    yield tmp_path
    ports.install(None)
    db.dispose()


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(frontdesk, list(arguments), input=input)


@pytest.fixture
def salon(home: Path) -> None:
    run("business", "add", "--name", "Harbour Hair", "--phone", PHONE)


def _add(*more: str, input: str | None = None) -> Result:
    return run(
        "tool", "add", "--business", PHONE, "--name", "order_status", "--description", "Tell about an order.",
        "--url", "https://crm.example.com/orders/{order}", *more, input=input,
    )  # fmt: skip


SCHEMA = json.dumps({"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]})


def test_a_tool_is_allowed_added_listed_tried_and_removed(
    home: Path, salon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "schema.json").write_text(SCHEMA)
    more = ["--parameters", f"@{home / 'schema.json'}", "--header", "X-Key={secret:crm}", "--secret", "crm"]
    refused = _add(*more, input=f"{SECRET}\n")
    assert refused.exit_code == 1 and "run `frontdesk tool allow https://crm.example.com` first" in refused.output
    assert "may reach https://crm.example.com." in run("tool", "allow", "crm.example.com", "--business", PHONE).output
    added = _add(*more, input=f"{SECRET}\n")
    assert added.exit_code == 0 and "Saved order_status." in added.output and SECRET not in added.output
    with db.scope(write=False):
        assert HttpTool.query.one().secrets == {"crm": SECRET}
    listed = run("tool", "list", "--business", PHONE).output
    assert "on   order_status  GET https://crm.example.com/orders/{order}" in listed and SECRET not in listed
    assert "Hosts: https://crm.example.com" in listed

    web = FakeWeb()
    build = bootstrap.build

    def with_fake_web(settings: Settings) -> Settings:
        built = build(settings)
        ports.install(dataclasses.replace(ports.current(), web=web))
        return built

    monkeypatch.setattr(bootstrap, "build", with_fake_web)
    web.answers = [json_answer('{"message": "Shipped."}')]
    tried = run("tool", "test", "order_status", "--business", PHONE, "--arguments", '{"order": "7"}')
    assert tried.exit_code == 0 and json.loads(tried.output)["message"] == "Shipped."
    assert web.asked[0].url == "https://crm.example.com/orders/7"
    bad = run("tool", "test", "order_status", "--business", PHONE)
    assert bad.exit_code == 1 and "order is missing" in bad.output
    assert "no HTTP tool 'x'" in run("tool", "test", "x", "--business", PHONE).output

    assert "Removed order_status." in run("tool", "remove", "order_status", "--business", PHONE).output
    assert run("tool", "remove", "order_status", "--business", PHONE).exit_code == 1
    assert run("tool", "forbid", "crm.example.com", "--business", PHONE).exit_code == 0
    assert run("tool", "forbid", "crm.example.com", "--business", PHONE).exit_code == 1


def test_a_secret_comes_from_a_file_or_a_prompt_and_never_from_the_command_line(home: Path, salon: None) -> None:
    run("tool", "allow", "crm.example.com", "--business", PHONE)
    shown = _add("--parameters", SCHEMA, "--header", "X-Key={secret:crm}", "--secret", f"crm={SECRET}")
    assert shown.exit_code == 2 and "no place for a secret" in shown.output
    (home / "crm.txt").write_text(f"{SECRET}\n")
    filed = _add("--parameters", SCHEMA, "--header", "X-Key={secret:crm}", "--secret", f"crm=@{home / 'crm.txt'}")
    assert filed.exit_code == 0
    missing = _add("--parameters", SCHEMA, "--secret", f"crm=@{home / 'nothing.txt'}")
    assert missing.exit_code == 2 and "can't be read" in missing.output
    assert "this is not JSON" in _add("--parameters", "{").output
    assert "is not NAME=VALUE" in _add("--header", "X-Key").output


def test_a_built_in_tool_is_turned_off_and_on(home: Path, salon: None) -> None:
    assert "take_message is off." in run("tool", "off", "take_message", "--business", PHONE).output
    assert "off  take_message" in run("tool", "list", "--business", PHONE).output
    assert "take_message is on." in run("tool", "on", "take_message", "--business", PHONE).output
    assert "must be able to end" in run("tool", "off", "end_call", "--business", PHONE).output
    assert "no business has the number" in run("tool", "off", "end_call", "--business", "+441632960199").output


def test_colleagues_are_added_listed_and_removed(home: Path, salon: None) -> None:
    assert "No colleague yet" in run("target", "list", "--business", PHONE).output
    add = ["target", "add", "--business", PHONE, "--name", "Anna", "--purpose", "colouring"]
    assert "Saved Anna (+441632960102, warm)." in run(*add, "--phone", "+44 1632 960102").output
    assert "phone 'x' is not a phone number" in run(*add, "--phone", "x").output
    assert "+441632960102    warm  Anna  colouring" in run("target", "list", "--business", PHONE).output
    assert "(+441632960102, cold)" in run(*add, "--phone", "+441632960102", "--cold").output
    assert run("target", "remove", "anna", "--business", PHONE).exit_code == 0
    assert run("target", "remove", "anna", "--business", PHONE).exit_code == 1
    with db.scope(write=False):
        assert TransferTarget.query.count() == 0


def test_a_business_is_given_its_services_and_rules(home: Path) -> None:
    add = ["business", "add", "--name", "Harbour Hair", "--phone", PHONE]
    rules = ["--slot-minutes", "15", "--book-ahead-days", "60", "--least-notice-minutes", "120"]
    done = run(*add, *rules, "--service", "Cut and blow-dry=45,45 pounds", "--service", "Perm=120")
    assert done.exit_code == 0
    with db.scope(write=False):
        row = Business.query.one()
    assert row.services == [
        {"name": "Cut and blow-dry", "minutes": 45, "price": "45 pounds"},
        {"name": "Perm", "minutes": 120},
    ]
    assert (row.slot_minutes, row.book_ahead_days, row.least_notice_minutes) == (15, 60, 120)
    assert "'Perm' is not NAME=MINUTES[,PRICE]" in run(*add, "--service", "Perm").output
    assert "no multiple of 5" in run(*add, "--slot-minutes", "7").output
