"""The project keeps its own rules, and the checker keeps its distance."""

import ast
from pathlib import Path

from integrity.api import audit_paths

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = [ROOT / name for name in ("server", "engine", "simulator", "integrity", "phoneaudio")]


def test_the_project_is_clean() -> None:
    assert [f"{f.path}:{f.line}: {f.rule}: {f.message}" for f in audit_paths(PACKAGES, ROOT)] == []


def test_the_checker_imports_nothing_of_the_project() -> None:
    for file in (ROOT / "integrity").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {n.partition(".")[0] for n in names} & {"server", "engine", "simulator", "phoneaudio"}, file
