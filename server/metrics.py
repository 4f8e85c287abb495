"""What is counted, for Prometheus: calls, how fast they are answered, and everything that kept one from going silent.

One registry per process; `/metrics` on the web process shows it. Kinds of the timeline's notes are counted by name, so
that what the timeline says of one call the metrics say of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
REGISTRY: Final = CollectorRegistry()
LATENCY_MS: Final = (100, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 2000, 3000, 5000, 8000)

CALLS_ACTIVE: Final = Gauge("frontdesk_calls_active", "Calls whose media stream is up.", registry=REGISTRY)
ANSWER_LATENCY: Final = Histogram(
    "frontdesk_answer_latency_ms", "From the caller's last sound to the agent's first, in milliseconds.",
    buckets=LATENCY_MS, registry=REGISTRY,
)  # fmt: skip
TURNS_DROPPED: Final = Counter(
    "frontdesk_turns_dropped", "Turns and notes that the full turn writer lost.", registry=REGISTRY
)
ENDED: Final = Counter("frontdesk_calls_ended", "Calls ended by us, by reason.", ["reason"], registry=REGISTRY)
RECONNECTS: Final = Counter(
    "frontdesk_model_reconnects", "Lost model connections, by what came of them.", ["result"], registry=REGISTRY
)

_NOTED: Final[dict[str, Counter]] = {
    kind: Counter(f"frontdesk_{name}", text, registry=REGISTRY)
    for kind, name, text in (
        ("greeting_retry", "greeting_retries", "Greetings asked for a second time."),
        ("nudge", "nudges", "Answers asked for again because nothing came of the first."),
        ("tool_bridge", "tool_bridges", "Sentences said while a tool took long."),
        ("tool_too_slow", "tools_too_slow", "Tools given up because they took too long."),
        ("model_lost", "model_lost", "Model connections lost during a call."),
        ("apology", "apologies", "Calls ended with an apology."),
        ("silence_prompt", "silence_prompts", "Callers asked whether they are still there."),
        ("barge_in", "barge_ins", "Sentences of the agent that a caller interrupted."),
        ("backchannel", "backchannels", "Signs of listening that did not interrupt the agent."),
        ("echo_ignored", "echoes_ignored", "Turns that were the agent's own voice."),
        ("endless_speech", "endless_sounds", "Sounds that never ended and were taken for noise."),
        ("marks_lost", "marks_lost", "Ends of playback that were never confirmed."),
        ("transfer", "transfers", "Calls handed over to be transferred."),
    )
}


def noted(kind: str, detail: Mapping[str, Any]) -> None:
    """Count a note of a call's timeline."""
    counter = _NOTED.get(kind)
    if counter is not None:
        counter.inc()
    elif kind in ("hang_up", "call_failed"):
        ENDED.labels(str(detail.get("reason", ""))).inc()
    elif kind in ("reconnected", "reconnect_failed"):
        RECONNECTS.labels("restored" if kind == "reconnected" else "failed").inc()


def exposition() -> bytes:
    """Every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)
