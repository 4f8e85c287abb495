"""A call's recording: fetched from the provider once, ever, and kept.

The row in `recording_files` is the claim. Whoever takes it downloads; everybody else, in whatever process, waits for
that one download or comes back later. A claim is a lease: it is renewed while the download runs, and one whose process
died is free again after `LEASE_S`. The network is only used outside a transaction.

✅ OWNER: `recording_files` and every download of a recording.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import tempfile
import threading
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from server import ports
from server.db import acting_as, db, reading
from server.logging_setup import get_logger
from server.models_sql import CallLog, RecordingFile
from server.ports import ProviderError, RecordingUnavailable
from server.services import timeline
from server.services.open_transactions import leave_read_transaction
from server.store import recordings

log = get_logger(__name__)

OWNER: Final = "server.services.recording_service"
FETCHING: Final = "fetching"
WAITING: Final = "waiting"
STORED: Final = "stored"
FAILED: Final = "failed"

LEASE_S: Final = 20.0
RENEW_S: Final = 5.0
WAIT_S: Final = 10.0
"""How long a second caller waits for the first one's download."""
POLL_S: Final = 0.1
PARTIAL_KEPT_S: Final = 24 * 3600.0
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


class InProgress(RecordingUnavailable):
    """Another has the recording in hand (downloads it, or transcribes it), and has not finished yet."""

    def __init__(self, what: str = "downloaded") -> None:
        super().__init__(f"the recording is being {what}", retryable=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recording: of which call of which business, and where the provider has it (nothing: it has none)."""

    call_sid: str
    business_id: int
    url: str | None


def get_recording_file_for_call(call_log: CallLog | None) -> str | None:
    """The path of the call's recording as a WAV file, or None when there is none or it can't be had now.

    ✅ OWNER: playback, jobs and everybody else; downloads at most once per call, whoever asks.
    ❌ NEVER: from a transaction that has written (commit first); on the event loop.
    """
    if call_log is None:
        return None
    wanted = Wanted(call_log.call_sid, call_log.business_id, call_log.recording_url)
    try:
        return str(obtain(wanted))
    except RecordingUnavailable as problem:
        log.debug("recording can't be had", call_sid=wanted.call_sid, error=str(problem))
        return None


def is_download_in_progress(call_sid: str) -> bool:
    """True while some process downloads this call's recording."""
    with reading():
        row = recordings.file_of(call_sid)
        return row is not None and _is_claimed(row)


def is_stored(call_sid: str) -> bool:
    """True when this call's recording was fetched and kept."""
    with reading():
        row = recordings.file_of(call_sid)
        return row is not None and row.state == STORED


def obtain(wanted: Wanted, *, wait_s: float = WAIT_S) -> Path:
    """The recording's file, downloaded now if it never was. Raises `RecordingUnavailable`, `InProgress` after `wait_s`.

    ✅ OWNER: the one download step that playback and jobs share.
    """
    leave_read_transaction()
    deadline = time.monotonic() + wait_s
    while True:
        row = _look(wanted)
        if row.state == STORED and (found := _from_store(wanted, row)):
            return found
        token = _claim(wanted)
        if token is not None:
            return _download(wanted, token)
        if time.monotonic() >= deadline:
            raise InProgress
        time.sleep(POLL_S)


def _look(wanted: Wanted) -> RecordingFile:
    with db.scope(write=False):
        row = recordings.file_of(wanted.call_sid)
    if row is not None and row.state == FAILED:
        raise RecordingUnavailable(row.error or "the recording can't be had", retryable=False)
    if row is None and not wanted.url:
        raise RecordingUnavailable("the call has no recording", retryable=False)
    return row or RecordingFile(state=WAITING)


def _from_store(wanted: Wanted, row: RecordingFile) -> Path | None:
    """The local copy of a stored recording, fetched from the store where this machine has none that is whole."""
    place = _place(wanted)
    if _is_whole(place, row):
        return place
    try:
        with _temporary() as copy:
            if row.blob_key is not None and ports.current().blobs.fetch_to(row.blob_key, copy):
                if _sha256(copy) != row.sha256:
                    raise RecordingUnavailable("the stored recording is not what was stored", retryable=True)
                os.replace(copy, place)
                return place
    except (ProviderError, OSError) as problem:
        raise RecordingUnavailable(f"the stored recording can't be read: {problem}", retryable=True) from problem
    log.warning("stored recording is gone from the store", call_sid=wanted.call_sid)
    return None


def _is_whole(place: Path, row: RecordingFile) -> bool:
    return place.exists() and place.stat().st_size == row.size_bytes


@contextlib.contextmanager
def held_for_transcription(call_sid: str) -> Iterator[None]:
    """Hold a stored recording while the block runs: one at a time spends the model's money on it, or removes it.

    Raises `InProgress` while another process holds it; a process that died loses it with its lease.
    """
    token, now = _token(), ports.current().clock.now()
    with db.scope() as session, acting_as(OWNER):
        row = recordings.file_of(call_sid, lock=True)
        if row is None or row.state != STORED or (row.claimed_until is not None and row.claimed_until > now):
            raise InProgress("transcribed")
        row.claimed_by, row.claimed_until = token, _lease_end()
        session.commit()
    try:
        with _renewing(call_sid, token):
            yield
    finally:
        _let_go(call_sid, token)


# --- the claim -------------------------------------------------------------------------------------------------------


def _token() -> str:
    return f"{socket.gethostname()[:24]}:{os.getpid()}:{uuid4().hex[:12]}"


def _claim(wanted: Wanted) -> str | None:
    """Take the download: a token that holds the lease, or None while someone else has it."""
    token = _token()
    with db.scope() as session, acting_as(OWNER):
        row = _row(wanted)
        if _is_claimed(row) or (row.state == STORED and _is_whole(_place(wanted), row)):
            return None
        row.state, row.claimed_by, row.claimed_until, row.error = FETCHING, token, _lease_end(), None
        session.commit()
    return token


def _row(wanted: Wanted) -> RecordingFile:
    """The call's row, locked; made where there is none. Two that make it at once end up with one."""
    found = recordings.file_of(wanted.call_sid, lock=True)
    if found is not None:
        return found
    with contextlib.suppress(IntegrityError), db.session.begin_nested():
        db.session.add(RecordingFile(call_sid=wanted.call_sid, business_id=wanted.business_id, state=WAITING))
    made = recordings.file_of(wanted.call_sid, lock=True)
    assert made is not None
    return made


def _is_claimed(row: RecordingFile) -> bool:
    now = ports.current().clock.now()
    return row.state == FETCHING and row.claimed_until is not None and row.claimed_until > now


def _lease_end() -> datetime:
    return ports.current().clock.now() + timedelta(seconds=LEASE_S)


@contextlib.contextmanager
def _held(wanted: Wanted, token: str) -> Iterator[None]:
    """Keep the lease alive while the download runs, and give it back when it fails, whatever went wrong."""
    with _renewing(wanted.call_sid, token):
        try:
            yield
        except BaseException as problem:
            final = isinstance(problem, RecordingUnavailable) and not problem.retryable
            _settle(wanted, token, state=FAILED if final else WAITING, error=str(problem) or type(problem).__name__)
            raise


@contextlib.contextmanager
def _renewing(call_sid: str, token: str) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=_renew, args=(call_sid, token, over), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _let_go(call_sid: str, token: str) -> None:
    with db.scope() as session, acting_as(OWNER):
        row = recordings.file_of(call_sid, lock=True)
        if row is not None and row.claimed_by == token:
            row.claimed_by = row.claimed_until = None
            session.commit()


def _renew(call_sid: str, token: str, over: threading.Event) -> None:
    while not over.wait(RENEW_S):
        try:
            with db.scope() as session, acting_as(OWNER):
                row = recordings.file_of(call_sid, lock=True)
                if row is None or row.claimed_by != token:
                    return
                row.claimed_until = _lease_end()
                session.commit()
        except SQLAlchemyError as problem:
            log.warning(
                "the lease of a recording could not be renewed", call_sid=call_sid, error=type(problem).__name__
            )


def _settle(wanted: Wanted, token: str, *, state: str, error: str | None = None, stored: Stored | None = None) -> None:
    """End the claim; nothing is written when the lease was lost to another, whose outcome then counts."""
    with db.scope() as session, acting_as(OWNER):
        row = recordings.file_of(wanted.call_sid, lock=True)
        if row is None or row.claimed_by != token:
            return
        row.state, row.error, row.claimed_by, row.claimed_until = state, error, None, None
        if stored is not None:
            row.blob_key, row.size_bytes, row.sha256 = stored.key, stored.size_bytes, stored.sha256
            row.stored_at = ports.current().clock.now()
            timeline.append(wanted.call_sid, "recording_fetched", {"bytes": stored.size_bytes, "ms": stored.took_ms},
                            source="recording_service", business_id=wanted.business_id)  # fmt: skip
        session.commit()


# --- the download ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stored:
    """A recording that is in the store now; `took_ms` is what fetching it took."""

    key: str
    size_bytes: int
    sha256: str
    took_ms: int


def _download(wanted: Wanted, token: str) -> Path:
    place = _place(wanted)
    with _temporary() as part, _held(wanted, token):
        stored = _fetch(wanted, part)
        os.replace(part, place)
        _settle(wanted, token, state=STORED, stored=stored)
    log.info("recording stored", call_sid=wanted.call_sid, bytes=stored.size_bytes, ms=stored.took_ms)
    return place


def _fetch(wanted: Wanted, part: Path) -> Stored:
    """Bring the recording into `part` and into the store. A blob that a crashed process left whole is used as it is."""
    outside, key, began = ports.current(), f"{wanted.business_id}/{_name(wanted)}", time.monotonic()
    try:
        if not outside.blobs.fetch_to(key, part):
            if not wanted.url:
                raise RecordingUnavailable("the call has no recording", retryable=False)
            outside.telephony.fetch_recording(wanted.url, part)
            _check_wav(part)
            outside.blobs.put_file(key, part)
    except (ProviderError, OSError) as problem:
        raise RecordingUnavailable(f"the recording can't be stored: {problem}", retryable=True) from problem
    return Stored(key, part.stat().st_size, _sha256(part), round((time.monotonic() - began) * 1000))


def _sha256(path: Path) -> str:
    with path.open("rb") as whole:
        return hashlib.file_digest(whole, "sha256").hexdigest()


def _check_wav(part: Path) -> None:
    """Raise `RecordingUnavailable` unless this is a whole WAV of 16-bit PCM with one or two channels."""
    try:
        with wave.open(str(part)) as reader:
            channels, width, frames = reader.getnchannels(), reader.getsampwidth(), reader.getnframes()
    except (wave.Error, EOFError) as problem:
        raise RecordingUnavailable(f"the recording is not a PCM WAV file ({problem})", retryable=False) from problem
    if width != 2 or channels not in (1, 2):
        raise RecordingUnavailable(
            f"the recording has {channels} channel(s) of {width * 8} bits: a WAV of 16-bit PCM is needed",
            retryable=False,
        )
    if frames * channels * width > part.stat().st_size:
        raise RecordingUnavailable("the recording is cut off", retryable=True)


def _name(wanted: Wanted) -> str:
    """A file name that a call id can't lead out of its folder."""
    sid = wanted.call_sid
    return f"{sid if _PLAIN.match(sid) else hashlib.sha256(sid.encode()).hexdigest()}.wav"


def _place(wanted: Wanted) -> Path:
    folder = ports.current().cache_dir / str(wanted.business_id)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / _name(wanted)


def sweep_partial_files() -> None:
    """Remove what processes that were killed in the middle of a download left in the cache folder."""
    for path in (ports.current().cache_dir / "partial").glob("*.wav"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > PARTIAL_KEPT_S:
                path.unlink()


@contextlib.contextmanager
def _temporary() -> Iterator[Path]:
    """A file in the cache's own file system, so that it can be renamed into place; gone afterwards."""
    folder = ports.current().cache_dir / "partial"
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".wav")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
