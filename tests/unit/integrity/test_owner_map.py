from pathlib import Path

import pytest

from integrity.owner_map import OwnerMapError, load_owner_map, parse_owner_map
from tests.support.ownership_sample import OWNERS

ROOT = Path(__file__).resolve().parents[3]


def test_the_project_map_is_read_without_importing_it() -> None:
    owners = load_owner_map(ROOT / "server" / "ownership.py")
    fact = owners.column("CallLog", "status")
    assert fact is not None
    assert (fact.owner, fact.entry) == ("server.routes_twilio", "server.routes_twilio.update_call_status")


def test_a_column_without_a_line_falls_under_the_star() -> None:
    turn = OWNERS.column("ConversationTurn", "message")
    assert turn is not None
    assert turn.owner == "server.media_ws_ai"
    assert OWNERS.column("CallLog", "call_sid") is None


def test_facts_that_are_no_columns_are_found_by_topic() -> None:
    assert [fact.key for fact in OWNERS.about("prompt")] == ["prompt.calls", "prompt.whatsapp"]
    assert OWNERS.about("prom") == ()


def test_a_row_is_called_by_its_model_or_without_the_words_that_say_row() -> None:
    assert OWNERS.row_names["CallLog"] == {"call_log", "call"}
    assert OWNERS.row_names["ConversationTurn"] == {"conversation_turn"}


def test_a_package_owns_through_its_modules_and_a_fragment_owns_nothing() -> None:
    owners = parse_owner_map('OWNERSHIP = {"A.b": {"owner": "shop.till"}}')
    fact = owners.facts["A.b"]
    assert fact.owned_by("shop.till")
    assert fact.owned_by("shop.till.coins")
    assert not fact.owned_by("shop.tillage")
    assert not fact.owned_by(None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("OWNERSHIP = make()", "literals only"),
        ("OWNERSHIP = [1]", "must be a dict"),
        ('OWNERSHIP = {"A.b": {"entry": "x"}}', '"owner": "package.module"'),
        ("OTHER = {}", "no module-level dict literal called OWNERSHIP"),
        ("OWNERSHIP = {", "not valid Python"),
    ],
)
def test_a_map_that_is_no_literal_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(OwnerMapError, match=said):
        parse_owner_map(text)


def test_a_missing_map_is_named(tmp_path: Path) -> None:
    with pytest.raises(OwnerMapError, match=r"gone\.py: the ownership map cannot be read"):
        load_owner_map(tmp_path / "gone.py")
