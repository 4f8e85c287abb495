"""What a simulated call was: events as they happen, and the report that sums them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["completed", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, `at_ms` of call time after the call was placed."""

    at_ms: int
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


OnEvent = Callable[[Event], None]


@dataclass(slots=True)
class CallFacts:
    """The call as Twilio would list it; `statuses` in the order reached, each with its `at_ms`."""

    sid: str
    account_sid: str
    from_: str
    to: str
    direction: str
    statuses: list[dict[str, Any]] = field(default_factory=list)
    duration_s: int = 0
    ended_by: str = ""


@dataclass(slots=True)
class Frames:
    """Counts on the media socket; bytes are μ-law. `played_bytes` is what the caller heard."""

    sent: int = 0
    sent_bytes: int = 0
    received: int = 0
    received_bytes: int = 0
    played_bytes: int = 0
    discarded_bytes: int = 0
    bad_messages: int = 0


@dataclass(slots=True)
class MarkFacts:
    """One mark: when the server's came in, when and by what (`playback` or `clear`) it was returned."""

    name: str
    at_ms: int
    returned_at_ms: int | None = None
    by: str | None = None


@dataclass(slots=True)
class Latency:
    """From the caller's last voiced sample to the agent's answer, in ms of call time; `None` when none came.

    `overlapped` says that the agent was still heard when the caller ended, so that the answer had to be told apart.
    """

    turn: int
    text: str | None
    ended_at_ms: int
    to_received_ms: int | None = None
    to_played_ms: int | None = None
    overlapped: bool = False


@dataclass(slots=True)
class Said:
    """One stretch of speech; `text` is `None` where nobody transcribed it."""

    from_ms: int
    to_ms: int
    text: str | None
    source: str


@dataclass(slots=True)
class RestFacts:
    """One REST call of the server's that concerned this call; secrets are not kept."""

    at_ms: int
    method: str
    path: str
    params: dict[str, str]
    status: int


@dataclass(slots=True)
class WebhookFacts:
    """One request to the server. `status` is 0 when none came back, and `error` says why; `ms` is wall time."""

    at_ms: int
    kind: str
    url: str
    status: int
    ms: int
    attempt: int
    error: str | None = None


@dataclass(slots=True)
class RecordingFacts:
    """One recording, where it is served, and whether the server has fetched it."""

    sid: str
    url: str
    status: str
    channels: int
    duration_s: int
    source: str
    fetched: bool = False


@dataclass(slots=True)
class FaultFacts:
    """One fault that the line had, and how often it struck."""

    name: str
    times: int


@dataclass(slots=True)
class CallReport:
    """Everything about one call. `ok` when it went through. `legs` are those that were dialled from it."""

    call: CallFacts
    outcome: Outcome = "completed"
    reason: str | None = None
    frames: Frames = field(default_factory=Frames)
    marks: list[MarkFacts] = field(default_factory=list)
    clears: list[dict[str, int]] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    said: dict[str, list[Said]] = field(default_factory=lambda: {"caller": [], "agent": []})
    rest_calls: list[RestFacts] = field(default_factory=list)
    webhooks: list[WebhookFacts] = field(default_factory=list)
    recordings: list[RecordingFacts] = field(default_factory=list)
    faults: list[FaultFacts] = field(default_factory=list)
    legs: list[CallReport] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the call went through: a media stream ran and nothing broke."""
        return self.outcome == "completed"

    def fail(self, reason: str, outcome: Outcome = "failed") -> None:
        """Record why the call did not go through; the first reason stays, for the later ones follow from it."""
        if self.outcome == "completed":
            self.outcome, self.reason = outcome, reason

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data for JSON (`from_` becomes `from`)."""
        data = asdict(self)
        _rename_from(data)
        return data


def _rename_from(data: dict[str, Any]) -> None:
    data["call"]["from"] = data["call"].pop("from_")
    for leg in data["legs"]:
        _rename_from(leg)
