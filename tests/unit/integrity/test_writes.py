"""Which writes the text makes plain, and which it leaves open: false alarms cost more than a miss."""

import pytest

from integrity.source import Source
from integrity.writes import writes_in
from tests.support.ownership_sample import OWNERS


def _writes(code: str, module: str | None = "server.routes_api") -> list[str]:
    return [f"{w.model}.{w.column}" for w in writes_in(Source(code, module=module), OWNERS)]


@pytest.mark.parametrize(
    "code",
    [
        "call.status = 'x'",
        "call_log.status = x",
        "parent_call.status = x",
        "self.call.status = x",
        "def f(row: CallLog | None):\n    row.status = x",
        "def f(row: 'CallLog'):\n    row.status = x",
        "row = CallLog.query.first()\nrow.status = x",
        "row = session.scalar(select(CallLog))\nrow.status = x",
        "for row in CallLog.query.all():\n    row.status = x",
        "rows = CallLog.query.all()\nfor row in rows:\n    row.status = x",
        "rows = CallLog.query.all()\nrows[0].status = x",
        "if row := session.get(CallLog, 1):\n    row.status = x",
        "row = CallLog()\nother = row\nother.status = x",
        "class A:\n    row: CallLog\n    def f(self):\n        self.row.status = x",
        "class A:\n  def __init__(self, row: CallLog):\n    self._row = row\n  def f(self):\n    self._row.status = 1",
        "call.status += 1",
        "del call.status",
        "call.status, other = x, y",
        "for call.status in x: pass",
        "setattr(call, 'status', x)",
        "CallLog(status=x)",
        "models_sql.CallLog(status=x)",
        "session.execute(update(CallLog).where(CallLog.id == 1).values(status=x))",
        "session.execute(sa.update(CallLog).values({CallLog.status: x}))",
        "session.execute(insert(CallLog).values({'status': x}))",
        "CallLog.query.filter_by(id=1).update({'status': x})",
        "session.query(CallLog).update({CallLog.status: x})",
        "session.bulk_update_mappings(CallLog, [{'id': 1, 'status': x}])",
        "CallLog.query.first().status = x",
        "session.execute(text('UPDATE call_logs SET status = :s, note = :n WHERE id = 1'))",
        "cursor.execute('INSERT INTO call_log (id, status) VALUES (1, 2)')",
    ],
)
def test_a_plain_write_is_seen(code: str) -> None:
    assert _writes(code) == ["CallLog.status"]


@pytest.mark.parametrize(
    "code",
    [
        "if call.status == 'x': pass",
        "response.status = x",
        "self.status = x",
        "job.status = x",
        "call.note = x",
        "def f(call: PlacedCall):\n    call.status = x",
        "call = PlacedCall(sid)\ncall.status = x",
        "class A:\n    call: Placed\n    def f(self):\n        self.call.status = x",
        "class A:\n  def __init__(self):\n    self.call = Placed()\n  def f(self):\n    self.call.status = 1",
        "from twilio.rest import CallLog\nCallLog(status=x)",
        "class CallLog:\n    pass\nCallLog(status=x)",
        "turn.message = x",
        "session.execute(text('SELECT status FROM call_logs WHERE status = 1'))",
        "session.execute(text('UPDATE jobs SET status = 1'))",
        "session.execute(text('UPDATE call_logs SET note = 1 WHERE status = 2'))",
        "values.update({'status': x})",
        "select(CallLog).where(CallLog.status == x)",
    ],
)
def test_a_read_or_another_object_is_not_taken_for_a_write(code: str) -> None:
    assert _writes(code) == []


def test_a_bare_name_says_nothing_in_a_package_that_owns_nothing() -> None:
    assert _writes("call.status = x", module="simulator.phone") == []
    assert _writes("from server.models_sql import CallLog\nCallLog(status=x)", "simulator.phone") == ["CallLog.status"]


def test_under_the_star_every_column_counts_once_the_object_is_known() -> None:
    assert _writes("turn = ConversationTurn(speaker='user')\nturn.message = x") == [
        "ConversationTurn.message",
        "ConversationTurn.speaker",
    ]
    assert _writes("conversation_turn.anything = x") == ["ConversationTurn.anything"]


def test_a_models_own_method_writes_its_columns() -> None:
    code = "class CallLog(Base):\n    __tablename__ = 'calls'\n    def end(self):\n        self.status = 'x'"
    assert _writes(code, "server.models_sql") == ["CallLog.status"]
