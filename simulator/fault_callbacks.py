"""Faults of webhooks: callbacks twice, in another order, late, lost; a voice webhook that is sent again."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.faults import Faults

_FINAL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


def what(params: dict[str, str]) -> str:
    """The event that a callback is about, in one word."""
    named = (params.get(key) for key in ("RecordingStatus", "AnsweredBy", "StreamEvent", "CallStatus"))
    return next((value for value in named if value), "")


class _OfKinds(Faults):
    """A fault of some kinds of callback: `status`, `recording`, `stream`, `amd`."""

    def __init__(self, seed: int = 0, kinds: tuple[str, ...] = ("status", "recording")) -> None:
        super().__init__(seed)
        self.kinds = kinds


class Duplicated(_OfKinds):
    """Every callback comes twice, with one idempotency token: the second 0 to 0.5 s after the first."""

    def callback_delays(self, kind: str, params: dict[str, str]) -> Sequence[float]:
        if kind not in self.kinds:
            return (0.0,)
        self.strike(kind=kind, callback=what(params))
        return (0.0, self.chance(kind, what(params)).choice((0.0, 0.1, 0.5)))


class Reordered(_OfKinds):
    """Callbacks change places with the one that follows; the last of them comes when the call is over."""

    def __init__(self, seed: int = 0, kinds: tuple[str, ...] = ("status", "recording")) -> None:
        super().__init__(seed, kinds)
        self._seen: dict[str, int] = {}

    def holds_callback(self, kind: str, params: dict[str, str]) -> bool:
        if kind not in self.kinds:
            return False
        seen = self._seen.get(kind, 0)
        self._seen[kind] = seen + 1
        if (seen + self.seed) % 2:
            return False
        self.strike(kind=kind, callback=what(params))
        return True


class Delayed(_OfKinds):
    """Every callback comes 1 to 5 s late, each by its own time, so that they overtake each other too."""

    def callback_delays(self, kind: str, params: dict[str, str]) -> Sequence[float]:
        if kind not in self.kinds:
            return (0.0,)
        self.strike(kind=kind, callback=what(params))
        return (round(self.chance(kind, what(params)).uniform(1.0, 5.0), 3),)


class Lost(_OfKinds):
    """No callback of these kinds comes at all."""

    def callback_delays(self, kind: str, params: dict[str, str]) -> Sequence[float]:
        if kind not in self.kinds:
            return (0.0,)
        self.strike(kind=kind, callback=what(params))
        return ()


class FinalLost(Faults):
    """The callback with the call's final status never comes; those of child legs do."""

    def callback_delays(self, kind: str, params: dict[str, str]) -> Sequence[float]:
        if kind != "status" or what(params) not in _FINAL or params.get("ParentCallSid"):
            return (0.0,)
        self.strike(callback=what(params))
        return ()


class Chaos(Faults):
    """Every callback of every kind meets its own fate: twice, late, behind the next one, lost, or nothing at all."""

    def callback_delays(self, kind: str, params: dict[str, str]) -> Sequence[float]:
        fate = self._fate(kind, params)
        delays = {"twice": (0.0, 0.3), "late": (2.0,), "late twice": (1.0, 3.0), "lost": ()}.get(fate, (0.0,))
        if fate != "as usual":
            self.strike(kind=kind, callback=what(params), fate=fate)
        return delays

    def holds_callback(self, kind: str, params: dict[str, str]) -> bool:
        return self._fate(kind, params) == "held"

    def _fate(self, kind: str, params: dict[str, str]) -> str:
        fates = ("as usual", "twice", "late", "late twice", "held", "held", "lost")
        return self.chance(kind, what(params), "ParentCallSid" in params).choice(fates)


class VoiceRepeated(Faults):
    """The voice webhook is sent twice with one idempotency token, `after_s` apart; the later answer is acted out."""

    def __init__(self, seed: int = 0, after_s: float = 1.0) -> None:
        super().__init__(seed)
        self._after_s = after_s

    def webhook_times(self, kind: str) -> Sequence[float]:
        if kind != "voice":
            return (0.0,)
        self.strike(after_s=self._after_s)
        return (0.0, self._after_s)
