"""What a job's step says about itself: it is done, it must not be tried again, or it must be tried later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """The step's effect is there, now or from before. `value` is what later steps need of it, as JSON can hold it."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The step can't be done, and trying again can't help; `reason` is for the operator."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """The step may succeed `delay_s` seconds from now; `reason` is for the operator.

    `counts` is False where the step only waits for another's work: that uses up none of its tries.
    """

    delay_s: float
    reason: str
    counts: bool = True


Verdict = Done | Cancel | Retry
Step = Callable[[int], Verdict]
"""One step of a job; it is given how often it was tried before."""

Run = Callable[[str, Step], Done | Cancel]
"""Runs a named step durably: a `Done` is remembered and never run again, a `Retry` waits its delay and runs again."""
