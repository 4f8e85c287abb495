"""Dialling by real worker processes, with kill -9 between the provider's call and our knowing of it: regression 17."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa

from server.db import db
from server.domain.jobs import DIAL_QUEUE
from server.models_sql import Business, CallLease, OutboundCall
from server.services import outbound_calls
from server.services.businesses import demo_business, save_business
from server.tasks_calls import enqueue_dial
from tests.integration.server.conftest import BOTH, Installation

ON_BOTH = pytest.mark.parametrize("installation", BOTH, indirect=True)


def ask(number: int = 0) -> str:
    with db.scope() as session:
        business: Business = save_business(**demo_business())
        wish = outbound_calls.Wish(to=f"+44770090010{number}", dedup_key=f"order-{number}")
        request, new = outbound_calls.request_call(business, wish)
        assert new and enqueue_dial(request)
        session.commit()
        return request.request_id


def request(request_id: str) -> OutboundCall:
    with db.scope(write=False):
        found: OutboundCall = OutboundCall.query.filter_by(request_id=request_id).one()
        return found


@ON_BOTH
def test_regression_17_a_worker_killed_while_the_provider_dials_leaves_one_call(installation: Installation) -> None:
    asked = ask()
    let_go = installation.provider.hold("call")
    doomed = installation.worker()
    installation.provider.wait_until_asked("call")
    doomed.kill()
    assert (request(asked).state, request(asked).call_sid) == ("dialing", None)
    let_go()
    installation.worker()
    installation.wait(lambda: request(asked).call_sid is not None, "the call's discovery", 40)
    assert installation.provider.asked["call"] == 1
    assert installation.read("CA0").status == "initiated"
    with db.scope(write=False):
        assert [lease.lease_key for lease in CallLease.query] == [asked]


@ON_BOTH
def test_one_call_a_second_is_dialled_and_each_once(installation: Installation) -> None:
    asked = [ask(number) for number in range(3)]
    installation.worker()
    installation.wait(lambda: all(request(one).call_sid for one in asked), "three calls", 30)
    assert installation.provider.asked["call"] == 3
    begun = starts()
    assert len(begun) == 3
    assert all(later - earlier >= 1000 for earlier, later in itertools.pairwise(begun)), begun


def starts() -> list[int]:
    """When the job engine let each dialling begin, in ms."""
    table = "workflow_status" if db.engine.dialect.name == "sqlite" else "dbos.workflow_status"
    query = f"SELECT started_at_epoch_ms FROM {table} WHERE queue_name = :queue ORDER BY 1"
    with db.scope(write=False) as session:
        return [row[0] for row in session.execute(sa.text(query), {"queue": DIAL_QUEUE})]
