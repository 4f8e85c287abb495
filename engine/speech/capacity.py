"""How many calls this machine carries, from the time it takes to hear one sentence.

`bench/engine_capacity.py` found the figures below. On a machine that hears `SENTENCE` in `REFERENCE_S`, 16 callers who
speak in turn were answered within 1.5 s nine times in ten, with little to spare; at an hour when the same machine took
0.55 s for it, 12 were (1530 ms), and 16 no longer (2100 ms). Hearing is what a call costs, so another machine's number
follows from its own time for that sentence.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

SENTENCE = "I would like to book a haircut for Maria Lopez on Thursday at half past two, please."
REFERENCE_S = 0.45
SESSIONS_PER_CORE = 7
_TRIES = 3


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sessions_carried(hearing_s: float, core_count: int) -> int:
    """Sessions at once for a machine that hears `SENTENCE` in `hearing_s` seconds of one core; at least one."""
    return max(1, int(core_count * SESSIONS_PER_CORE * REFERENCE_S / hearing_s))


def best_time_s(work: Callable[[], object], tries: int = _TRIES) -> float:
    """The shortest of several runs in seconds: what the machine can do while nothing else disturbs it."""
    return min(_time_s(work) for _ in range(tries))


def _time_s(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
