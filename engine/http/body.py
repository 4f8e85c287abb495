"""Request bodies: read up to a limit, and parsed."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.types import Message

from engine.errors import ApiError

LARGEST_JSON_BYTES = 8 << 20


def limited(request: Request, most_bytes: int, param: str | None = None) -> Request:
    """The request, with a body that raises `ApiError` 413 as soon as it is known to be longer than `most_bytes`.

    Without it a form is spooled to disk whole, however long it is, before anything can look at it.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most_bytes:
        raise _too_large(most_bytes, param)
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > most_bytes:
            raise _too_large(most_bytes, param)
        return message

    return Request(request.scope, receive)


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises `ApiError` 400 for anything else, 413 past 8 MiB."""
    raw = await limited(request, LARGEST_JSON_BYTES).body()
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise ApiError(400, "invalid_json", f"The body is not valid JSON: {problem}.") from problem
    if not isinstance(body, dict):
        raise ApiError(400, "invalid_type", "The body must be a JSON object.")
    return body


def _too_large(most_bytes: int, param: str | None) -> ApiError:
    return ApiError(413, "request_too_large", f"The request is too large: at most {most_bytes} bytes are read.", param)
