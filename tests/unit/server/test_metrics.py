"""What is counted, and who may see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from server import metrics
from server.db import db
from server.services import access
from tests.support import console as seed


def value(name: str, **labels: str) -> float:
    """A metric's value now."""
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("greeting_retry", "frontdesk_greeting_retries_total"),
        ("nudge", "frontdesk_nudges_total"),
        ("tool_bridge", "frontdesk_tool_bridges_total"),
        ("model_lost", "frontdesk_model_lost_total"),
        ("apology", "frontdesk_apologies_total"),
        ("silence_prompt", "frontdesk_silence_prompts_total"),
        ("barge_in", "frontdesk_barge_ins_total"),
        ("backchannel", "frontdesk_backchannels_total"),
        ("echo_ignored", "frontdesk_echoes_ignored_total"),
    ],
)
def test_what_the_timeline_says_is_counted(kind: str, name: str) -> None:
    before = value(name)
    metrics.noted(kind, {})
    assert value(name) == before + 1


def test_ends_are_counted_by_reason_and_reconnects_by_result() -> None:
    ended = value("frontdesk_calls_ended_total", reason="goodbye")
    restored = value("frontdesk_model_reconnects_total", result="restored")
    failed = value("frontdesk_model_reconnects_total", result="failed")
    metrics.noted("hang_up", {"reason": "goodbye"})
    metrics.noted("reconnected", {"attempts": 1})
    metrics.noted("reconnect_failed", {})
    metrics.noted("something new", {})
    assert value("frontdesk_calls_ended_total", reason="goodbye") == ended + 1
    assert value("frontdesk_model_reconnects_total", result="restored") == restored + 1
    assert value("frontdesk_model_reconnects_total", result="failed") == failed + 1


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with seed.installation(tmp_path) as app:
        yield TestClient(app, client=("127.0.0.1", 5000))


def test_this_machine_sees_the_metrics(client: TestClient) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    assert "frontdesk_calls_active" in answer.text and "frontdesk_answer_latency_ms_bucket" in answer.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_whoever_comes_through_a_proxy_is_not_this_machine(client: TestClient, header: str) -> None:
    assert client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 401


def test_elsewhere_a_key_of_the_installation_is_wanted(client: TestClient) -> None:
    business = seed.add_business()
    with db.scope() as session, session.begin():
        own = access.create_api_key("operator")
        tenant = access.create_api_key("tenant", business.id)
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    for key, status in ((own, 200), (tenant, 401), ("wrong", 401)):
        assert client.get("/metrics", headers={**proxied, "Authorization": f"Bearer {key}"}).status_code == status
