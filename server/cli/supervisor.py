"""One `frontdesk` and its child processes: web server, worker and local engine, started and ended together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from server.config import calls

STOP_GRACE_S = calls.STOP_DRAIN_S + calls.STOP_GOODBYE_S + 5.0
RESTART_LIMIT = 5
_PR_SET_PDEATHSIG = 1


def ensure_port_free(host: str, port: int, option: str) -> None:
    """Raise a clear error when the port can't be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise click.ClickException(
                f"port {port} on {host} can't be used ({problem.strerror}): stop the program that has it, "
                f"or choose another with {option}"
            ) from problem


def free_port(preferred: int) -> int:
    """`preferred` when it is free on this machine, else one that the system chooses."""
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise click.ClickException("no free port is left on 127.0.0.1")


class NotReady(click.ClickException):
    """What was waited for did not come in time."""


@dataclass(slots=True)
class Child:
    """One child process and how it is started again."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    started_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Starts children, restarts those that die, and takes all of them down with itself."""

    environment: Mapping[str, str]
    log: Callable[[str], None]
    output: Path | None = None
    """Where the children's logs go; nothing: to this program's own standard error."""
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    def start(self, name: str, *arguments: str) -> None:
        """Start a child: a subcommand of this same program."""
        child = Child(name, arguments)
        self.children.append(child)
        self._spawn(child)

    def check(self) -> None:
        """Restart what died. Raises a clear error for a child that keeps dying."""
        for child in self.children:
            code = child.process.poll() if child.process else None
            if code is None or self.stopping:
                continue
            if time.monotonic() - child.started_at > 60:
                child.restarts = 0
            child.restarts += 1
            if code == 2 or child.restarts > RESTART_LIMIT:
                raise click.ClickException(f"{child.name} ended with code {code}: {self._last_words()}")
            self.log(f"{child.name} ended with code {code}; starting it again ({child.restarts} of {RESTART_LIMIT})")
            time.sleep(min(0.2 * 2**child.restarts, 5))
            self._spawn(child)

    def wait_ready(self, url: str, timeout_s: float) -> None:
        """Wait until `url` answers 200. Raises a clear error with its last answer."""
        deadline, answer = time.monotonic() + timeout_s, "no answer"
        while time.monotonic() < deadline:
            self.check()
            ready, answer = probe(url)
            if ready:
                return
            time.sleep(0.1)
        raise NotReady(f"after {timeout_s:.0f} s {url} says {answer}")

    def stop(self) -> None:
        """End every child: asked first, then killed."""
        self.stopping = True
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_GRACE_S
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self, child: Child) -> None:
        command = [sys.executable, "-m", "server.cli", *child.arguments]
        child.started_at = time.monotonic()
        with contextlib.ExitStack() as files:
            out = files.enter_context(self.output.open("ab")) if self.output else None
            child.process = subprocess.Popen(
                command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=_die_with_parent,
            )

    def _last_words(self) -> str:
        """What the children logged last, or where a person can read it."""
        if self.output is None:
            return "its own message above says why"
        return f"see {self.output}, which ends with\n" + "\n".join(self.output.read_text().splitlines()[-5:])


def probe(url: str) -> tuple[bool, str]:
    """Whether `url` answers 200, and what it says."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - an address of our own
            return answer.status == 200, f"answers {answer.status}"
    except urllib.error.HTTPError as problem:
        return False, problem.read().decode(errors="replace")[:500]
    except OSError as problem:
        return False, str(problem)


def interrupts_as_exit() -> None:
    """Let SIGTERM end the parent as Ctrl-C does, so that its children end with it."""

    def handler(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, handler)


def _die_with_parent() -> None:
    """In the child: Linux ends it when the parent dies, even by kill -9. Ctrl-C goes to the parent alone."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
