"""The API: who sees what, in which form, and what is answered to what can't be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from server.db import db
from server.models_sql import ApiKey, Business
from tests.support import console as seed
from tests.support.console import NOW, api_key
from tests.support.fakes import RECORDING


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with seed.installation(tmp_path) as made:
        yield made


@pytest.fixture
def business(app: FastAPI) -> Business:
    return seed.add_business()


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """A client with a key of the whole installation."""
    return TestClient(app, headers=api_key(), follow_redirects=False)


def error(answer: Any) -> dict[str, str]:
    found: dict[str, str] = answer.json()["error"]
    assert set(found) == {"code", "message", "remedy"}
    return found


# --- who may ask -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer fd_wrong", "Basic ZmQ6", "fd_wrong", "Bearer  "])
def test_without_a_valid_key_the_answer_says_how_to_get_one(app: FastAPI, business: Business, header: str) -> None:
    client = TestClient(app, headers={} if header is None else {"Authorization": header})
    for address in ("/api/v1/calls", "/api/v1/calls/CA1", "/api/v1/calls/CA1/recording", "/api/v1/appointments"):
        answer = client.get(address)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert error(answer)["code"] == "unauthorised"
        assert "frontdesk apikey create" in error(answer)["remedy"]


def test_a_revoked_key_is_no_key(app: FastAPI) -> None:
    headers = api_key()
    with db.scope("server.services.access") as session:
        session.execute(sa.update(ApiKey).values(revoked_at=NOW))
        session.commit()
    assert TestClient(app, headers=headers).get("/api/v1/calls").status_code == 401


def test_a_console_session_is_no_key(app: FastAPI) -> None:
    client = TestClient(app, follow_redirects=False)
    seed.sign_in(client)
    assert client.get("/api/v1/calls").status_code == 401


def test_a_key_of_a_business_sees_that_business_alone(app: FastAPI, business: Business) -> None:
    other = seed.add_business("Elsewhere", "+441632960199")
    mine, theirs = seed.add_story(business), seed.add_call(other, "CAtheirs", recording_url="https://api/rec")
    seed.book(theirs, "A stranger", NOW)
    client = TestClient(app, headers=api_key(business.id))
    assert [call["call_sid"] for call in client.get("/api/v1/calls").json()["calls"]] == [mine.call_sid]
    names = [booked["customer_name"] for booked in client.get("/api/v1/appointments").json()["appointments"]]
    assert names == ["Emma Clarke"]
    for address in ("/api/v1/calls/CAtheirs", "/api/v1/calls/CAtheirs/recording"):
        foreign, unknown = client.get(address), client.get(address.replace("CAtheirs", "CAnone"))
        assert foreign.status_code == unknown.status_code == 404
        assert error(foreign)["message"].replace("CAtheirs", "CAnone") == error(unknown)["message"]
    assert app.state.world.telephony.fetched == []


# --- what is answered ------------------------------------------------------------------------------------------------


def test_a_call_with_everything(client: TestClient, business: Business) -> None:
    sid = seed.add_story(business).call_sid
    answer = client.get(f"/api/v1/calls/{sid}")
    assert answer.headers["Cache-Control"] == "no-store"
    call = answer.json()
    assert {name: call[name] for name in ("call_sid", "status", "direction", "duration", "from_number")} == {
        "call_sid": sid, "status": "completed", "direction": "inbound", "duration": 94, "from_number": "+447700900123",
    }  # fmt: skip
    assert call["business"] == {"id": business.id, "name": "Harbour Hair", "phone": "+441632960101"}
    assert call["started_at"].startswith("2026-11-24T08:47:00")
    assert [turn["sequence"] for turn in call["turns"]] == list(range(1, 10))
    interrupted = call["turns"][2]
    assert (interrupted["speaker"], interrupted["heard_ms"], interrupted["latency_ms"]) == ("assistant", 2900, 820)
    assert interrupted["message"].startswith(interrupted["heard"])
    assert call["transcript_source"] == "recording" and call["final_transcript"].startswith("[00:00] Agent:")
    assert call["summary"].startswith("Emma Clarke asked")
    assert call["recording"] == {
        "status": "completed", "available": True, "url": f"/api/v1/calls/{sid}/recording", "duration_s": 94,
        "bytes": None, "sha256": None,
    }  # fmt: skip
    assert call["timeline"][3]["kind"] == "barge_in" and call["timeline"][3]["source"] == "media_ws_ai"
    assert call["timeline"][3]["detail"]["heard_ms"] == 2900
    assert call["appointments"][0]["starts_at"].startswith("2026-11-26T14:30:00")
    assert call["messages"] == []


def test_a_running_call_is_answered_as_far_as_it_is(client: TestClient, business: Business) -> None:
    call = seed.add_call(business, "CA1", status="in-progress", ago_s=5)
    seed.say(call, seed.turn(1, "assistant", "Hello."))
    found = client.get("/api/v1/calls/CA1").json()
    assert (found["status"], found["duration"], found["ended_at"], found["summary"]) == (
        "in-progress",
        None,
        None,
        None,
    )
    assert found["recording"]["available"] is False and found["recording"]["url"] is None
    assert [turn["message"] for turn in found["turns"]] == ["Hello."]


def test_pages_are_walked_by_cursor(client: TestClient, business: Business) -> None:
    for number in range(5):
        seed.add_call(business, f"CA{number}")
    seen, cursor = [], None
    while True:
        page = client.get("/api/v1/calls", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [call["call_sid"] for call in page["calls"]]
        seed.add_call(business, f"CB{len(seen)}")
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == ["CA4", "CA3", "CA2", "CA1", "CA0"]


def test_calls_are_filtered(client: TestClient, business: Business) -> None:
    seed.add_call(business, "CA1", status="busy")
    seed.add_call(business, "CA2", direction="outbound")
    assert [c["call_sid"] for c in client.get("/api/v1/calls?status=busy").json()["calls"]] == ["CA1"]
    assert [c["call_sid"] for c in client.get("/api/v1/calls?direction=outbound").json()["calls"]] == ["CA2"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("cursor=-1", "cursor"),
        ("cursor=abc", "cursor"),
        ("cursor=2147483648", "cursor"),
        ("cursor=99999999999999999999", "cursor"),
        ("status=talking", "status"),
        ("direction=sideways", "direction"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(client: TestClient, query: str, named: str) -> None:
    answer = client.get(f"/api/v1/calls?{query}")
    assert answer.status_code == 422
    assert error(answer)["code"] == "invalid"
    assert error(answer)["message"].startswith(named)


def test_appointments_are_walked_by_cursor(client: TestClient, business: Business) -> None:
    call = seed.add_call(business, "CA1")
    for hour in range(3):
        seed.book(call, f"Guest {hour}", NOW + timedelta(hours=hour))
    first = client.get("/api/v1/appointments?limit=2").json()
    rest = client.get("/api/v1/appointments", params={"limit": 2, "cursor": first["cursor"]}).json()
    names = [booked["customer_name"] for booked in first["appointments"] + rest["appointments"]]
    assert names == ["Guest 2", "Guest 1", "Guest 0"]
    assert rest["cursor"] is None


def test_an_address_that_is_not_there_is_answered_in_the_same_form(client: TestClient) -> None:
    answer = client.get("/api/v1/nothing")
    assert answer.status_code == 404
    error(answer)
    wrong_method = client.delete("/api/v1/calls")
    assert wrong_method.status_code == 405
    error(wrong_method)


def test_asking_enqueues_nothing_and_downloads_nothing(app: FastAPI, client: TestClient, business: Business) -> None:
    sid = seed.add_story(business).call_sid
    for address in ("/api/v1/calls", f"/api/v1/calls/{sid}", "/api/v1/appointments"):
        assert client.get(address).status_code == 200
    assert app.state.world.jobs.jobs == [] and app.state.world.telephony.fetched == []


# --- the recording ---------------------------------------------------------------------------------------------------


def test_the_recording_comes_whole_and_in_ranges(app: FastAPI, client: TestClient, business: Business) -> None:
    sid = seed.add_story(business).call_sid
    whole = client.get(f"/api/v1/calls/{sid}/recording")
    assert (whole.status_code, whole.headers["Content-Type"], whole.content) == (200, "audio/wav", RECORDING)
    part = client.get(f"/api/v1/calls/{sid}/recording", headers={"Range": "bytes=-4"})
    assert (part.status_code, part.content) == (206, RECORDING[-4:])
    assert part.headers["Content-Range"].endswith(f"/{len(RECORDING)}")
    beyond = client.get(f"/api/v1/calls/{sid}/recording", headers={"Range": f"bytes={len(RECORDING)}-"})
    assert beyond.status_code == 416
    assert len(app.state.world.telephony.fetched) == 1, "downloaded once, whoever asks and however often"
    stored = client.get(f"/api/v1/calls/{sid}").json()["recording"]
    assert (stored["bytes"], len(stored["sha256"])) == (len(RECORDING), 64)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"status": "in-progress"}, 409),
        ({"recording_requested_at": NOW}, 409),
        ({"recording_status": "absent"}, 404),
        ({}, 404),
    ],
)
def test_a_recording_that_is_not_there_says_why(
    client: TestClient, business: Business, values: dict[str, Any], status: int
) -> None:
    seed.add_call(business, "CA1", **values)
    answer = client.get("/api/v1/calls/CA1/recording")
    assert answer.status_code == status
    assert error(answer)["remedy"]
    assert ("Retry-After" in answer.headers) is (status == 409)


# --- its description -------------------------------------------------------------------------------------------------


def test_the_openapi_description_is_complete(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert set(described["paths"]) == {
        "/api/v1/calls", "/api/v1/calls/{call_sid}", "/api/v1/calls/{call_sid}/recording", "/api/v1/appointments",
        "/api/v1/call_requests",
    }  # fmt: skip
    assert described["components"]["securitySchemes"]["API key"]["scheme"] == "bearer"
    for path, methods in described["paths"].items():
        asked = methods["get"]
        assert asked["summary"] and asked["description"] and asked["tags"] and asked["security"], path
        assert asked["responses"]["401"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorAnswer")
        assert all(p.get("description") for p in asked["parameters"] if p["in"] == "query"), path
    asking = described["paths"]["/api/v1/calls"]["post"]
    assert {"200", "202", "401", "409", "422"} <= set(asking["responses"])
    recording = described["paths"]["/api/v1/calls/{call_sid}/recording"]["get"]["responses"]
    assert "audio/wav" in recording["200"]["content"] and "409" in recording
