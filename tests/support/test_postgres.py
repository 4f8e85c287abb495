"""The throwaway cluster: fresh databases are independent, and a killed test session leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from tests.support.postgres import connect, fresh_database
from tests.support.process import ManagedProcess

HOLD_A_CLUSTER = """
import time
from tests.support.postgres import throwaway_cluster
with throwaway_cluster() as url:
    print(url, flush=True)
    time.sleep(600)
"""
pytestmark = pytest.mark.postgres


def folder_of(url: str) -> Path:
    return Path(str(make_url(url).query["host"]))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_sqlalchemy_reaches_a_fresh_database(postgres_database: str) -> None:
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (a integer)"))
        connection.execute(text("INSERT INTO t VALUES (7)"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT a FROM t")).scalar_one() == 7
    engine.dispose()


def test_databases_are_independent_and_dropped_with_connections_open(postgres_url: str) -> None:
    with fresh_database(postgres_url) as first, fresh_database(postgres_url) as second:
        assert make_url(first).database != make_url(second).database
        left_open = connect(first)
    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        left_open.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        connect(first)


def test_the_server_does_not_run_as_root(postgres_url: str) -> None:
    assert (folder_of(postgres_url) / "data" / "postmaster.pid").stat().st_uid != 0


def test_a_killed_session_leaves_no_server_and_no_folder() -> None:
    with ManagedProcess([sys.executable, "-c", HOLD_A_CLUSTER]) as session:
        url = session.wait_for_line(r"^postgresql\+psycopg://\S+").group(0)
        server = int((folder_of(url) / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert is_running(server)
        session.kill()
    deadline = time.monotonic() + 20
    while (is_running(server) or folder_of(url).exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(server)
    assert not folder_of(url).exists()
