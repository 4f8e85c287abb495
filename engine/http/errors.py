"""Errors in OpenAI's envelope, and the bearer check."""

from __future__ import annotations

import hmac
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from engine.realtime.protocol import ClientError

_ENGINE_FAILED = "The engine could not finish this request; its log says why."


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


def bad_request(problem: ClientError) -> ApiError:
    """The realtime protocol's complaint about a field, as a 400: both say the same words about the same mistake."""
    return ApiError(400, problem.code, problem.message, problem.param)


def missing(param: str, hint: str = "") -> ApiError:
    """The error for a field that must be there; `hint` says what it should hold."""
    told = f" ({hint})" if hint else ""
    return ApiError(400, "missing_required_parameter", f"Missing required parameter: '{param}'{told}.", param)


def engine_failed() -> ApiError:
    """The error for what is nobody's fault but ours. It tells no internals: the log has them."""
    return ApiError(500, "engine_error", _ENGINE_FAILED)


def http_problem(problem: HTTPException, method: str = "", path: str = "") -> ApiError:
    """The framework's own refusals (an unknown path, a wrong method, a broken form) in the same envelope."""
    if problem.status_code == 404:
        return ApiError(404, "unknown_url", f"Unknown request URL: {method} {path}.")
    if problem.status_code == 405:
        return ApiError(405, "method_not_supported", f"{path} does not take {method}.")
    return ApiError(problem.status_code, "invalid_request", f"The request cannot be read: {problem.detail}")


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
