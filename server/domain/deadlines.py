"""The waits that are running, by name. Times in milliseconds from the call's start."""

from __future__ import annotations


class Deadlines:
    """One time per name; whoever is due is taken off, earliest first."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}

    @property
    def next(self) -> float | None:
        """The earliest of them."""
        return min(self._due.values()) if self._due else None

    def set(self, name: str, at_ms: float) -> None:
        """Start a wait, or move it."""
        self._due[name] = at_ms

    def clear(self, *names: str) -> None:
        """End waits; one that is not running is no error."""
        for name in names:
            self._due.pop(name, None)

    def clear_all(self) -> None:
        """End every wait."""
        self._due.clear()

    def at(self, name: str) -> float | None:
        """When a wait ends; None when it is not running."""
        return self._due.get(name)

    def take_due(self, now_ms: float) -> str | None:
        """The earliest wait that is over, which then is not running any more."""
        if not self._due:
            return None
        name = min(self._due, key=self._due.__getitem__)
        if self._due[name] > now_ms:
            return None
        del self._due[name]
        return name
