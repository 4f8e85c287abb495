"""No route is open by accident: every one of them, asked by a stranger, refuses or is on the list of public ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

from server import console, routes_api, routes_twilio
from tests.support import console as seed

PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("GET", "/api/v1/openapi.json"),
}
"""What answers a stranger. /static holds our own files; webhooks check a signature and are refused below."""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with seed.installation(tmp_path) as made:
        seed.add_story(seed.add_business(), "CA1")
        yield made


def routes_of(router: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every (method, path) that a router answers, included routers too."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from routes_of(included, prefix + route.include_context.prefix)
        elif isinstance(route, Mount):
            yield ("MOUNT", prefix + route.path)
        else:
            assert isinstance(route, Route), f"{route!r} is of a kind this walk does not know"
            for method in route.methods or ():
                yield (method, prefix + route.path)


def test_every_route_refuses_a_stranger_or_is_public(app: FastAPI) -> None:
    client = TestClient(app, follow_redirects=False)
    found = set(routes_of(app))
    assert found >= PUBLIC and ("MOUNT", "/static") in found
    open_ones = set()
    for method, path in found - {("MOUNT", "/static")}:
        answer = client.request(method, path.replace("{call_sid}", "CA1"))
        refused = answer.status_code in (401, 403) or answer.headers.get("Location") == "/login"
        if not refused:
            open_ones.add((method if method != "HEAD" else "GET", path))
    assert open_ones <= PUBLIC


def test_the_walk_sees_every_router(app: FastAPI) -> None:
    found = set(routes_of(app))
    for router in (console.router(), routes_api.router(), routes_twilio.router):
        own = set(routes_of(router))
        assert own and own <= found
    assert {path for _, path in found} >= {"/", "/calls/{call_sid}/recording", "/api/v1/calls/{call_sid}/recording"}


def test_a_stranger_learns_nothing_from_a_refusal(app: FastAPI) -> None:
    client = TestClient(app, follow_redirects=False)
    for path in ("/calls/{}", "/calls/{}/recording", "/calls/{}/events", "/api/v1/calls/{}"):
        known, unknown = client.get(path.format("CA1")), client.get(path.format("CAnone"))
        assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
