"""What the checker reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One violation at one place. `line` and `column` count from 1; `path` is relative to the project if inside."""

    path: str
    line: int
    column: int
    rule: str
    message: str
    remedy: str

    def as_dict(self) -> dict[str, str | int]:
        """The finding as plain data, for the JSON output."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run found, sorted by place, and how much it read."""

    findings: tuple[Finding, ...]
    files: int
    lines: int
