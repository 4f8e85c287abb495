"""What follows a call happens once, whatever is repeated, refused or lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server import ports, tasks_recording
from server.db import Database, db
from server.domain.verdicts import Cancel, Done, Retry, Step, Verdict
from server.models_sql import CallEvent, CallLog, ConversationTurn, JobKey, RecordingFile
from server.ports import ProviderError, RecordingUnavailable
from server.services import recording_service
from server.services.recording_service import get_recording_file_for_call
from server.tasks_recording import (
    call_followup,
    enqueue_call_followup,
    enqueue_recording_download_only,
    recording_download,
    save_summary,
    save_transcript,
)
from tests.support.clock import FakeClock
from tests.support.fakes import RECORDING, FakeWorld

URL = "https://api.twilio.com/rec/RE1"
NOT_YET = RecordingUnavailable("the recording answers 404", retryable=True)
NEVER = RecordingUnavailable("the recording answers 401", retryable=False)
PAYLOAD = {"call_sid": "CA1"}


class Runner:
    """Runs a job's steps as the worker does, with the waits written down instead of waited."""

    def __init__(self, world: FakeWorld) -> None:
        self.world = world
        self.waits: list[tuple[str, float]] = []
        self.verdicts: list[tuple[str, Verdict]] = []

    def __call__(self, name: str, step: Step) -> Done | Cancel:
        tried = 0
        while True:
            verdict = step(tried)
            self.verdicts.append((name, verdict))
            if not isinstance(verdict, Retry):
                return verdict
            self.waits.append((name, verdict.delay_s))
            assert isinstance(self.world.clock, FakeClock)
            self.world.clock.advance(verdict.delay_s)
            tried += verdict.counts


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FakeWorld]:
    made = FakeWorld(tmp_path)
    ports.install(made.ports())
    yield made
    ports.install(None)


@pytest.fixture
def run(world: FakeWorld) -> Runner:
    return Runner(world)


def end_call(call: CallLog, url: str | None = URL) -> CallLog:
    with db.scope("server.routes_twilio") as session:
        stored = session.get_one(CallLog, call.id)
        stored.recording_url, stored.status = url, "completed"
        stored.ended_at = ports.current().clock.now()
        session.commit()
    return stored


@pytest.fixture
def recorded(call: CallLog, world: FakeWorld) -> CallLog:
    return end_call(call)


def say(call: CallLog, *turns: tuple[str, str]) -> None:
    with db.scope("server.media_ws_ai") as session:
        for number, (speaker, message) in enumerate(turns, 1):
            session.add(ConversationTurn(call_sid=call.call_sid, call_log_id=call.id, speaker=speaker,
                                         message=message, sequence=number, started_ms=number * 1000))  # fmt: skip
        session.commit()


def stored() -> CallLog:
    with db.scope(write=False) as session:
        return session.scalars(sa.select(CallLog).where(CallLog.call_sid == "CA1")).one()


def timeline() -> list[str]:
    with db.scope(write=False) as session:
        return list(session.scalars(sa.select(CallEvent.kind).order_by(CallEvent.id)))


# --- enqueueing ------------------------------------------------------------------------------------------------------


def test_the_reference_task_commits_by_itself(world: FakeWorld, database: Database, business: Any) -> None:
    enqueue_recording_download_only(call_sid="CA1", recording_url=URL, business_id=business.id)
    kind, key, payload = world.jobs.jobs[0]
    assert (kind, key) == ("recording_download", "recording_download:CA1")
    assert payload == {"call_sid": "CA1", "recording_url": URL, "business_id": business.id}
    with db.scope(write=False) as session:
        assert session.scalars(sa.select(JobKey.job_key)).all() == [key]


def test_in_a_scope_without_a_transaction_it_commits_too(world: FakeWorld, database: Database) -> None:
    with db.scope() as session:
        enqueue_recording_download_only("CA1", URL, 1)
        session.rollback()
    with db.scope(write=False) as session:
        assert len(session.scalars(sa.select(JobKey)).all()) == 1


def test_an_open_transaction_is_joined_and_takes_the_job_back(world: FakeWorld, call: CallLog) -> None:
    with db.scope() as session:
        session.scalars(sa.select(CallLog)).one()
        enqueue_recording_download_only("CA1", URL, 1)
        session.rollback()
    with db.scope(write=False) as session:
        assert session.scalars(sa.select(JobKey)).all() == []


