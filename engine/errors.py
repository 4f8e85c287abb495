"""Errors in OpenAI's envelope, and the bearer check: for the HTTP paths and the WebSocket's edge."""

from __future__ import annotations

import hmac
from typing import Any

from starlette.responses import JSONResponse


class ApiError(Exception):
    """A request that cannot be done: becomes `{"error": {...}}` with this status."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param

    def body(self) -> dict[str, Any]:
        """The envelope."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """The HTTP answer."""
        return JSONResponse(self.body(), self.status)


def authorised(header: str | None, api_key: str | None) -> bool:
    """Whether an `Authorization` header carries the configured key (any header will do when none is configured)."""
    if api_key is None:
        return True
    scheme, _, token = (header or "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), api_key.encode())


def unauthorised() -> ApiError:
    """The error for a missing or wrong key."""
    return ApiError(
        401, "invalid_api_key", "Incorrect API key provided. Set OPENAI_API_KEY to the key the engine was started with."
    )
