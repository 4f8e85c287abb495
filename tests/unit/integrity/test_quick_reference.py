"""The quick reference is law: each BAD block is reported by its rule, nothing that it recommends by any."""

from pathlib import Path

import pytest

from integrity.api import audit_source, load_owner_map
from tests.support.quick_reference import Piece, pieces

OWNERS = load_owner_map(Path(__file__).resolve().parents[3] / "server" / "ownership.py")
RULE_OF = {
    "❌ Building Prompts Yourself": "prompt-outside-builder",
    "❌ Downloading Recordings Directly": "recording-outside-service",
    "❌ Updating Call Status from Non-Webhook": "column-outside-owner",
    "❌ Logging in Hot Loops": "log-in-hot-loop",
    "❌ Expensive Operations Before DEBUG Check": "work-before-debug-check",
}
BAD = [piece for piece in pieces() if piece.kind == "bad"]
SOUND = [piece for piece in pieces() if piece.kind != "bad"]


def _name(piece: Piece) -> str:
    return f"{piece.kind}: {piece.heading}"


def test_the_document_has_the_pieces_that_this_test_is_about() -> None:
    kinds = [piece.kind for piece in pieces()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"bad": 5, "good": 5, "practice": 5, "task": 5}
    assert {piece.heading for piece in BAD} == set(RULE_OF)


@pytest.mark.parametrize("piece", BAD, ids=_name)
def test_a_bad_piece_is_reported_by_its_rule(piece: Piece) -> None:
    findings = audit_source(piece.code, owners=OWNERS)
    assert [finding.rule for finding in findings] == [RULE_OF[piece.heading]]
    assert findings[0].remedy


@pytest.mark.parametrize("piece", BAD, ids=_name)
def test_a_bad_piece_is_reported_in_a_function_of_a_module_that_owns_nothing(piece: Piece) -> None:
    findings = audit_source(piece.as_function(), module="server.routes_api", owners=OWNERS)
    assert [finding.rule for finding in findings] == [RULE_OF[piece.heading]]


@pytest.mark.parametrize("piece", SOUND, ids=_name)
def test_a_recommended_piece_is_reported_by_no_rule(piece: Piece) -> None:
    assert audit_source(piece.code, owners=OWNERS) == []
    assert audit_source(piece.as_function(), owners=OWNERS) == []


def test_the_status_finding_names_owner_and_entry_point() -> None:
    (piece,) = [p for p in BAD if "Call Status" in p.heading]
    (finding,) = audit_source(piece.code, owners=OWNERS)
    assert "server.routes_twilio" in finding.message
    assert "server.routes_twilio.update_call_status" in finding.message
