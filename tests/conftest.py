"""Fixtures for the whole suite. A service that is missing is an error that says how to get it, never a skip."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support import network_guard, ports
from tests.support.browser import ACTION_TIMEOUT_MS, chromium, record_errors
from tests.support.machine import find_chromium
from tests.support.postgres import fresh_database, throwaway_cluster
from tests.support.settings_env import is_setting


def pytest_configure() -> None:
    """Before anything of the product is imported: no settings from the developer's shell, no way to the internet."""
    for name in [name for name in os.environ if is_setting(name)]:
        del os.environ[name]
    network_guard.install()


@pytest.fixture(autouse=True)
def stays_on_this_machine() -> Iterator[None]:
    """Fails a test that reached for the internet, even where the code under test swallowed the refusal."""
    network_guard.ATTEMPTS.clear()
    yield
    attempts, network_guard.ATTEMPTS[:] = list(network_guard.ATTEMPTS), []
    assert not attempts, f"the test reached for {attempts}"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The superuser's SQLAlchemy URL of a throwaway cluster, started on first use and shared by the session."""
    with throwaway_cluster() as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh, empty database, dropped afterwards."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture
def free_port() -> int:
    """A free loopback port. `free_ports` gives more than one."""
    return ports.free_port()


@pytest.fixture
def free_ports() -> Callable[[], int]:
    """Call it for each port you need."""
    return ports.free_port


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    return find_chromium()


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """One Chromium for a test module, which then must not contain async tests (see tests.support.browser)."""
    with chromium(chromium_path) as instance:
        yield instance


@pytest.fixture
def browser_errors() -> list[str]:
    """What pages complained about so far. A test that provokes an error on purpose clears it."""
    return []


@pytest.fixture
def browser_page(browser: Browser, browser_errors: list[str]) -> Iterator[Page]:
    """A page in a fresh context (no cookies). The test fails if the page logged an error or left this machine."""
    context = browser.new_context(locale="en-US", timezone_id="UTC")
    context.set_default_timeout(ACTION_TIMEOUT_MS)
    page = context.new_page()
    record_errors(page, browser_errors)
    yield page
    context.close()
    assert not browser_errors, "the page reported errors:\n" + "\n".join(browser_errors)
