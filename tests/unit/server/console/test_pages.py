"""What the console's pages show, from rows that their owners wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from server.console.rendering import _ENVIRONMENT
from server.models_sql import Business
from server.ports import RecordingUnavailable
from tests.support import console as seed
from tests.support.console import NOW, turn
from tests.support.fakes import RECORDING

HOSTILE = "<script>alert('x')</script>\" onmouseover=\"y <img src=x onerror=z>"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with seed.installation(tmp_path) as made:
        yield made


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    made = TestClient(app, follow_redirects=False)
    seed.sign_in(made)
    return made


@pytest.fixture
def business(app: FastAPI) -> Business:
    return seed.add_business()


def text(page: str) -> str:
    """A page's words, as they are read."""
    body = page[page.index("<main") :]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


# --- the list --------------------------------------------------------------------------------------------------------


def test_an_empty_list_says_how_to_make_the_first_call(client: TestClient) -> None:
    page = client.get("/").text
    assert "frontdesk simulate call" in page and "frontdesk number connect" in page
    assert "frontdesk business add" in page


def test_the_commands_of_an_empty_list_name_the_business_s_number(client: TestClient, app: FastAPI) -> None:
    seed.add_business(phone="+441632960199")
    page = client.get("/").text
    assert "simulate call --to +441632960199" in page
    assert "frontdesk business add" not in page


def test_the_list_shows_who_called_what_came_of_it_and_what_was_booked(client: TestClient, business: Business) -> None:
    seed.add_call(business, "CA2", status="no-answer", duration=0, ago_s=86400)
    seed.add_story(business)
    seed.add_call(business, "CA3", status="busy", direction="outbound", to_number="+447700900999", ago_s=60)
    page = text(client.get("/").text)
    assert "Emma Clarke +44 7700 900123" in page
    assert "Emma Clarke asked for the opening hours" in page
    assert "Thu 26 Nov, 14:30" in page and "1:34" in page and "Completed" in page
    assert "+44 7700 900999" in page and "The line was busy" in page
    assert page.index("Today") < page.index("Emma Clarke") < page.index("Yesterday") < page.index("Nobody answered")


def test_a_running_call_shows_its_last_words(client: TestClient, business: Business) -> None:
    call = seed.add_call(business, "CA1", status="in-progress", ago_s=20)
    seed.say(call, turn(1, "assistant", "How can I help?"), turn(2, "user", "I need a haircut."))
    page = text(client.get("/").text)
    assert "1 on the phone now" in page and "On the phone" in page
    assert "Caller: I need a haircut." in page and "How can I help?" not in page


def test_older_calls_are_reached_by_keyset_without_gaps_or_repeats(client: TestClient, business: Business) -> None:
    for number in range(65):
        seed.add_call(business, f"CA{number:03d}", ago_s=10_000 - number)
    seen: list[str] = []
    address: str | None = "/"
    while address is not None:
        page = client.get(address).text
        seen += re.findall(r'href="/calls/(CA\d+)"', page)
        link = re.search(r'rel="next" href="(/\?older_than=\d+)"', page)
        address = link.group(1) if link else None
        seed.add_call(business, f"CB{len(seen)}", ago_s=1)
    assert seen == [f"CA{number:03d}" for number in reversed(range(65))]


@pytest.mark.parametrize("older_than", ["0", "abc", "2147483648", "99999999999999999999"])
def test_a_page_that_can_not_be_is_refused(client: TestClient, older_than: str) -> None:
    answer = client.get("/", params={"older_than": older_than})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith("older_than")


def test_viewing_enqueues_nothing_and_downloads_nothing(app: FastAPI, client: TestClient, business: Business) -> None:
    call = seed.add_story(business)
    for address in ("/", f"/calls/{call.call_sid}"):
        assert client.get(address).status_code == 200
    assert app.state.world.jobs.jobs == []
    assert app.state.world.telephony.fetched == []


# --- one call --------------------------------------------------------------------------------------------------------


