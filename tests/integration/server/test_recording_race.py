"""Regressions 19 and 21: processes that want one recording at the same moment make one download."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest

from server import bootstrap
from server.config.settings import load
from server.db import db
from server.models_sql import CallLog
from server.services.recording_service import get_recording_file_for_call, is_download_in_progress
from tests.integration.server.conftest import BOTH, Installation


def play(environment: Mapping[str, str]) -> None:
    """Playback, as the reference has it: a query, and then the file, in one scope."""
    bootstrap.build(load(environment))
    with db.scope():
        call_log = CallLog.query.filter_by(call_sid="CA1").first()
        file_path = get_recording_file_for_call(call_log)
    sys.stdout.write(f"played {file_path}\n")
    sys.stdout.flush()


@pytest.mark.parametrize("installation", BOTH, indirect=True)
def test_three_processes_share_one_download(installation: Installation) -> None:
    installation.call()
    let_go = installation.provider.hold("recording")
    players = [installation.process(play) for _ in range(3)]
    installation.provider.wait_until_asked("recording")
    assert is_download_in_progress("CA1")
    let_go()
    played = {player.wait_for_line(r"played (.+)")[1] for player in players}
    assert [player.wait() for player in players] == [0, 0, 0]
    assert len(played) == 1 and played.pop().endswith("CA1.wav")
    assert installation.provider.asked == {"recording": 1}
    assert not is_download_in_progress("CA1")
