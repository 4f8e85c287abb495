"""Who may come in: API keys, one-time login links and the console's session cookie."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from itsdangerous import BadSignature, TimestampSigner

from server import ports
from server.db import acting_as, db
from server.models_sql import ApiKey, LoginLink

KEY_PREFIX: Final = "fd_"
SESSION_S: Final = 14 * 24 * 3600


def create_api_key(name: str, business_id: int | None = None) -> str:
    """A new key, in the open transaction; shown this once. Without a business it sees the whole installation.

    ✅ OWNER: the `api_keys` table.
    """
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    with acting_as("server.services.access"):
        db.session.add(ApiKey(name=name, key_sha256=_hash(key), business_id=business_id))
    return key


def api_key(token: str) -> ApiKey | None:
    """The key behind a bearer token; None for a wrong or revoked one."""
    query = sa.select(ApiKey).where(ApiKey.key_sha256 == _hash(token), ApiKey.revoked_at.is_(None))
    return db.session.scalars(query).one_or_none()


def create_login_link(minutes: int = 15) -> str:
    """A token that opens the console once, in the open transaction. ✅ OWNER: the `login_links` table."""
    token = secrets.token_urlsafe(24)
    expires = ports.current().clock.now() + timedelta(minutes=minutes)
    with acting_as("server.services.access"):
        db.session.add(LoginLink(token_sha256=_hash(token), expires_at=expires))
    return token


def redeem_login_link(token: str) -> bool:
    """Use a link up, in the open transaction; False for a wrong, used or expired one."""
    now = ports.current().clock.now()
    match = (LoginLink.token_sha256 == _hash(token), LoginLink.used_at.is_(None), LoginLink.expires_at > now)
    with acting_as("server.services.access"):
        used = db.session.execute(sa.update(LoginLink).where(*match).values(used_at=now).returning(LoginLink.id))
        return used.scalar_one_or_none() is not None


def sign_session(secret: str) -> str:
    """The value of a session cookie."""
    return _signer(secret).sign("console").decode()


def check_session(secret: str, cookie: str | None) -> bool:
    """True for a cookie that was signed here and is not too old."""
    if not cookie:
        return False
    try:
        return _signer(secret).unsign(cookie, max_age=SESSION_S) == b"console"
    except BadSignature:
        return False


def _signer(secret: str) -> TimestampSigner:
    return TimestampSigner(secret, salt="frontdesk.console")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
