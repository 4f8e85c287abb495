"""The web process's own answers: health, readiness, static files, and one form for every error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from server.db import db
from tests.support import console as seed


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with seed.installation(tmp_path) as app:
        yield TestClient(app, raise_server_exceptions=False)


def test_health_is_the_process_s(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readiness_names_an_old_schema(client: TestClient) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == "the schema is old: run `frontdesk db upgrade`"


def test_readiness_names_a_database_that_can_t_be_reached(client: TestClient, tmp_path: Path) -> None:
    db.configure(f"sqlite:///{tmp_path / 'gone' / 'x.db'}")
    assert client.get("/readyz").json()["parts"]["database"].startswith("can't be reached")


def test_our_files_are_of_the_type_they_say(client: TestClient) -> None:
    answer = client.get("/static/app.css")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/css")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("path", "code"), [("/nothing", "not_found"), ("/api/v1/calls", "unauthorised")])
def test_every_error_has_one_form(client: TestClient, path: str, code: str) -> None:
    error = client.get(path).json()["error"]
    assert set(error) == {"code", "message", "remedy"} and error["code"] == code


def test_an_error_nobody_caught_says_where_to_look_and_nothing_more(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.store.call_views.calls_page", lambda **_: 1 / 0)
    answer = client.get("/api/v1/calls", headers={"Authorization": f"Bearer {_key()}"})
    assert answer.status_code == 500
    assert answer.json()["error"] == {
        "code": "internal",
        "message": "the request failed; the server's log says why",
        "remedy": None,
    }


def _key() -> str:
    from server.services import access

    with db.scope() as session:
        key = access.create_api_key("test")
        session.commit()
    return key
