"""What one installation makes for itself when nobody configures it: a signing secret and a stand-in Twilio account.

✅ OWNER: the files `secret.key` and `standin.json` in FRONTDESK_HOME. Nothing secret has a default in code.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import tempfile
from pathlib import Path

from server.config.settings import STANDIN_URL, Settings


def with_local_parts(settings: Settings) -> Settings:
    """The settings with the secret and, where no Twilio account is set, the stand-in's account filled in."""
    settings.home.mkdir(parents=True, exist_ok=True)
    filled = dataclasses.replace(settings, secret_key=settings.secret_key or signing_secret(settings.home))
    if not settings.uses_standin:
        return filled
    account_sid, auth_token = standin_account(settings.home)
    return dataclasses.replace(
        filled,
        twilio_account_sid=account_sid,
        twilio_auth_token=auth_token,
        twilio_api_base=settings.twilio_api_base or STANDIN_URL,
    )


def signing_secret(home: Path) -> str:
    """The installation's signing secret; the same for every process that shares the folder."""
    return _once(home / "secret.key", secrets.token_urlsafe(48))


def standin_account(home: Path) -> tuple[str, str]:
    """The account id and auth token of the local stand-in for Twilio."""
    made = json.dumps({"account_sid": "AC" + secrets.token_hex(16), "auth_token": secrets.token_hex(16)})
    account = json.loads(_once(home / "standin.json", made))
    return account["account_sid"], account["auth_token"]


def _once(path: Path, text: str) -> str:
    """Create the file with `text`, readable by its owner alone, unless another process did; returns what it holds."""
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as out:
            out.write(text)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
    return path.read_text()
