"""What became of a transfer, by the provider's words."""

from __future__ import annotations

import pytest

from server.domain.transfers import outcome


@pytest.mark.parametrize(
    ("status", "bridged", "pressed", "warm", "left", "state"),
    [
        ("completed", "true", True, True, False, "accepted"),
        ("completed", "true", True, True, True, "accepted"),
        ("completed", "false", True, True, True, "canceled"),
        ("completed", "false", False, True, False, "declined"),
        ("completed", None, True, True, False, "accepted"),
        ("completed", None, False, True, False, "declined"),
        ("answered", None, False, False, False, "accepted"),
        ("busy", "false", False, True, False, "busy"),
        ("busy", "false", False, True, True, "canceled"),
        ("no-answer", None, False, False, False, "no_answer"),
        ("canceled", "false", False, True, False, "no_answer"),
        ("failed", "false", False, True, False, "failed"),
        ("a new word", None, False, True, False, "failed"),
    ],
)
def test_the_outcome(status: str, bridged: str | None, pressed: bool, warm: bool, left: bool, state: str) -> None:
    assert outcome(status, bridged, pressed=pressed, warm=warm, caller_left=left) == state
