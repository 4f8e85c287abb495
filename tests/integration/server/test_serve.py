"""`frontdesk serve`: one command, its children, its link, and its end, however it ends."""

from __future__ import annotations

import http.cookiejar
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.process import ManagedProcess

pytestmark = pytest.mark.timeout(120)
SERVE = [sys.executable, "-m", "server.cli", "serve"]


def _environment(home: Path, model_port: int) -> dict[str, str]:
    """No engine is started: the model's address is one where nothing answers."""
    return {"FRONTDESK_HOME": str(home), "OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1"}


def _gone(url: str, timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            pass
        except OSError:
            return True
        time.sleep(0.1)
    return False


def test_it_serves_opens_the_console_once_and_takes_its_children_with_it(
    tmp_path: Path, free_ports: Callable[[], int]
) -> None:
    port = free_ports()
    address = f"http://127.0.0.1:{port}"
    with ManagedProcess([*SERVE, "--port", str(port)], env=_environment(tmp_path, free_ports())) as serve:
        serve.wait_for_line("Console \\(one-time link", timeout_s=60)
        _login_works_once(address, serve.output)
        _readiness_names_what_is_missing(address)
        second = ManagedProcess([*SERVE, "--port", str(port)], env=_environment(tmp_path, free_ports()))
        with second:
            assert second.wait(30) == 1
            assert f"port {port} on 127.0.0.1 can't be used" in second.output
        serve.kill()
        assert _gone(f"{address}/healthz"), "the web server outlived its parent"


def _login_works_once(address: str, output: str) -> None:
    link = re.search(r"(http://\S+/login\?token=\S+)", output)
    assert link is not None
    token = link[1].partition("token=")[2]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = urllib.parse.urlencode({"token": token}).encode()
    page = browser.open(urllib.request.Request(f"{address}/login", data=form), timeout=10)
    assert page.url == f"{address}/" and b"Calls" in page.read()
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(urllib.request.Request(f"{address}/login", data=form), timeout=10)
    assert refusal.value.code == 403


def _readiness_names_what_is_missing(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{address}/readyz", timeout=10)
    state = json.loads(refusal.value.read())
    assert refusal.value.code == 503 and not state["ready"]
    assert state["parts"]["database"] == "ok"
    assert "can't be reached" in state["parts"]["model"]
