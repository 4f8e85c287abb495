"""What enqueuer and worker must agree on. A change of these strands the jobs that are waiting."""

from __future__ import annotations

from typing import Final

QUEUE: Final = "frontdesk"
WORKFLOW: Final = "frontdesk.job"
ENGINE_VERSION: Final = "1"
"""The job engine's application version: one for all releases, so that no job waits for code that is gone."""
