"""The console in a real browser: sign-in, the list, a call watched live, the player, and how it looks and is used."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect
from starlette.datastructures import State

from server.models_sql import Business
from tests.support import console as seed
from tests.support.browser import ACTION_TIMEOUT_MS, record_errors
from tests.support.console import NOW, turn
from tests.support.fakes import FakeWorld
from tests.support.ports import free_port

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@dataclass
class House:
    """A running installation."""

    url: str
    state: State

    @property
    def world(self) -> FakeWorld:
        """Its faked ports."""
        made: FakeWorld = self.state.world
        return made

    def link(self) -> str:
        """A fresh one-time link."""
        return f"{self.url}/login?token={seed.login_token()}"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The app on uvicorn in a thread, as `serve` runs it but for the media socket."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with seed.installation(tmp_path, public_url=address) as app:
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, ws="none", log_config=None))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        yield House(address, app.state)
        app.state.stopping = True
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "an open page held up the server's end"


@pytest.fixture
def business(house: House) -> Business:
    return seed.add_business()


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def come_in(page: Page, house: House, path: str = "/") -> Page:
    """Sign in by a link, and go to a page."""
    page.goto(house.link())
    page.get_by_role("button", name="Open the console").click()
    expect(page.get_by_role("heading", name="Calls", exact=True)).to_be_visible()
    if path != "/":
        page.goto(house.url + path)
    return page


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


# --- signing in ------------------------------------------------------------------------------------------------------


def test_a_one_time_link_opens_the_console(house: House, browser_page: Page) -> None:
    browser_page.goto(house.url)
    expect(browser_page.get_by_text("frontdesk login")).to_be_visible()
    come_in(browser_page, house)
    expect(browser_page.get_by_text("Your first call shows up here")).to_be_visible()
    browser_page.get_by_role("button", name="Sign out").click()
    expect(browser_page.get_by_role("heading", name="Sign in")).to_be_visible()


# --- live ------------------------------------------------------------------------------------------------------------


def test_a_call_is_watched_from_the_first_ring_to_its_summary(
    house: House, browser_page: Page, business: Business
) -> None:
    page = come_in(browser_page, house)
    page.evaluate("window.stays = true")
    call = seed.add_call(business, "CA1", status="ringing", ago_s=1)
    row = page.locator("#call-CA1")
    expect(row).to_contain_text("Ringing")
    seed.change_call("CA1", status="in-progress")
    seed.say(call, turn(1, "assistant", "Thank you for calling.", started_ms=500))
    expect(row).to_contain_text("Agent: Thank you for calling.")
    expect(page.get_by_text("1 on the phone now")).to_be_visible()
    assert page.evaluate("window.stays"), "the list was not loaded again"

    row.get_by_role("link").click()
    page.evaluate("window.stays = true")
    page.get_by_text("Timeline", exact=True).click()
    seed.say(call, turn(2, "user", "Do you have Thursday free?", started_ms=4000))
    expect(page.get_by_role("log")).to_contain_text("Do you have Thursday free?")
    seed.say(call, turn(3, "assistant", "Yes, at two or at four.", started_ms=6000, latency_ms=900))
    expect(page.locator("#turn-3")).to_contain_text("0.9 s")
    expect(page.locator("#answers")).to_contain_text("Median")
    seed.say(call, turn(3, "assistant", "Yes, at two or at four.", latency_ms=900, heard="Yes, at two", heard_ms=800))
    expect(page.locator("#turn-3")).to_contain_text("heard only up to “Yes, at two”")
    seed.note(call, "barge_in", {"sequence": 3}, source="media_ws_ai")
    expect(page.get_by_text("Caller interrupted")).to_be_visible()
    assert page.locator("details[open] .timeline").count() == 1, "what was open stays open"

    seed.change_call("CA1", status="completed", duration=42, ended_at=NOW, recording_url="https://api/rec/RE1")
    expect(page.get_by_text("Writing the summary")).to_be_visible()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    seed.finish("CA1", "[00:00] Agent: Thank you for calling.", "She asked about Thursday.")
    expect(page.get_by_text("She asked about Thursday.")).to_be_visible()
    expect(page.get_by_text("Final transcript")).to_be_visible()
    assert page.evaluate("window.stays"), "the page was not loaded again"
    page.reload()
    assert page.locator("[sse-connect]").count() == 0, "nothing more will come"


def test_focus_and_position_survive_an_update(house: House, browser_page: Page, business: Business) -> None:
    page = come_in(browser_page, house)
    call = seed.add_call(business, "CA1", status="in-progress", ago_s=5)
    seed.add_call(business, "CA2", status="in-progress", ago_s=4)
    page.locator("#call-CA1 a").focus()
    seed.say(call, turn(1, "user", "The row that has the focus is drawn anew."))
    expect(page.locator("#call-CA1")).to_contain_text("drawn anew")
    expect(page.locator("#call-CA1 a")).to_be_focused()
    seed.add_call(business, "CA3", status="ringing", ago_s=1)
    expect(page.locator("#call-CA3")).to_be_visible()
    expect(page.locator("#call-CA1 a")).to_be_focused()


def test_a_lost_connection_is_named_and_found_again(house: House, browser_page: Page, business: Business) -> None:
    page = come_in(browser_page, house)
    note = page.get_by_text("The connection to Frontdesk is gone.")
    expect(note).to_be_hidden()
    house.state.stopping = True
    expect(note).to_be_visible()
    house.state.stopping = False
    seed.add_call(business, "CA1", status="ringing", ago_s=1)
    expect(page.locator("#call-CA1")).to_contain_text("Ringing")
    expect(note).to_be_hidden()


def test_what_a_caller_says_stays_text_when_it_arrives_live(
    house: House, browser_page: Page, business: Business
) -> None:
    call = seed.add_call(business, "CA1", status="in-progress", ago_s=5)
    page = come_in(browser_page, house, "/calls/CA1")
    seed.say(call, turn(1, "user", HOSTILE))
    expect(page.locator("#turn-1 .said")).to_have_text(HOSTILE)
    assert page.title() != "owned"


# --- one call --------------------------------------------------------------------------------------------------------


def test_the_recording_is_played_and_followed(house: House, browser_page: Page, business: Business) -> None:
    call = seed.add_story(business)
    page = come_in(browser_page, house, f"/calls/{call.call_sid}")
    expect(page.locator(".deck")).to_be_visible()
    expect(page.locator("[data-time]")).to_have_text("0:00 / 0:05")
    assert (
        page.evaluate("document.querySelector('[data-wave] > div').shadowRoot.querySelectorAll('canvas').length") >= 2
    )
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    wait_until(lambda: page.evaluate("document.querySelector('audio').currentTime") > 0.1)
    expect(page.locator("#turn-1")).not_to_have_class("playing")
    page.get_by_role("button", name="Pause").click()
    page.locator("#turn-1 [data-jump]").click()
    wait_until(lambda: page.evaluate("document.querySelector('audio').currentTime") >= 0.9)
    expect(page.locator("#turn-1.playing")).to_be_visible()
    page.get_by_role("button", name="Playback speed").click()
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.25
    assert len(house.world.telephony.fetched) == 1


def test_without_the_waveform_the_plain_player_stays(house: House, browser_page: Page, business: Business) -> None:
    call = seed.add_story(business)
    browser_page.route("**/vendor/wavesurfer*", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page = come_in(browser_page, house, f"/calls/{call.call_sid}")
    expect(page.locator("audio")).to_be_visible()
    expect(page.locator(".deck")).to_be_hidden()


# --- how it looks and is used ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_small_phone_in_both_looks(
    browser: Browser, browser_errors: list[str], house: House, business: Business, scheme: str
) -> None:
    call = seed.add_story(business)
    seed.say(call, turn(10, "user", "W" * 300))
    seed.add_call(business, "CA2", status="in-progress", ago_s=5, caller="client:" + "x" * 50)
    context = browser.new_context(viewport=PHONE, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(ACTION_TIMEOUT_MS)
    page = context.new_page()
    record_errors(page, browser_errors)
    page.goto(house.link())
    assert overflow(page) <= 0
    come_in(page, house)
    assert overflow(page) <= 0
    for sid in (call.call_sid, "CA2"):
        page.goto(f"{house.url}/calls/{sid}")
        page.get_by_text("Timeline", exact=True).click()
        assert overflow(page) <= 0
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert shade < 60 if scheme == "dark" else shade > 200
    context.close()
    assert browser_errors == []


def test_the_look_is_switched_and_remembered(house: House, browser_page: Page) -> None:
    page = come_in(browser_page, house)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Switch between light and dark").click()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(background) == light


def test_it_is_used_by_keyboard(house: House, browser_page: Page, business: Business) -> None:
    call = seed.add_story(business)
    page = come_in(browser_page, house)
    page.reload()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.locator(f"#call-{call.call_sid} a")
    expect(focused).to_be_focused()
    assert focused.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Emma Clarke")).to_be_visible()
    for landmark in ("banner", "main", "complementary"):
        assert page.get_by_role(landmark).count() == 1  # type: ignore[arg-type]


CONTRAST = """() => {
  const lum = (c) => {
    const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !node.checkVisibility() || node.closest(".sr, .skip, script")) continue;
    const grounds = [];
    for (let at = node; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    const ground = over(grounds), ink = over([...grounds, getComputedStyle(node).color]);
    const [a, b] = [lum(ink), lum(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${walk.currentNode.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_has_the_contrast_that_wcag_aa_asks_for(
    house: House, browser_page: Page, business: Business, scheme: str
) -> None:
    browser_page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    call = seed.add_story(business)
    for number, status in enumerate(("ringing", "in-progress", "failed", "busy", "no-answer", "canceled")):
        seed.add_call(business, f"CA{number}", status=status, ago_s=10)
    page = come_in(browser_page, house)
    assert page.evaluate(CONTRAST) == []
    page.goto(f"{house.url}/calls/{call.call_sid}")
    page.get_by_text("Timeline", exact=True).click()
    assert page.evaluate(CONTRAST) == []
