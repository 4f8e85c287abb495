"""The run: one parse per file, every rule on it, suppressions applied, findings sorted."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from integrity import suppressions
from integrity.discovery import DEFAULT_MAP, module_of, python_files
from integrity.findings import Finding, Report
from integrity.owner_map import OwnerMap, load_owner_map
from integrity.rules import RULES
from integrity.source import Source

# Read as text, like any other map: the checker imports nothing of what it checks.
_INSTALLED_MAP = Path(__file__).resolve().parents[1] / DEFAULT_MAP
UNREADABLE = "unreadable"
RULE_IDS = frozenset(rule.id for rule in RULES)


def run(paths: Sequence[Path], root: Path, owners: OwnerMap) -> Report:
    """Check every Python file under `paths`. Raises `NothingToCheck` for a path that has none."""
    findings: list[Finding] = []
    files = lines = 0
    for file in python_files(paths):
        name = _display(file, root)
        files += 1
        text = _read(file)
        if isinstance(text, str):
            lines += text.count("\n")
            module = module_of(file)
            findings += check_text(text, name, module, owners.judging(module))
        else:
            findings.append(text_problem(name, 1, str(text)))
    return Report(tuple(sorted(findings)), files, lines)


def check_text(text: str, path: str, module: str | None, owners: OwnerMap) -> list[Finding]:
    """Every finding in one text, sorted by place."""
    try:
        source = Source(text, path, module)
    except SyntaxError as problem:
        return [text_problem(path, problem.lineno or 1, f"not valid Python: {problem.msg}")]
    except (ValueError, RecursionError, MemoryError) as problem:
        return [text_problem(path, 1, f"cannot be parsed: {problem}")]
    return sorted(suppressions.apply(text, path, set(_findings(source, owners)), RULE_IDS))


def text_problem(path: str, line: int, message: str) -> Finding:
    """The finding for a file that cannot be checked: an unread file must not pass for a clean one."""
    return Finding(path, line, 1, UNREADABLE, message, "Correct the file, or leave it out of the paths.")


def default_owner_map(root: Path) -> OwnerMap:
    """The project's own map; without one, Frontdesk's for fragments and packages of its names, so that a loose file can
    be checked from anywhere. Raises `OwnerMapError` for a broken map.
    """
    path = root / DEFAULT_MAP
    if path.is_file():
        return load_owner_map(path)
    return replace(load_owner_map(_INSTALLED_MAP), borrowed=True) if _INSTALLED_MAP.is_file() else OwnerMap()


def _findings(source: Source, owners: OwnerMap) -> Iterator[Finding]:
    for rule in RULES:
        if rule.hint.search(source.text):
            for hit in rule.check(source, owners):
                line, column = _place(hit.node)
                yield Finding(source.path, line, column, rule.id, hit.message, hit.remedy or rule.remedy)


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1


def _display(file: Path, root: Path) -> str:
    file, root = file.resolve(), root.resolve()
    return str(file.relative_to(root)) if file.is_relative_to(root) else str(file)


def _read(file: Path) -> str | Exception:
    try:
        with tokenize.open(file) as stream:
            return stream.read()
    except (OSError, SyntaxError, UnicodeDecodeError) as problem:
        return problem
