"""`frontdesk worker` with short intervals, so that a test sees a dead worker's jobs resumed within seconds."""

from __future__ import annotations

from datetime import timedelta

from server import tasks_recording, worker
from server.cli import main
from server.services import recording_service

worker.BEAT_S = 0.2  # type: ignore[misc]
worker.DEAD_AFTER = timedelta(seconds=1.5)  # type: ignore[misc]
recording_service.LEASE_S = 1.5  # type: ignore[misc]
recording_service.RENEW_S = 0.3  # type: ignore[misc]
tasks_recording.SETTLE_S = 0.5  # type: ignore[misc]

if __name__ == "__main__":
    main(["worker"])
