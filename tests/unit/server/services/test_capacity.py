"""Lines are numbered rows: none is given twice, and none is lost. Regression 16."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db import db
from server.models_sql import Business
from server.services import capacity
from server.services.businesses import save_business
from tests.support.desk import Desk, salon


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with salon(tmp_path, max_calls=3) as made:
        made.change(max_calls=2)
        yield made


def take(key: str, business_id: int = 1, limit_s: int = 60) -> capacity.Full | None:
    with db.scope() as session:
        full = capacity.take_line(key, session.get_one(Business, business_id), limit_s=limit_s)
        session.commit()
        return full


def give_back(*keys: str | None) -> bool:
    with db.scope() as session:
        freed = capacity.release(*keys)
        session.commit()
        return freed


def test_a_business_has_so_many_lines_and_no_more(desk: Desk) -> None:
    assert [take("a"), take("b"), take("c")] == [None, None, "business"]
    assert give_back("a") and take("c") is None and take("d") == "business"


def test_who_asks_twice_holds_one_line(desk: Desk) -> None:
    assert [take("a"), take("a"), take("b")] == [None, None, None]
    assert desk.lines_in_use() == 2


def test_the_installation_s_lines_are_shared(desk: Desk) -> None:
    with db.scope() as session:
        other = save_business(name="Other", phone_e164="+441632960102").id
        session.commit()
    assert [take("a"), take("b"), take("c", other), take("d", other)] == [None, None, None, "installation"]


def test_a_limit_that_is_lowered_takes_nothing_away_and_gives_nothing_more(desk: Desk) -> None:
    take("a"), take("b")
    desk.change(max_calls=1)
    assert (take("c"), desk.lines_in_use()) == ("business", 2)
    give_back("a")
    assert take("c") == "business"
    give_back("b")
    assert take("c") is None


def test_regression_16_a_line_whose_process_was_killed_is_free_when_it_expires(desk: Desk) -> None:
    take("a"), take("b")
    desk.clock.advance(60 + capacity.LEASE_MARGIN_S + 1)
    assert take("c") is None
    assert desk.lines_in_use() == 1
    assert not give_back("a", "b", None) and give_back("c")


def test_no_calls_at_all_is_a_limit_too(desk: Desk) -> None:
    desk.change(max_calls=0)
    assert take("a") == "business"