def test_repeated_enqueues_are_one_job(world: FakeWorld, call: CallLog) -> None:
    for expected in (True, False, False):
        with db.scope() as session:
            assert enqueue_call_followup("CA1") is expected
            session.commit()
        assert enqueue_recording_download_only("CA1", URL, 1) is expected
    assert sorted(key for _, key, _ in world.jobs.jobs) == ["call_followup:CA1", "recording_download:CA1"]


def test_regression_20_an_enqueue_that_fails_leaves_no_key(world: FakeWorld, call: CallLog) -> None:
    world.jobs.error = ConnectionError("the job engine is down")
    with pytest.raises(ConnectionError):
        enqueue_recording_download_only("CA1", URL, 1)
    world.jobs.error = None
    assert enqueue_recording_download_only("CA1", URL, 1) is True
    assert len(world.jobs.jobs) == 1


def test_regression_23_reading_calls_enqueues_nothing(world: FakeWorld, recorded: CallLog) -> None:
    with db.scope():
        for call_log in CallLog.query.all():
            assert not recording_service.is_download_in_progress(call_log.call_sid)
            get_recording_file_for_call(call_log)
    assert world.jobs.jobs == []


# --- the jobs --------------------------------------------------------------------------------------------------------


def test_a_recorded_call_is_transcribed_by_channel_and_summarised(
    world: FakeWorld, recorded: CallLog, run: Runner
) -> None:
    assert isinstance(call_followup(PAYLOAD, run), Done)
    call = stored()
    assert call.final_transcript == "[00:00] Caller: some words\n[00:02] Agent: some words"
    assert call.transcript_source == "recording"
    assert call.summary == world.writer.text
    assert world.writer.asked[0][1] == call.final_transcript
    assert timeline() == ["recording_fetched", "transcript_ready", "summary_ready"]
    assert run.waits == []


def test_regression_24_a_repeated_job_transcribes_nothing(world: FakeWorld, recorded: CallLog, run: Runner) -> None:
    call_followup(PAYLOAD, run)
    heard, asked = len(world.transcriber.heard), len(world.writer.asked)
    world.transcriber.words = lambda _: "other words"
    call_followup(PAYLOAD, Runner(world))
    assert (len(world.transcriber.heard), len(world.writer.asked)) == (heard, asked)
    assert timeline().count("transcript_ready") == timeline().count("summary_ready") == 1


def test_regression_24_of_two_workers_that_both_transcribed_one_writes(world: FakeWorld, recorded: CallLog) -> None:
    save_transcript("CA1", "the first", "recording")
    save_transcript("CA1", "the second", "realtime")
    save_summary("CA1", "first summary")
    save_summary("CA1", "second summary")
    call = stored()
    assert (call.final_transcript, call.transcript_source) == ("the first", "recording")
    assert call.summary == "first summary"
    assert timeline() == ["transcript_ready", "summary_ready"]


def test_regression_19_a_cached_file_does_not_skip_the_transcription(
    world: FakeWorld, recorded: CallLog, run: Runner
) -> None:
    assert get_recording_file_for_call(recorded) is not None
    call_followup(PAYLOAD, run)
    assert stored().transcript_source == "recording"
    assert world.telephony.fetched == [URL]


def test_the_download_job_downloads_and_no_more(world: FakeWorld, recorded: CallLog, run: Runner) -> None:
    payload = {"call_sid": "CA1", "recording_url": URL, "business_id": recorded.business_id}
    assert isinstance(recording_download(payload, run), Done)
    assert stored().transcript_source is None and world.transcriber.heard == []
    call_followup(PAYLOAD, run)
    assert stored().transcript_source == "recording"
    assert world.telephony.fetched == [URL]


def test_regression_22_and_25_a_404_is_asked_again_after_its_delay(
    world: FakeWorld, recorded: CallLog, run: Runner
) -> None:
    world.telephony.answers = [NOT_YET, NOT_YET, RECORDING]
    call_followup(PAYLOAD, run)
    assert run.waits == [("fetch", 0.5), ("fetch", 1)]
    assert stored().transcript_source == "recording"


