"""A suppression answers for a finding with a reason, or is a finding itself."""

import pytest

from integrity.api import audit_source
from tests.support.ownership_sample import OWNERS

BAD = 'call.status = "completed"'


def _rules(text: str) -> list[str]:
    return [finding.rule for finding in audit_source(text, "server.media_ws_ai", OWNERS)]


@pytest.mark.parametrize(
    "text",
    [
        f"{BAD}  # audit: allow[column-outside-owner] a rehearsal, on a copy of the row",
        f"# audit: allow[column-outside-owner] a rehearsal, on a copy of the row\n{BAD}",
        f"{BAD}  # audit: allow[column-outside-owner]: a rehearsal",
    ],
)
def test_a_reason_hides_the_finding(text: str) -> None:
    assert _rules(text) == []


def test_without_a_reason_it_hides_nothing_and_is_a_finding_too() -> None:
    found = audit_source(f"{BAD}  # audit: allow[column-outside-owner]", "server.media_ws_ai", OWNERS)
    assert [finding.rule for finding in found] == ["column-outside-owner", "bad-suppression"]
    assert found[1].message == "this suppression gives no reason"


def test_another_rules_suppression_hides_nothing_and_is_reported() -> None:
    assert _rules(f"{BAD}  # audit: allow[log-in-hot-loop] because") == ["column-outside-owner", "bad-suppression"]


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("# audit: allow[no-such-rule] because", "no rule called no-such-rule"),
        ("# audit: allow because", "names no rule"),
        ("# audit: ignore[log-in-hot-loop] because", "names no rule"),
        ("# audit: allow[log-in-hot-loop] because", "nothing to allow here"),
    ],
)
def test_a_suppression_that_does_nothing_says_why(comment: str, said: str) -> None:
    (finding,) = audit_source(f"x = 1  {comment}", owners=OWNERS)
    assert finding.rule == "bad-suppression"
    assert said in finding.message


def test_a_string_that_reads_like_a_suppression_is_none() -> None:
    assert _rules(f'{BAD}; x = "# audit: allow[column-outside-owner] because"') == ["column-outside-owner"]
