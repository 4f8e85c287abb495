"""Every rule's examples are what docs/audit-rules.md promises."""

import ast
from pathlib import Path

import pytest

from integrity.api import audit_source
from integrity.document import rules_document
from integrity.rules import RULES
from integrity.rules.base import Example, Rule
from tests.support.ownership_sample import OWNERS

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "audit-rules.md"
BAD = [pytest.param(r, e, id=f"{r.id}-{n}") for r in RULES for n, e in enumerate(r.bad)]
GOOD = [pytest.param(r, e, id=f"{r.id}-{n}") for r in RULES for n, e in enumerate(r.good)]


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_a_bad_example_is_reported_by_its_rule_alone(rule: Rule, example: Example) -> None:
    assert {f.rule for f in audit_source(example.code, example.module, OWNERS)} == {rule.id}


@pytest.mark.parametrize(("rule", "example"), GOOD)
def test_a_good_example_is_reported_by_no_rule(rule: Rule, example: Example) -> None:
    ast.parse(example.code)
    assert audit_source(example.code, example.module, OWNERS) == []


def test_each_rule_has_its_own_id_and_both_kinds_of_example() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.bad and rule.good and rule.why and rule.remedy for rule in RULES)


def test_the_document_is_what_the_rules_say() -> None:
    remedy = "docs/audit-rules.md is stale: run `python -m integrity.document > docs/audit-rules.md`"
    assert DOCUMENT.read_text(encoding="utf-8") == rules_document(), remedy


def test_a_hook_beside_the_table_fills_a_column_as_a_default_does() -> None:
    table = "class CallLog(Base):\n    __tablename__ = 'calls'\n\n"
    hook = "def fill(session, *_):\n    for row in session.new:\n        call = row\n        call.status = 'new'\n"
    listens = "@event.listens_for(Session, 'before_flush')\n"
    assert audit_source(table + listens + hook, "server.models_sql", OWNERS) == []
    assert [f.rule for f in audit_source(table + hook, "server.models_sql", OWNERS)] == ["column-outside-owner"]