def test_a_call_s_page_shows_everything(client: TestClient, business: Business) -> None:
    call = seed.add_story(business)
    page = client.get(f"/calls/{call.call_sid}").text
    words = text(page)
    assert "Thursday 26 November, 14:30 Booked for Emma Clarke · Cut" in words
    assert "On Saturday we are open from ten to four. , not heard: On weekdays we open at nine" in words
    assert "Interrupted: heard only up to “… from ten to four.”" in words
    assert "Median 1.0 s Slowest 2.3 s Answers 4" in words
    assert "[00:06] Caller: Hi, when are you open on Saturday?" in words
    assert "Caller interrupted" in words and "Summary written" in words
    assert f'data-player="/calls/{call.call_sid}"' in page
    assert "sse-connect" not in page, "nothing more will come"


def test_a_running_call_s_page_is_live_and_has_no_player(client: TestClient, business: Business) -> None:
    seed.add_call(business, "CA1", status="in-progress", ago_s=20, recording_requested_at=NOW)
    page = client.get("/calls/CA1").text
    assert 'sse-connect="/calls/CA1/events"' in page
    assert "data-player" not in page
    assert f'data-since="{(NOW - timedelta(seconds=20)).isoformat()}"' in page


def test_a_message_is_shown_with_the_number_to_call_back(client: TestClient, business: Business) -> None:
    call = seed.add_call(business, "CA1")
    seed.leave_message(call, "Please call about the bridal trial.", "Dana Weiss")
    page = text(client.get("/calls/CA1").text)
    assert "Please call about the bridal trial. Message from Dana Weiss · call back +44 7700 900123" in page


@pytest.mark.parametrize(
    ("ended_ago_s", "says"), [(30, "Writing the summary"), (3600, "The summary is late. Is frontdesk worker running?")]
)
def test_a_summary_that_does_not_come_is_named(
    client: TestClient, business: Business, ended_ago_s: int, says: str
) -> None:
    seed.add_call(business, "CA1", ago_s=ended_ago_s + 60, ended_at=NOW - timedelta(seconds=ended_ago_s))
    page = client.get("/calls/CA1").text
    assert says in text(page)
    assert "sse-connect" in page


def test_a_summary_that_failed_is_named_and_not_waited_for(client: TestClient, business: Business) -> None:
    call = seed.add_call(business, "CA1", ended_at=NOW)
    seed.note(call, "job_failed", {"step": "summarise", "error": "the model refused"}, source="tasks_recording")
    page = client.get("/calls/CA1").text
    assert "No summary could be written: the timeline says why." in text(page)
    assert "sse-connect" not in page


def test_an_unknown_call_is_a_page_of_its_own(client: TestClient) -> None:
    answer = client.get("/calls/CAnone")
    assert answer.status_code == 404
    assert "This call is not known" in answer.text


# --- hostile words ---------------------------------------------------------------------------------------------------


def test_what_callers_say_is_text_and_nothing_else(client: TestClient, business: Business) -> None:
    call = seed.add_call(business, "CA1", from_number=HOSTILE[:60])
    seed.say(call, turn(1, "assistant", HOSTILE, heard=HOSTILE[:9]), turn(2, "user", HOSTILE))
    seed.note(call, "tool", {"name": HOSTILE, HOSTILE: "x"}, source="call_tools")
    seed.book(call, HOSTILE, NOW, HOSTILE)
    seed.leave_message(call, HOSTILE, HOSTILE)
    seed.name_caller(call, HOSTILE)
    seed.finish("CA1", HOSTILE, HOSTILE)
    for address in ("/", "/calls/CA1"):
        page = client.get(address).text
        assert "<script>alert" not in page and "<img src=x" not in page and 'onmouseover="y' not in page
        assert "&lt;script&gt;alert" in page


