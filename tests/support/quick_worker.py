"""Worker processes for tests: `frontdesk worker` with short intervals, so that the jobs of a dead one are resumed soon.

They are forked from a server process that has imported everything already, because a test that kills a worker starts
several of them. What they print goes to a file, which outlives them.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from server import bootstrap, logging_setup, tasks_recording, worker
from server.config.settings import load
from server.services import outbound_calls, recording_service

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])
POLL_S = 0.02


def hurry() -> None:
    """Shorten what production waits for."""
    worker.BEAT_S = 0.2  # type: ignore[misc]
    worker.DEAD_AFTER = timedelta(seconds=1.5)  # type: ignore[misc]
    recording_service.LEASE_S = 1.5  # type: ignore[misc]
    recording_service.RENEW_S = 0.3  # type: ignore[misc]
    tasks_recording.SETTLE_S = 0.5  # type: ignore[misc]
    outbound_calls.CLAIM_S = 3.0  # type: ignore[misc]


def work(environment: Mapping[str, str]) -> None:
    """A worker's life, in the process that calls it."""
    hurry()
    logging_setup.configure("worker", development=False)
    worker.run(bootstrap.build(load(environment)))


class ForkedProcess:
    """A process that runs `function(argument)`, with its output in a file."""

    def __init__(self, function: Callable[[Mapping[str, str]], None], argument: Mapping[str, str], log: Path) -> None:
        self._log = log
        self.process = CONTEXT.Process(target=_into_file, args=(function, dict(argument), str(log)), daemon=True)
        self.process.start()

    @property
    def lines(self) -> list[str]:
        """What it printed so far."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def wait_for_line(self, pattern: str, timeout_s: float = 30.0) -> re.Match[str]:
        """Wait until a line contains the regular expression."""
        deadline = time.monotonic() + timeout_s
        while True:
            alive = self.process.is_alive()
            for line in self.lines:
                if found := re.search(pattern, line):
                    return found
            assert alive and time.monotonic() < deadline, f"no {pattern!r} within {timeout_s} s in:\n{self.lines[-40:]}"
            time.sleep(POLL_S)

    def tell_to_stop(self) -> None:
        """SIGTERM."""
        self.process.terminate()

    def wait(self, timeout_s: float = 30.0) -> int | None:
        """Wait for its end; the exit status, or None when it goes on."""
        self.process.join(timeout_s)
        return self.process.exitcode

    def kill(self) -> None:
        """kill -9."""
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(10)


def _into_file(function: Callable[[Mapping[str, str]], None], argument: Mapping[str, str], log: str) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    function(argument)


if __name__ == "__main__":
    work(os.environ)
