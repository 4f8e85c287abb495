"""Headless Chromium for browser tests: no network of its own, and every error a page shows is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

from tests.support.network_guard import is_local

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
)
ACTION_TIMEOUT_MS = 15_000
IN_PAGE_SCHEMES = frozenset({"about", "blob", "data"})


@contextmanager
def chromium(executable: Path) -> Iterator[Browser]:
    """One Chromium.

    Playwright's sync API holds this thread's event loop while open: a module that uses it has no async tests.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def record_errors(page: Page, errors: list[str]) -> None:
    """Appends console errors, uncaught exceptions and requests that leave this machine."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"console: {message.text} ({message.location.get('url', '')})")

    def on_page_error(error: Error) -> None:
        errors.append(f"uncaught: {error}")

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in IN_PAGE_SCHEMES and not is_local(address.hostname):
            errors.append(f"left this machine: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", on_page_error)
    page.on("request", on_request)
