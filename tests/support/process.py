"""Child processes under test: started with a clean environment, watched line by line, always ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.support.machine import ROOT
from tests.support.settings_env import without_settings

SHOWN_LINES = 120
POLL_S = 0.05
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


class ProcessFailed(AssertionError):
    """The process ended, or stayed silent, where a test needed it; the message holds its last lines."""


class ManagedProcess:
    """One child process and its children, in a process group of their own.

    ✅ OWNER: starting, reading and ending the process. Use it as a context manager:

        with ManagedProcess([".venv/bin/frontdesk", "serve"], env={"DEBUG": "1"}) as server:
            server.wait_for_url("http://127.0.0.1:8000/readyz", timeout_s=30)

    `env` is added to this process's environment, from which Frontdesk's own settings were removed, so that a
    developer's key or database never reaches a test. Standard error is merged into standard output.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        name: str | None = None,
    ) -> None:
        self.command = [str(part) for part in command]
        self.name = name or Path(self.command[0]).name
        self._env = {**without_settings(os.environ), "PYTHONUNBUFFERED": "1", **(env or {})}
        self._cwd = cwd
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._output_ended = False
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> ManagedProcess:
        # The kernel's parent-death signal follows the thread that forked, so it is only safe from the main one.
        in_main_thread = threading.current_thread() is threading.main_thread()
        self._process = subprocess.Popen(
            self.command,
            cwd=self._cwd,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_die_with_parent if in_main_thread and sys.platform == "linux" else None,
        )
        self._reader = threading.Thread(target=self._read, name=f"output of {self.name}", daemon=True)
        self._reader.start()
        return self

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._output_ended = True
            self._changed.notify_all()

    @property
    def process(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise ProcessFailed(f"{self.name} was not started")
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status so far; None while running."""
        return self.process.poll()

    @property
    def lines(self) -> list[str]:
        """Everything printed so far, a copy."""
        with self._changed:
            return list(self._lines)

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for_line(self, pattern: str, *, timeout_s: float = 30.0, after: int = 0) -> re.Match[str]:
        """Waits until a line, from index `after` on, contains the regular expression, and returns the match."""
        compiled, deadline, position = re.compile(pattern), time.monotonic() + timeout_s, after
        with self._changed:
            while True:
                while position < len(self._lines):
                    if found := compiled.search(self._lines[position]):
                        return found
                    position += 1
                if self._output_ended:
                    raise self._failure(f"ended without printing {pattern!r}")
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise self._failure(f"did not print {pattern!r} within {timeout_s} s")
                self._changed.wait(remaining)

    def wait_for_url(self, url: str, *, timeout_s: float = 30.0, status: int = 200) -> str:
        """Polls a URL until it answers with `status`, and returns the body. Fails at once when the process ends."""
        deadline, last = time.monotonic() + timeout_s, "no answer"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise self._failure(f"ended with status {self.process.returncode} before {url} answered")
            last, body = _fetch(url)
            if last == f"status {status}":
                return body
            time.sleep(POLL_S)
        raise self._failure(f"{url} did not answer {status} within {timeout_s} s (last: {last})")

    def wait(self, timeout_s: float = 30.0) -> int:
        """Waits for the process to end by itself and returns its exit status."""
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise self._failure(f"still running after {timeout_s} s") from error
        self._join_reader()
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process alone, not to its children."""
        self.process.send_signal(number)

    def kill(self) -> int:
        """kill -9 for the process and its children: what a crash looks like to everyone else."""
        self._signal_group(signal.SIGKILL)
        status = self.process.wait()
        self._join_reader()
        return status

    def terminate(self, grace_s: float = 15.0) -> int:
        """SIGTERM, then SIGKILL for whatever of the group is left. Returns the exit status; safe when already ended."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace_s)
        return self.kill()

    def _signal_group(self, number: signal.Signals) -> None:
        # macOS answers PermissionError for a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def _join_reader(self) -> None:
        """A grandchild that left the group can hold the pipe open, so the wait for the last lines is bounded."""
        if self._reader is not None:
            self._reader.join(timeout=2.0)

    def _failure(self, reason: str) -> ProcessFailed:
        shown = self._lines[-SHOWN_LINES:]
        return ProcessFailed("\n".join([f"{self.name} {reason}; its last {len(shown)} lines:", *shown]))

    def __enter__(self) -> ManagedProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()
        if error is not None:
            error.add_note(f"--- output of {self.name} ---\n" + "\n".join(self.lines[-SHOWN_LINES:]))


def _fetch(url: str) -> tuple[str, str]:
    """("status 200", body), or (why there was no answer, "")."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            body: bytes = response.read()
            return f"status {response.status}", body.decode(errors="replace")
    except urllib.error.HTTPError as error:
        return f"status {error.code}", error.read().decode(errors="replace")
    except OSError as error:
        return str(error), ""


def _die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
