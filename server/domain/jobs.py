"""What enqueuer and worker must agree on. A change of these strands the jobs that are waiting."""

from __future__ import annotations

from typing import Final

QUEUE: Final = "frontdesk"
CALLS_QUEUE: Final = "frontdesk.calls"
"""What a call in progress waits for: never behind the work after a call."""
DIAL_QUEUE: Final = "frontdesk.dial"
"""Dialling, at the pace that the phone provider allows the account."""
DIALS_PER_SECOND: Final = 1
WORKFLOW: Final = "frontdesk.job"
ENGINE_VERSION: Final = "1"
"""The job engine's application version: one for all releases, so that no job waits for code that is gone."""

DIAL: Final = "dial"
MACHINE_MESSAGE: Final = "machine_message"
RECONCILE: Final = "reconcile"


def queue_of(kind: str) -> str:
    """The queue that a kind of job waits in."""
    return {DIAL: DIAL_QUEUE, MACHINE_MESSAGE: CALLS_QUEUE, RECONCILE: CALLS_QUEUE}.get(kind, QUEUE)