def test_a_recording_that_never_comes_leaves_the_turns(world: FakeWorld, recorded: CallLog, run: Runner) -> None:
    world.telephony.answers = [NOT_YET]
    say(recorded, ("assistant", "How can I help?"), ("user", "When are you\nopen?"))
    call_followup(PAYLOAD, run)
    call = stored()
    assert call.transcript_source == "realtime"
    assert call.final_transcript == "[00:01] Agent: How can I help?\n[00:02] Caller: When are you open?"
    assert call.summary == world.writer.text
    assert [name for name, _ in run.waits].count("fetch") == len(tasks_recording.FETCH_DELAYS_S)
    assert timeline().count("job_failed") == 1


def test_without_recording_and_turns_the_transcript_failed(world: FakeWorld, recorded: CallLog, run: Runner) -> None:
    world.telephony.answers = [NEVER]
    call_followup(PAYLOAD, run)
    call = stored()
    assert (call.transcript_source, call.final_transcript, call.summary) == ("failed", None, None)
    assert world.writer.asked == []


def test_an_unrecorded_call_waits_for_its_last_turns(world: FakeWorld, call: CallLog, run: Runner) -> None:
    unrecorded = end_call(call, url=None)
    original = run.world.clock
    assert isinstance(original, FakeClock)
    say(unrecorded, ("user", "Hello."))
    call_followup(PAYLOAD, run)
    assert run.waits == [("fall back", tasks_recording.SETTLE_S)]
    assert stored().final_transcript == "[00:01] Caller: Hello."


def test_a_call_that_never_ends_is_given_up_waiting_for(world: FakeWorld, call: CallLog, run: Runner) -> None:
    call_followup(PAYLOAD, run)
    assert len(run.waits) == tasks_recording.SETTLE_TRIES
    assert stored().transcript_source == "failed"


def test_a_transcriber_that_recovers_is_asked_again(world: FakeWorld, recorded: CallLog, run: Runner) -> None:
    world.transcriber.error = ProviderError("503", retryable=True)

    def recover(name: str, step: Step) -> Done | Cancel:
        def watched(tried: int) -> Verdict:
            if tried == 2:
                world.transcriber.error = None
            return step(tried)

        return run(name, watched)

    call_followup(PAYLOAD, recover)
    assert run.waits == [("transcribe", 1), ("transcribe", 3)]
    assert stored().transcript_source == "recording"


@pytest.mark.parametrize("retryable", [True, False])
def test_a_transcriber_that_never_answers_leaves_the_turns(
    world: FakeWorld, recorded: CallLog, run: Runner, retryable: bool
) -> None:
    world.transcriber.error = ProviderError("no", retryable=retryable)
    say(recorded, ("user", "Hello."))
    call_followup(PAYLOAD, run)
    tries = [name for name, _ in run.verdicts].count("transcribe")
    assert tries == (len(tasks_recording.MODEL_DELAYS_S) + 1 if retryable else 1)
    assert stored().transcript_source == "realtime"
    assert timeline().count("job_failed") == 1


def test_a_writer_that_fails_leaves_the_transcript(world: FakeWorld, recorded: CallLog, run: Runner) -> None:
    world.writer.error = ProviderError("no", retryable=False)
    assert isinstance(call_followup(PAYLOAD, run), Cancel)
    call = stored()
    assert (call.transcript_source, call.summary) == ("recording", None)


def test_another_download_is_waited_for_however_often(world: FakeWorld, recorded: CallLog) -> None:
    with db.scope(recording_service.OWNER) as session:
        session.add(RecordingFile(call_sid="CA1", business_id=1, state="fetching", claimed_by="another",
                                  claimed_until=world.clock.now() + timedelta(seconds=10)))  # fmt: skip
        session.commit()
    wanted = recording_service.Wanted("CA1", 1, URL)
    assert tasks_recording.fetch(wanted, 0) == Retry(1.0, "the recording is being downloaded", counts=False)
    assert world.telephony.fetched == []


def test_a_store_that_is_down_for_a_while_is_waited_for(
    world: FakeWorld, recorded: CallLog, run: Runner, tmp_path: Path
) -> None:
    assert get_recording_file_for_call(recorded) is not None
    ports.install(world.ports(cache_dir=tmp_path / "other machine"))
    world.blobs.error = ProviderError("the store is down", retryable=True)

    def come_back(name: str, step: Step) -> Done | Cancel:
        def watched(tried: int) -> Verdict:
            if name == "transcribe" and tried == 1:
                world.blobs.error = None
            return step(tried)

        return run(name, watched)

    call_followup(PAYLOAD, come_back)
    assert stored().transcript_source == "recording"
    assert world.telephony.fetched == [URL]