def test_no_template_lets_markup_through_by_hand() -> None:
    assert _ENVIRONMENT.loader is not None
    for name in _ENVIRONMENT.list_templates():
        source, _, _ = _ENVIRONMENT.loader.get_source(_ENVIRONMENT, name)
        assert not re.search(r"\|\s*safe|autoescape|Markup", source), name
        assert not re.search(r"\sstyle=|\son[a-z]+=|<script(?! src=)", source), f"{name}: inline style or script"
        assert not re.search(r"https?://", source), f"{name}: another site"


def test_every_answer_keeps_what_it_shows_to_itself(client: TestClient, business: Business) -> None:
    call = seed.add_story(business)
    for address in ("/", "/login?token=x", f"/calls/{call.call_sid}", f"/calls/{call.call_sid}/waveform", "/calls/no"):
        headers = client.get(address).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy


# --- the recording ---------------------------------------------------------------------------------------------------


def test_the_recording_is_served_in_ranges(client: TestClient, business: Business) -> None:
    address = f"/calls/{seed.add_story(business).call_sid}/recording"
    whole = client.get(address)
    assert (whole.status_code, whole.headers["Content-Type"], whole.content) == (200, "audio/wav", RECORDING)
    part = client.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, RECORDING[10:20])


def test_the_waveform_has_a_channel_per_speaker(app: FastAPI, client: TestClient, business: Business) -> None:
    call = seed.add_story(business)
    drawn = client.get(f"/calls/{call.call_sid}/waveform").json()
    assert drawn["duration_s"] == 5.0
    loudest = [max(range(len(channel)), key=channel.__getitem__) / len(channel) * 5 for channel in drawn["channels"]]
    assert [round(at) for at in loudest] == [1, 3], "the caller speaks at 1 s, the agent at 3 s"
    client.get(f"/calls/{call.call_sid}/recording")
    assert len(app.state.world.telephony.fetched) == 1, "one download for both"


def test_a_recording_on_its_way_is_not_yet_there(client: TestClient, business: Business) -> None:
    seed.add_call(business, "CA1", recording_requested_at=NOW)
    assert client.get("/calls/CA1/recording").status_code == 409
    assert "On its way" in text(client.get("/calls/CA1").text)


def test_without_a_recording_there_is_no_player(client: TestClient, business: Business) -> None:
    seed.add_call(business, "CA1", recording_status="absent")
    assert client.get("/calls/CA1/recording").status_code == 404
    assert "data-player" not in client.get("/calls/CA1").text


def test_a_recording_the_provider_can_not_give_is_404(app: FastAPI, client: TestClient, business: Business) -> None:
    call = seed.add_story(business)
    app.state.world.telephony.answers = [RecordingUnavailable("the recording answers 401", retryable=False)]
    answer = client.get(f"/calls/{call.call_sid}/recording")
    assert answer.status_code == 404
    assert "data-player" not in client.get(f"/calls/{call.call_sid}").text, "it will not be tried for ever"


# --- live ------------------------------------------------------------------------------------------------------------


def read_events(client: TestClient, address: str) -> dict[str, str]:
    """The events of a stream that ends by itself, by name."""
    found: dict[str, list[str]] = {}
    name = ""
    with client.stream("GET", address) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        for line in answer.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
                found[name] = []
            elif field == "data":
                found[name].append(value)
    return {name: "\n".join(lines) for name, lines in found.items()}


def test_a_settled_call_s_events_are_its_page_and_the_end(client: TestClient, business: Business) -> None:
    call = seed.add_story(business)
    sent = read_events(client, f"/calls/{call.call_sid}/events")
    page = client.get(f"/calls/{call.call_sid}").text
    assert list(sent)[-1] == "done"
    assert {name for name in sent if name != "done"} == set(re.findall(r'sse-swap="(\w+)"', page))
    for name, html in sent.items():
        assert "".join(html.split()) in "".join(page.split()), f"{name} is not what the page shows"


def test_the_events_of_an_unknown_call_are_refused(client: TestClient) -> None:
    assert client.get("/calls/CAnone/events").status_code == 404
