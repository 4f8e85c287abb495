"""One download per call, whoever asks, and nothing half-written."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server import migrations, ports
from server.db import acting_as, db
from server.models_sql import Business, CallEvent, CallLog, RecordingFile
from server.ports import ProviderError, RecordingUnavailable
from server.services import recording_service
from server.services.open_transactions import UncommittedChanges
from server.services.recording_service import get_recording_file_for_call, is_download_in_progress
from tests.support.clock import FakeClock
from tests.support.fakes import RECORDING, FakeWorld

URL = "https://api.twilio.com/rec/RE1"
NOT_YET = RecordingUnavailable("the recording answers 404", retryable=True)
NEVER = RecordingUnavailable("the recording answers 401", retryable=False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FakeWorld]:
    made = FakeWorld(tmp_path)
    ports.install(made.ports())
    yield made
    ports.install(None)


@pytest.fixture
def recorded(call: CallLog) -> CallLog:
    """A finished call whose recording the provider has."""
    with db.scope("server.routes_twilio") as session:
        stored = session.get_one(CallLog, call.id)
        stored.recording_url, stored.status = URL, "completed"
        session.commit()
    return stored


def row() -> RecordingFile | None:
    with db.scope(write=False) as session:
        return session.scalars(sa.select(RecordingFile)).one_or_none()


def leftovers(world: FakeWorld) -> list[str]:
    return [path.name for path in (world.cache / "partial").glob("*")]


def claim(until: timedelta, world: FakeWorld) -> None:
    """The row as another process left it."""
    with db.scope() as session, acting_as(recording_service.OWNER):
        session.add(RecordingFile(call_sid="CA1", business_id=1, state="fetching", claimed_by="another",
                                  claimed_until=world.clock.now() + until))  # fmt: skip
        session.commit()


def test_the_reference_snippet_runs_in_one_scope(world: FakeWorld, recorded: CallLog) -> None:
    with db.scope():
        call_log = CallLog.query.filter_by(call_sid="CA1").first()
        file_path = get_recording_file_for_call(call_log)
        assert file_path is not None
        with open(file_path, "rb") as f:
            assert f.read() == RECORDING
        assert call_log.call_sid == "CA1"


def test_the_file_is_kept_and_described(world: FakeWorld, recorded: CallLog) -> None:
    assert get_recording_file_for_call(recorded) is not None
    stored = row()
    assert stored is not None
    assert (stored.state, stored.size_bytes, stored.claimed_by) == ("stored", len(RECORDING), None)
    assert world.blobs.put == [stored.blob_key]
    assert leftovers(world) == []
    with db.scope(write=False) as session:
        line = session.scalars(sa.select(CallEvent).where(CallEvent.kind == "recording_fetched")).one()
        assert line.detail["bytes"] == len(RECORDING)


def test_regression_19_playback_and_worker_share_one_download(world: FakeWorld, recorded: CallLog) -> None:
    first = get_recording_file_for_call(recorded)
    assert get_recording_file_for_call(recorded) == first
    wanted = recording_service.Wanted("CA1", recorded.business_id, URL)
    assert str(recording_service.obtain(wanted)) == first
    assert world.telephony.fetched == [URL]


def test_regression_19_two_threads_at_once_fetch_once(world: FakeWorld, recorded: CallLog) -> None:
    world.telephony.hold = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(get_recording_file_for_call, recorded) for _ in range(2)]
        assert world.telephony.started.wait(10)
        assert is_download_in_progress("CA1")
        assert list(world.cache.glob("[0-9]*/*")) == [], "a partial file is visible"
        with db.scope("server.services.businesses") as session:
            session.add(Business(name="Second", phone_e164="+441632960102"))
            session.commit()  # no transaction waits for the network
        world.telephony.hold.set()
        paths = {future.result(20) for future in both}
    assert len(paths) == 1 and None not in paths
    assert world.telephony.fetched == [URL]
    assert not is_download_in_progress("CA1")


def test_regression_21_another_process_holds_the_claim(
    world: FakeWorld, recorded: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_service, "WAIT_S", 0.0)
    claim(timedelta(seconds=10), world)
    with pytest.raises(recording_service.InProgress):
        recording_service.obtain(recording_service.Wanted("CA1", 1, URL), wait_s=0.0)
    assert is_download_in_progress("CA1")
    assert world.telephony.fetched == []


def test_the_claim_of_a_dead_process_is_free_when_its_lease_ends(world: FakeWorld, recorded: CallLog) -> None:
    claim(timedelta(seconds=10), world)
    assert isinstance(world.clock, FakeClock)
    world.clock.advance(11)
    assert not is_download_in_progress("CA1")
    assert get_recording_file_for_call(recorded) is not None
    assert world.telephony.fetched == [URL]


def test_a_blob_that_a_crashed_process_left_whole_is_not_fetched_again(world: FakeWorld, recorded: CallLog) -> None:
    assert get_recording_file_for_call(recorded) is not None
    with db.scope() as session, acting_as(recording_service.OWNER):
        stored = session.scalars(sa.select(RecordingFile)).one()
        stored.state, stored.blob_key = "fetching", None
        session.commit()
    assert get_recording_file_for_call(recorded) is not None
    assert world.telephony.fetched == [URL]


def test_another_machine_takes_the_file_from_the_store(world: FakeWorld, recorded: CallLog, tmp_path: Path) -> None:
    assert get_recording_file_for_call(recorded) is not None
    ports.install(world.ports(cache_dir=tmp_path / "other machine"))
    path = get_recording_file_for_call(recorded)
    assert path is not None and Path(path).read_bytes() == RECORDING
    assert world.telephony.fetched == [URL]


def test_regression_25_a_404_is_asked_again(world: FakeWorld, recorded: CallLog) -> None:
    world.telephony.answers = [NOT_YET, RECORDING]
    assert get_recording_file_for_call(recorded) is None
    stored = row()
    assert stored is not None and stored.state == "waiting" and "404" in str(stored.error)
    assert not is_download_in_progress("CA1")
    assert get_recording_file_for_call(recorded) is not None


def test_what_can_never_be_had_is_not_asked_for_again(world: FakeWorld, recorded: CallLog) -> None:
    world.telephony.answers = [NEVER]
    assert get_recording_file_for_call(recorded) is None
    assert get_recording_file_for_call(recorded) is None
    assert world.telephony.fetched == [URL]


@pytest.mark.parametrize(
    ("answer", "state"),
    [(b"<html>not a WAV</html>", "failed"), (b"", "failed"), (RECORDING[:-1000], "waiting")],
)
def test_what_is_no_whole_wav_is_not_kept(world: FakeWorld, recorded: CallLog, answer: bytes, state: str) -> None:
    world.telephony.answers = [answer]
    assert get_recording_file_for_call(recorded) is None
    stored = row()
    assert stored is not None and stored.state == state
    assert world.blobs.put == [] and leftovers(world) == []
    assert list(world.cache.glob("[0-9]*/*")) == []


@pytest.mark.parametrize("error", [OSError("No space left on device"), ProviderError("refused", retryable=True)])
def test_a_store_that_fails_leaves_nothing_behind(world: FakeWorld, recorded: CallLog, error: Exception) -> None:
    world.blobs.error = error
    assert get_recording_file_for_call(recorded) is None
    assert not is_download_in_progress("CA1") and leftovers(world) == []
    world.blobs.error = None
    assert get_recording_file_for_call(recorded) is not None


def test_a_crash_of_the_download_gives_the_claim_back(world: FakeWorld, recorded: CallLog) -> None:
    world.blobs.error = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        get_recording_file_for_call(recorded)
    assert not is_download_in_progress("CA1")


def test_a_call_without_a_recording_asks_nobody(world: FakeWorld, call: CallLog) -> None:
    assert get_recording_file_for_call(call) is None
    assert get_recording_file_for_call(None) is None
    assert row() is None and world.telephony.fetched == []


def test_a_long_download_keeps_its_lease(world: FakeWorld, recorded: CallLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_service, "RENEW_S", 0.02)
    world.telephony.hold = threading.Event()
    assert isinstance(world.clock, FakeClock)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(get_recording_file_for_call, recorded)
        assert world.telephony.started.wait(10)
        world.clock.advance(recording_service.LEASE_S + 1)
        for _ in range(200):
            if is_download_in_progress("CA1"):
                break
            threading.Event().wait(0.02)
        assert is_download_in_progress("CA1"), "the lease was not renewed"
        world.telephony.hold.set()
        assert running.result(20) is not None


def test_the_loser_of_a_lease_writes_nothing(world: FakeWorld, recorded: CallLog) -> None:
    wanted = recording_service.Wanted("CA1", 1, URL)
    claim(timedelta(seconds=10), world)
    recording_service._settle(wanted, "not the holder", state="failed", error="late")
    stored = row()
    assert stored is not None and (stored.state, stored.claimed_by) == ("fetching", "another")


def test_a_transaction_that_has_written_is_not_ended_by_us(world: FakeWorld, recorded: CallLog) -> None:
    with db.scope("server.routes_twilio") as session:
        mine = session.get_one(CallLog, recorded.id)
        mine.status = "busy"
        session.flush()
        with pytest.raises(UncommittedChanges):
            get_recording_file_for_call(mine)
        session.rollback()
        assert get_recording_file_for_call(recorded) is not None


@pytest.mark.parametrize("sid", ["../../etc/passwd", "CA/1", "", "C" * 65])
def test_an_id_can_t_leave_the_cache(world: FakeWorld, sid: str) -> None:
    place = recording_service._place(recording_service.Wanted(sid, 1, None))
    assert place.parent == world.cache / "1"


@pytest.mark.postgres
def test_on_postgresql_two_threads_fetch_once(postgres_database: str, world: FakeWorld) -> None:

    migrations.upgrade(db.configure(postgres_database))
    try:
        with db.scope("server.services.businesses") as session:
            session.add(Business(name="Harbour Hair", phone_e164="+441632960101"))
            session.commit()
        wanted = recording_service.Wanted("CA1", 1, URL)
        world.telephony.hold = threading.Event()
        with ThreadPoolExecutor(4) as pool:
            all_four: list[Any] = [pool.submit(recording_service.obtain, wanted) for _ in range(4)]
            assert world.telephony.started.wait(10)
            world.telephony.hold.set()
            assert len({future.result(20) for future in all_four}) == 1
        assert world.telephony.fetched == [URL]
    finally:
        db.dispose()


def test_a_copy_that_is_not_whole_is_replaced_from_the_store(world: FakeWorld, recorded: CallLog) -> None:
    path = Path(get_recording_file_for_call(recorded) or "")
    path.write_bytes(RECORDING[:100])
    assert get_recording_file_for_call(recorded) == str(path)
    assert path.read_bytes() == RECORDING
    assert world.telephony.fetched == [URL]


def test_a_blob_that_was_changed_is_not_played(world: FakeWorld, recorded: CallLog) -> None:
    path = Path(get_recording_file_for_call(recorded) or "")
    path.unlink()
    blob = world.blobs.folder / world.blobs.put[0]
    blob.write_bytes(RECORDING[:-2] + b"xy")
    assert get_recording_file_for_call(recorded) is None
    assert leftovers(world) == []


def test_old_partial_files_of_killed_processes_are_swept(world: FakeWorld, recorded: CallLog) -> None:
    get_recording_file_for_call(recorded)
    old, new = world.cache / "partial" / "old.wav", world.cache / "partial" / "new.wav"
    for path in (old, new):
        path.write_bytes(b"RIFF")
    os.utime(old, (0, 0))
    recording_service.sweep_partial_files()
    assert leftovers(world) == ["new.wav"]
