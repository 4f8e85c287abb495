"""The checker for programs: the same results as the command, as data."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from integrity.audit import check_text, default_owner_map, run
from integrity.findings import Finding, Report
from integrity.owner_map import OwnerMap, OwnerMapError, load_owner_map, parse_owner_map

__all__ = [
    "Finding",
    "OwnerMap",
    "OwnerMapError",
    "Report",
    "audit_paths",
    "audit_source",
    "load_owner_map",
    "parse_owner_map",
]


def audit_paths(paths: Sequence[Path], root: Path, ownership: Path | None = None) -> list[Finding]:
    """Check files and folders. Findings name paths relative to `root`.

    `ownership` is the file with the map, by default `root/server/ownership.py`, else Frontdesk's own for fragments.
    Raises `NothingToCheck` for a path without Python, `OwnerMapError` for a map that is no literal.
    """
    owners = load_owner_map(ownership) if ownership is not None else default_owner_map(root)
    return list(run(paths, root, owners).findings)


def audit_source(
    text: str, module: str | None = None, owners: OwnerMap | None = None, path: str = "<source>"
) -> list[Finding]:
    """Check one text. Without a `module` it is a fragment, and every module counts as not its owner.

    An indented fragment is accepted.
    """
    return check_text(textwrap.dedent(text), path, module, owners or OwnerMap())
