"""Identifiers in Twilio's form: two letters and 32 hexadecimal digits."""

from __future__ import annotations

import uuid


def new_sid(prefix: str) -> str:
    """A fresh identifier: `CA` call, `MZ` stream, `RE` recording, `PN` number, `SM` message, `AC` account."""
    return prefix + uuid.uuid4().hex
