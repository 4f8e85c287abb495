"""Server-sent events, limits on bodies, and the queue of uploads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.requests import Request

from engine.errors import ApiError
from engine.http.body import json_object, limited
from engine.http.streams import begun, frames
from engine.http.uploads import Uploads


async def events(*kinds: str, failure: Exception | None = None) -> AsyncGenerator[dict[str, Any], None]:
    for kind in kinds:
        yield {"type": kind}
    if failure is not None:
        raise failure


async def test_events_are_named_by_their_type() -> None:
    sent = [frame async for frame in frames(events("a.b"))]
    assert sent == [b'event: a.b\ndata: {"type":"a.b"}\n\n']


async def test_a_failure_before_the_first_event_is_raised_and_one_after_it_is_told() -> None:
    problem = ApiError(400, "unsupported_file", "cut off", "file")
    with pytest.raises(ApiError):
        await begun(frames(events(failure=problem)))
    sent = [frame async for frame in await begun(frames(events("a", failure=problem)))]
    assert sent[0].startswith(b"event: a\n") and sent[1].startswith(b"event: error\ndata: ")
    assert json.loads(sent[1].split(b"data: ")[1])["error"]["param"] == "file"
    unknown = [frame async for frame in frames(events("a", failure=RuntimeError("secret")))]
    assert b"engine_error" in unknown[1] and b"secret" not in unknown[1]


async def test_closing_a_stream_closes_its_source() -> None:
    closed = []

    async def source() -> AsyncGenerator[dict[str, Any], None]:
        try:
            while True:
                yield {"type": "a"}
        finally:
            closed.append(True)

    stream = await begun(frames(source()))
    await anext(stream)
    await stream.aclose()
    assert closed == [True]


def request(*chunks: bytes, headers: dict[str, str] | None = None) -> Request:
    left = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    left[-1]["more_body"] = False

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    named = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": named}, receive)


async def test_a_body_is_refused_by_its_declared_or_its_real_length() -> None:
    with pytest.raises(ApiError) as declared:
        limited(request(b"", headers={"content-length": "11"}), 10, "file")
    assert (declared.value.status, declared.value.param) == (413, "file")
    chunked = limited(request(b"12345", b"67890", b"1"), 10)
    with pytest.raises(ApiError) as counted:
        await chunked.body()
    assert counted.value.status == 413
    assert await limited(request(b"12345", b"67890"), 10).body() == b"1234567890"


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"{", "invalid_json"), (b"", "invalid_json"), (b"\xff", "invalid_json"), (b"[]", "invalid_type")],
)
async def test_a_body_that_is_no_object_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(ApiError) as refused:
        await json_object(request(raw))
    assert (refused.value.status, refused.value.code) == (400, code)


async def test_uploads_take_turns_and_the_queue_has_an_end() -> None:
    uploads, order, go = Uploads(1, most_waiting=1), [], asyncio.Event()

    async def upload(name: str) -> None:
        async with uploads.turn():
            order.append(name)
            await go.wait()

    first, second = asyncio.create_task(upload("first")), asyncio.create_task(upload("second"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert order == ["first"]
    with pytest.raises(ApiError) as refused:
        uploads.check()
    assert (refused.value.status, refused.value.code) == (503, "engine_busy")
    go.set()
    await asyncio.gather(first, second)
    assert order == ["first", "second"]
    uploads.check()
