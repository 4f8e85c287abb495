"""Which files to check, what they are called as modules, and which project they belong to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

DEFAULT_MAP = Path("server/ownership.py")
_PROJECT_MARKS = ("pyproject.toml", "setup.cfg", ".git")
_SKIPPED = frozenset({"__pycache__", "node_modules", "build", "dist", "site-packages"})


class NothingToCheck(ValueError):
    """A path does not exist or holds no Python; the message names it."""


def find_root(start: Path) -> Path:
    """The project around `start`: the nearest folder above with the map or a project file, else `start`'s folder."""
    folder = start if start.is_dir() else start.parent
    folder = folder.resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / DEFAULT_MAP).is_file() or any((candidate / mark).exists() for mark in _PROJECT_MARKS):
            return candidate
    return folder


def project_packages(root: Path) -> list[Path]:
    """The project's own packages: top-level folders with an `__init__.py`, tests left out. Raises `NothingToCheck`."""
    packages = [p.parent for p in sorted(root.glob("*/__init__.py")) if p.parent.name not in {"tests", "test"}]
    if not packages:
        raise NothingToCheck(f"{root} has no Python packages; name the files or folders to check")
    return packages


def python_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every `.py` file named or inside a named folder, once, in a fixed order. Raises `NothingToCheck`."""
    seen: set[Path] = set()
    for path in paths:
        for file in _files_of(path):
            if file not in seen:
                seen.add(file)
                yield file


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise NothingToCheck(f"{path} does not exist")
    found = list(_walk(path))
    if not found:
        raise NothingToCheck(f"{path} holds no Python files")
    return found


def _walk(top: Path) -> Iterator[Path]:
    for folder, subfolders, files in os.walk(top):
        subfolders[:] = sorted(s for s in subfolders if s not in _SKIPPED and not s.startswith("."))
        yield from (Path(folder) / name for name in sorted(files) if name.endswith(".py"))


def module_of(file: Path) -> str | None:
    """The dotted name that Python would import the file by; None for a file in no package, which is a fragment."""
    file = file.resolve()
    parts = [] if file.stem == "__init__" else [file.stem]
    folder = file.parent
    if not (folder / "__init__.py").is_file():
        return None
    while (folder / "__init__.py").is_file():
        parts.append(folder.name)
        folder = folder.parent
    return ".".join(reversed(parts))
