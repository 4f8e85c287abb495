"""docs/simulator.md names every fault, in the catalogue's words."""

from __future__ import annotations

import re

from simulator.fault_catalogue import CATALOGUE
from tests.support.machine import ROOT


def test_the_manual_lists_every_fault_and_no_other() -> None:
    text = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", text.partition("## Faults")[2], re.MULTILINE))
    assert listed == {fault.name: fault.about for fault in CATALOGUE.values()}
