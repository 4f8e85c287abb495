"""The browser fixture shows a page and keeps what the page complains about."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_a_page_renders_and_runs_script(browser_page: Page) -> None:
    browser_page.set_content("<h1>hi</h1><script>document.querySelector('h1').textContent += '!'</script>")
    assert browser_page.text_content("h1") == "hi!"


def test_errors_of_a_page_are_kept(browser_page: Page, browser_errors: list[str]) -> None:
    browser_page.set_content("<script>console.error('first'); setTimeout(() => { throw new Error('second') })</script>")
    browser_page.wait_for_timeout(100)
    assert [error.split(":")[0] for error in browser_errors] == ["console", "uncaught"]
    browser_errors.clear()


def test_a_request_that_leaves_the_machine_is_kept(browser_page: Page, browser_errors: list[str]) -> None:
    browser_page.set_content("<img src='http://cdn.example.test/x.png'>")
    assert "left this machine: http://cdn.example.test/x.png" in browser_errors
    browser_errors.clear()
