"""How putting a caller through can go, and how what the provider reports of it is read."""

from __future__ import annotations

from typing import Final, Literal

State = Literal["ringing", "accepted", "declined", "no_answer", "busy", "failed", "canceled"]

RINGING: Final = "ringing"
ACCEPTED: Final = "accepted"
DECLINED: Final = "declined"
FAILED: Final = "failed"
CANCELED: Final = "canceled"

ACCEPT_KEY: Final = "1"
MOST_PER_CALL: Final = 3
"""How often one call is put through; after that the agent only takes messages."""

_NOT_ANSWERED: Final[dict[str, State]] = {"no-answer": "no_answer", "busy": "busy", "failed": "failed"}


def outcome(dial_status: str, bridged: str | None, *, pressed: bool, warm: bool, caller_left: bool) -> State:
    """What became of a transfer, by the parameters of `<Dial>`'s action.

    `bridged` is `DialBridged` ("true", "false", or None from a provider that does not say it); `pressed` says whether
    the colleague accepted by key. A leg that was answered and never connected was declined: by another key, by nothing
    at all, or by a machine that took the call.
    """
    answered = dial_status in ("completed", "answered")
    if bridged == "true" or (bridged is None and answered and (pressed or not warm)):
        return "accepted"
    if caller_left:
        return "canceled"
    if answered:
        return "declined"
    return _NOT_ANSWERED.get(dial_status, "no_answer" if dial_status == "canceled" else "failed")
