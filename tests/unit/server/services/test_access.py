"""Keys, links and sessions: single use, hashed, and signed."""

from __future__ import annotations

from server.db import Database
from server.models_sql import ApiKey, LoginLink
from server.services import access
from tests.support.clock import FakeClock


def test_a_key_is_known_by_its_hash_alone(database: Database, clock: FakeClock) -> None:
    with database.scope() as session:
        key = access.create_api_key("crm")
        session.commit()
        assert key.startswith("fd_") and ApiKey.query.one().key_sha256 != key
        found = access.api_key(key)
        assert found is not None and found.name == "crm" and found.business_id is None
        assert access.api_key(key + "x") is None
        assert access.api_key("") is None


def test_a_revoked_key_is_no_key(database: Database, clock: FakeClock) -> None:
    with database.scope("server.services.access") as session:
        key = access.create_api_key("crm")
        session.flush()
        ApiKey.query.one().revoked_at = clock.now()
        session.commit()
        assert access.api_key(key) is None


def test_a_link_opens_once(database: Database, clock: FakeClock) -> None:
    with database.scope() as session:
        token = access.create_login_link()
        session.commit()
        assert access.redeem_login_link(token)
        session.commit()
        assert not access.redeem_login_link(token)
        assert LoginLink.query.one().token_sha256 != token


def test_a_link_gets_old(database: Database, clock: FakeClock) -> None:
    with database.scope() as session:
        token = access.create_login_link(minutes=15)
        session.commit()
        clock.advance(15 * 60)
        assert not access.redeem_login_link(token)


def test_a_session_is_signed_with_this_installation_s_secret() -> None:
    cookie = access.sign_session("secret")
    assert access.check_session("secret", cookie)
    assert not access.check_session("another", cookie)
    signed, _, signature = cookie.rpartition(".")
    forged = ("a" if signature[0] != "a" else "b") + signature[1:]  # the last letter's low bits carry nothing
    assert not access.check_session("secret", f"{signed}.{forged}")
    assert not access.check_session("secret", "console")
    assert not access.check_session("secret", None)
