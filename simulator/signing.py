"""Twilio's request signatures, made with the SDK's own `RequestValidator` so that they are right by construction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import cast

from twilio.request_validator import RequestValidator


class Signer:
    """Signs what the stand-in sends. Webhooks are signed over the PUBLIC URL and the form's parameters, WebSocket
    upgrades over the `wss://` URL alone (protocols.md, section 2)."""

    def __init__(self, auth_token: str) -> None:
        self._validator = RequestValidator(auth_token)

    def signature(self, url: str, params: Mapping[str, str]) -> str:
        """The value of `X-Twilio-Signature`."""
        return cast(str, self._validator.compute_signature(url, dict(params)))

    def webhook_headers(self, url: str, params: Mapping[str, str]) -> dict[str, str]:
        """Headers of one webhook, a fresh idempotency token included; a retry sends the same headers again."""
        return {
            "X-Twilio-Signature": self.signature(url, params),
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }

    def socket_headers(self, url: str) -> dict[str, str]:
        """Headers of the media socket's upgrade request; `url` is the public `wss://` one."""
        return {"X-Twilio-Signature": self.signature(url, {}), "User-Agent": "Twilio.TmeWs/1.0"}
