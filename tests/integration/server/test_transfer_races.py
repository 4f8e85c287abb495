"""One transfer asked for by several at the same instant, on both databases: one row, one redirect."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db import db
from server.models_sql import Transfer
from server.services import call_transfer
from server.services.transfer_targets import save_target
from tests.support.desk import Desk, salon


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A salon with Anna and a call in progress."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    with salon(tmp_path, url=url) as made:
        with db.scope() as session:
            save_target(made.business_id, "Anna", "+441632960177")
            session.commit()
        made.rings()
        made.reports("in-progress")
        yield made


def test_copies_of_one_tool_call_redirect_the_call_once(desk: Desk) -> None:
    together, answers = threading.Barrier(4), []

    def ask() -> None:
        together.wait(20)
        answers.append(call_transfer.carry_out("CA1", "call_1", '{"colleague": "Anna"}'))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [None] * 4 and len(desk.world.telephony.redirected) == 1
    with db.scope(write=False):
        assert [row.state for row in Transfer.query] == ["ringing"]
    form = {"CallSid": "CA1", "CallStatus": "in-progress", "DialCallStatus": "busy", "DialBridged": "false"}
    assert "<Stream" in desk.post("/webhook/transfer_ended?transfer=1", form).text
    desk.reports("completed")
    with db.scope(write=False):
        assert [row.state for row in Transfer.query] == ["busy"]
    assert desk.lines_in_use() == 0
