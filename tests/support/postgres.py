"""The test session's side of the throwaway PostgreSQL cluster, and fresh databases in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from tests.support.machine import ROOT, find_postgres

STOP_TIMEOUT_S = 30.0


@contextmanager
def throwaway_cluster() -> Iterator[str]:
    """Runs a cluster in a temporary folder and yields its superuser's SQLAlchemy URL.

    Raises ServiceMissing where PostgreSQL is not installed, RuntimeError with its log where it does not start.
    """
    programs = find_postgres()
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.support.postgres_keeper", str(programs.folder), programs.library_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        start_new_session=True,  # Ctrl-C reaches the session first; the closing pipe then tells the keeper
    )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    try:
        line = keeper.stdout.readline()
        answer = json.loads(line) if line else {"error": "its keeper ended without a word; see the lines above"}
        if "error" in answer:
            raise RuntimeError(f"the throwaway PostgreSQL could not be started: {answer['error']}")
        yield answer["url"]
    finally:
        keeper.stdin.close()
        keeper.wait(STOP_TIMEOUT_S)
        keeper.stdout.close()


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """An autocommit psycopg connection to a SQLAlchemy URL."""
    return psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    )


@contextmanager
def fresh_database(cluster_url: str) -> Iterator[str]:
    """Creates an empty database, yields its URL, and drops it, closing whatever connections were left open."""
    name = f"test_{uuid4().hex[:12]}"
    url: URL = make_url(cluster_url).set(database=name)
    with connect(cluster_url) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield url.render_as_string(hide_password=False)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
