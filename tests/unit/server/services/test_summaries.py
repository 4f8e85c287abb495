"""What the model is asked for."""

from __future__ import annotations

from pathlib import Path

from server import ports
from server.services.summaries import summarise
from tests.support.fakes import FakeWorld


def test_the_transcript_is_sent_as_it_is_under_one_instruction(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path)
    world.writer.text = "  Asked for the hours.\n"
    ports.install(world.ports())
    try:
        assert summarise("[00:01] Caller: When are you open?") == "Asked for the hours."
    finally:
        ports.install(None)
    ((instructions, text),) = world.writer.asked
    assert text == "[00:01] Caller: When are you open?"
    assert "Summarise" in instructions and "Caller:" not in instructions
