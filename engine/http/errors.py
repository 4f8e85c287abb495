"""What goes wrong with an HTTP request, as errors in OpenAI's envelope."""

from __future__ import annotations

from starlette.exceptions import HTTPException

from engine.errors import ApiError
from engine.realtime.protocol import ClientError

_ENGINE_FAILED = "The engine could not finish this request; its log says why."


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
