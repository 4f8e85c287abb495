"""A process that owns one throwaway PostgreSQL cluster for as long as its standard input stays open.

The test session holds the other end of that pipe. However the session ends (normally, by Ctrl-C, by kill -9), the pipe
closes, and the keeper stops the server and removes its folder. Standard output: one JSON line, {"url": …} or
{"error": …}.

PostgreSQL refuses to run as root, so under root the server runs as `postgres` or `nobody`. It listens on a
Unix socket in a folder that only that user (and root) can enter, which is why the superuser needs no password.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

SUPERUSER = "frontdesk"
PORT = 5432  # names the socket file only
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
# Durability is worth nothing in a cluster that dies with its session.
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_prepared_transactions": "0",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "autovacuum": "off",
}
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def server_account() -> pwd.struct_passwd | None:
    """The account to run the server as; None when this process is unprivileged already."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError(
        "PostgreSQL cannot run as root, and this machine has neither a `postgres` nor a `nobody` account"
    )


def die_with_keeper() -> None:
    """In the server's process, before exec: a fast shutdown (SIGINT) if even the keeper is killed. Linux only."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGINT)


class Cluster:
    """✅ OWNER: the cluster's folder and server process."""

    def __init__(self, programs: Path, library_path: str) -> None:
        self.programs = programs
        self.account = server_account()
        self.folder = Path(tempfile.mkdtemp(prefix="frontdesk-pg-", dir=short_temp_folder()))
        self.env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "GMT"}
        if library_path:
            self.env["LD_LIBRARY_PATH"] = library_path
        self.server: subprocess.Popen[str] | None = None
        if self.account:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)

    def _as_account(self) -> dict[str, Any]:
        base: dict[str, Any] = {"cwd": self.folder, "env": self.env, "stdin": subprocess.DEVNULL}
        if self.account:
            base |= {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return base

    def start(self) -> None:
        data = self.folder / "data"
        options = f"-U {SUPERUSER} -A trust -E UTF8 --locale=C --no-sync".split()
        initdb = [str(self.programs / "initdb"), "-D", str(data), *options]
        made = subprocess.run(initdb, capture_output=True, text=True, check=False, **self._as_account())
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")
        settings = {**SETTINGS, "unix_socket_directories": str(self.folder)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = [str(self.programs / "postgres"), "-D", str(data), *options]
        with (self.folder / "server.log").open("wb") as log:
            self.server = subprocess.Popen(
                command, stdout=log, stderr=log, preexec_fn=die_with_keeper, **self._as_account()
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        assert self.server is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(f"host={self.folder} port={PORT} user={SUPERUSER} dbname=postgres").close()
                return
            except psycopg.OperationalError as error:
                if self.server.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "server.log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start ({error}):\n{log}") from error
            time.sleep(0.05)

    def url(self) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@/postgres?host={quote(str(self.folder), safe='')}&port={PORT}"

    def stop(self) -> None:
        """Stops the server (fast, then immediately) and removes the folder. Safe to call in any state."""
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)
            try:
                self.server.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.server.send_signal(signal.SIGQUIT)
                self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def short_temp_folder() -> str:
    """A socket's path holds about 100 bytes, which a deep TMPDIR exceeds."""
    folder = tempfile.gettempdir()
    return folder if len(folder) < 60 else "/tmp"


@contextmanager
def running(programs: Path, library_path: str) -> Iterator[Cluster]:
    cluster = Cluster(programs, library_path)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def report(**fields: str) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main() -> None:
    programs, library_path = Path(sys.argv[1]), sys.argv[2]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with running(programs, library_path) as cluster:
            report(url=cluster.url())
            sys.stdin.buffer.read()
    except (OSError, RuntimeError) as error:
        report(error=str(error))
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