def test_an_unknown_call_ends_the_job(world: FakeWorld, database: Database, run: Runner) -> None:
    assert call_followup({"call_sid": "CA404"}, run) == Cancel("call CA404 is not known")


def test_the_clock_of_settling_is_the_call_s_end(world: FakeWorld, call: CallLog) -> None:
    end_call(call, url=None)
    assert isinstance(tasks_recording.fall_back("CA1", 0), Retry)
    assert isinstance(world.clock, FakeClock)
    world.clock.advance(timedelta(seconds=tasks_recording.SETTLE_S).total_seconds())
    assert isinstance(tasks_recording.fall_back("CA1", 0), Done)


def test_regression_24_two_workers_at_once_ask_the_transcriber_once(world: FakeWorld, recorded: CallLog) -> None:
    tasks_recording.fetch(recording_service.Wanted("CA1", recorded.business_id, URL), 0)
    seen: list[Verdict] = []

    def words(_: bytes) -> str:
        seen.append(tasks_recording.transcribe("CA1", 0))
        return "words"

    world.transcriber.words = words
    assert isinstance(tasks_recording.transcribe("CA1", 0), Done)
    assert seen == [Retry(1.0, "the recording is being transcribed", counts=False)] * 2
    assert len(world.transcriber.heard) == 2, "one request for each side's stretch of sound"


def test_a_transcriber_that_dies_is_followed_when_its_lease_ends(world: FakeWorld, recorded: CallLog) -> None:
    tasks_recording.fetch(recording_service.Wanted("CA1", recorded.business_id, URL), 0)
    with db.scope(recording_service.OWNER) as session:
        row = session.scalars(sa.select(RecordingFile)).one()
        row.claimed_by, row.claimed_until = "a process that died", world.clock.now() + timedelta(seconds=20)
        session.commit()
    assert isinstance(tasks_recording.transcribe("CA1", 0), Retry)
    assert isinstance(world.clock, FakeClock)
    world.clock.advance(20)
    assert isinstance(tasks_recording.transcribe("CA1", 0), Done)


def test_a_recording_in_which_nobody_speaks_gives_way_to_the_turns(
    world: FakeWorld, recorded: CallLog, run: Runner
) -> None:
    world.transcriber.words = lambda _: ""
    say(recorded, ("user", "Hello."))
    call_followup(PAYLOAD, run)
    assert (stored().transcript_source, stored().final_transcript) == ("realtime", "[00:01] Caller: Hello.")


def test_a_call_in_which_nothing_was_said_is_transcribed_as_empty(
    world: FakeWorld, recorded: CallLog, run: Runner
) -> None:
    world.transcriber.words = lambda _: ""
    call_followup(PAYLOAD, run)
    assert (stored().transcript_source, stored().final_transcript, stored().summary) == ("recording", "", None)
    assert world.writer.asked == []


def test_a_summary_that_is_empty_is_asked_for_again(world: FakeWorld, recorded: CallLog, run: Runner) -> None:
    world.writer.text = " "
    call_followup(PAYLOAD, run)
    assert stored().summary is None
    assert [name for name, _ in run.waits] == ["summarise"] * len(tasks_recording.MODEL_DELAYS_S)
    assert timeline()[-1] == "job_failed"


def test_a_recording_s_callback_that_comes_late_is_waited_for(world: FakeWorld, call: CallLog) -> None:
    end_call(call, url=None)
    with db.scope("server.routes_twilio") as session:
        session.get_one(CallLog, call.id).recording_requested_at = ports.current().clock.now()
        session.commit()
    assert isinstance(tasks_recording.await_recording("CA1", 0), Retry)
    end_call(call)
    assert tasks_recording.await_recording("CA1", 1) == Done()


def test_a_recording_s_callback_that_is_lost_leaves_the_turns(world: FakeWorld, call: CallLog, run: Runner) -> None:
    end_call(call, url=None)
    with db.scope("server.routes_twilio") as session:
        session.get_one(CallLog, call.id).recording_requested_at = ports.current().clock.now()
        session.commit()
    say(call, ("user", "When are you open?"))
    call_followup(PAYLOAD, run)
    waited = [delay for name, delay in run.waits if name == "await recording"]
    assert waited == list(tasks_recording.CALLBACK_DELAYS_S)
    assert stored().transcript_source == "realtime"
