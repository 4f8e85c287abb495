"""Who gets into the console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from itsdangerous import TimestampSigner

from tests.support.console import SECRET, installation, login_token, sign_in

COOKIE = "frontdesk_session"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with installation(tmp_path) as made:
        yield made


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, follow_redirects=False)


def test_a_stranger_is_sent_to_the_sign_in_page_that_says_how(client: TestClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert "frontdesk login" in client.get("/login").text


def test_a_link_is_not_used_up_by_looking_at_it(client: TestClient) -> None:
    token = login_token()
    for _ in range(3):
        page = client.get("/login", params={"token": token})
        assert (page.status_code, token in page.text) == (200, True)
        assert COOKIE not in client.cookies
    assert client.post("/login", data={"token": token}).headers["Location"] == "/"
    assert client.get("/").status_code == 200


def test_a_link_opens_one_session(app: FastAPI, client: TestClient) -> None:
    token = login_token()
    assert client.post("/login", data={"token": token}).status_code == 303
    second = TestClient(app, follow_redirects=False)
    refused = second.post("/login", data={"token": token})
    assert refused.status_code == 403
    assert "used already" in refused.text
    assert second.get("/").status_code == 303


def test_an_old_link_opens_nothing(client: TestClient) -> None:
    assert client.post("/login", data={"token": login_token(minutes=-1)}).status_code == 403


@pytest.mark.parametrize("token", ["", "wrong", "<script>alert(1)</script>"])
def test_a_wrong_link_opens_nothing_and_is_not_repeated(client: TestClient, token: str) -> None:
    answer = client.post("/login", data={"token": token})
    assert answer.status_code in (403, 422)
    assert "<script>alert" not in answer.text
    assert client.get("/").status_code == 303


def test_the_cookie_is_not_for_scripts_nor_for_other_sites(client: TestClient) -> None:
    cookie = client.post("/login", data={"token": login_token()}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_never_travels_without_it(tmp_path: Path) -> None:
    with installation(tmp_path, public_url="https://desk.example.com") as app:
        client = TestClient(app, base_url="https://desk.example.com", follow_redirects=False)
        assert "Secure" in client.post("/login", data={"token": login_token()}).headers["Set-Cookie"]


@pytest.mark.parametrize(
    "cookie",
    [
        "console",
        TimestampSigner("another secret", salt="frontdesk.console").sign("console").decode(),
        TimestampSigner(SECRET, salt="another purpose").sign("console").decode(),
        TimestampSigner(SECRET, salt="frontdesk.console").sign("something else").decode(),
    ],
)
def test_a_cookie_made_elsewhere_opens_nothing(client: TestClient, cookie: str) -> None:
    client.cookies.set(COOKIE, cookie)
    assert client.get("/").status_code == 303


def test_signing_out_closes_the_session(client: TestClient) -> None:
    sign_in(client)
    assert client.get("/login").headers["Location"] == "/"
    assert client.post("/logout").headers["Location"] == "/login"
    assert client.get("/").status_code == 303
