"""ManagedProcess: waits end early when the process does, and nothing survives it."""

from __future__ import annotations

import os
import sys
import time

import pytest

from tests.support.process import ManagedProcess, ProcessFailed

SERVE = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ok" else 503)
        self.end_headers()
        self.wfile.write(b"hello")
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer)
print("listening", flush=True)
server.serve_forever()
"""
STUBBORN_PARENT = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_waits_for_a_url_and_its_status(free_port: int) -> None:
    with ManagedProcess(python(SERVE, str(free_port))) as server:
        assert server.wait_for_url(f"http://127.0.0.1:{free_port}/ok") == "hello"
        assert server.wait_for_url(f"http://127.0.0.1:{free_port}/down", status=503) == "hello"
        assert server.lines[0] == "listening"


def test_a_process_that_ends_fails_the_wait_at_once_with_its_output() -> None:
    began = time.monotonic()
    with ManagedProcess(python("print('no key'); raise SystemExit(3)")) as process:
        with pytest.raises(ProcessFailed, match="no key"):
            process.wait_for_line("ready", timeout_s=60)
        with pytest.raises(ProcessFailed, match="ended with status 3"):
            process.wait_for_url("http://127.0.0.1:9/", timeout_s=60)
    assert time.monotonic() - began < 20


def test_a_silent_process_times_out_by_name() -> None:
    with (
        ManagedProcess(python("import time; time.sleep(600)"), name="sleeper") as process,
        pytest.raises(ProcessFailed, match="sleeper did not print"),
    ):
        process.wait_for_line("ready", timeout_s=0.2)


def test_a_stubborn_process_is_killed_with_its_children() -> None:
    process = ManagedProcess(python(STUBBORN_PARENT)).start()
    child = int(process.wait_for_line(r"child (\d+)").group(1))
    assert process.terminate(grace_s=0.2) < 0
    deadline = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    """Running, and not merely a zombie that nobody reaped."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_settings_of_the_shell_do_not_reach_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a real one")
    monkeypatch.setenv("HARMLESS", "kept")
    code = "import os; print(os.environ.get('OPENAI_API_KEY'), os.environ['HARMLESS'], os.environ['DEBUG'])"
    with ManagedProcess(python(code), env={"DEBUG": "1"}) as process:
        assert process.wait() == 0
    assert process.lines == ["None kept 1"]


def fail_after(process: ManagedProcess) -> None:
    with process:
        process.wait()
        raise ValueError("mine")


def test_a_failure_inside_the_block_carries_the_output() -> None:
    with pytest.raises(ValueError, match="mine") as caught:
        fail_after(ManagedProcess(python("print('the clue')")))
    assert "the clue" in caught.value.__notes__[0]
