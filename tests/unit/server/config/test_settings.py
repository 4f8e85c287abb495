"""Settings: read once, checked with the remedy named, secrets never shown."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from server.config.local import signing_secret, standin_account, with_local_parts
from server.config.settings import SettingsError, development, load


def test_the_defaults_need_nothing(tmp_path: Path) -> None:
    settings = load({"FRONTDESK_HOME": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path / 'frontdesk.db'}"
    assert settings.recordings_url == (tmp_path / "recordings").as_uri()
    assert settings.uses_local_engine and settings.uses_standin
    assert settings.media_url == "wss://127.0.0.1:8000/ws/twilio-media"
    assert (settings.realtime_model, settings.transcription_model) == ("gpt-realtime-2.1", "gpt-transcribe")


def test_a_key_alone_means_openai() -> None:
    settings = load({"OPENAI_API_KEY": "sk-x"})
    assert not settings.uses_local_engine
    assert settings.model_base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize(("value", "means"), [("", False), ("1", False), ("0", True)])
def test_debug_is_production_unless_it_is_0(value: str, means: bool) -> None:
    assert development({"DEBUG": value}) is means


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"DEBUG": "true"}, "DEBUG is 'true': set 1"),
        ({"PUBLIC_URL": "desk.example.com"}, "PUBLIC_URL is 'desk.example.com': give a full address"),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, "TWILIO_AUTH_TOKEN is missing"),
        ({"TWILIO_AUTH_TOKEN": "t"}, "TWILIO_ACCOUNT_SID is missing"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL is not one Frontdesk can use"),
        ({"RECORDINGS_URL": "/tmp/x"}, "RECORDINGS_URL is not a storage address"),
    ],
)
def test_a_bad_setting_is_named_with_the_remedy(environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(environ)
    assert says in str(refusal.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refusal:
        load({"DEBUG": "2", "PUBLIC_URL": "x", "TWILIO_ACCOUNT_SID": "AC1"})
    assert len(str(refusal.value).splitlines()) == 3


def test_postgresql_uses_psycopg() -> None:
    assert load({"DATABASE_URL": "postgresql://u@h/d"}).database_url == "postgresql+psycopg://u@h/d"


def test_secrets_are_not_in_a_representation() -> None:
    shown = repr(load({"OPENAI_API_KEY": "sk-secret", "SECRET_KEY": "s3cret"}))
    assert "sk-secret" not in shown and "s3cret" not in shown


def test_what_an_installation_makes_for_itself_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(signing_secret(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1 and len(made[0]) > 40
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0
    assert standin_account(tmp_path) == standin_account(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.key", "standin.json"]


def test_a_configured_account_is_kept(tmp_path: Path) -> None:
    environ = {"FRONTDESK_HOME": str(tmp_path), "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"}
    settings = with_local_parts(load(environ))
    assert (settings.twilio_account_sid, settings.twilio_auth_token, settings.twilio_url) == ("AC1", "t", "")
    assert settings.secret_key


def test_private_hosts_for_tools_are_names_in_a_list() -> None:
    assert load({}).tool_private_hosts == ()
    assert load({"TOOL_PRIVATE_HOSTS": " Intranet.example , ,crm.local"}).tool_private_hosts == (
        "intranet.example",
        "crm.local",
    )
