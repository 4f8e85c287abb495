"""Rewrites every lock file from its input: `make lock`. Hashes stay, registry addresses do not enter.

The Python locks are universal (markers instead of one machine's view), so later Pythons and other systems install
from them too.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv" / "bin" / "uv"
OPTIONS = (
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--quiet",
)
NPM_LOCK = (
    "install",
    "--package-lock-only",
    "--omit-lockfile-registry-resolved",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
)


def compile_lock(source: str, output: str, *extra: str) -> None:
    subprocess.run([str(UV), "pip", "compile", source, "-o", output, *OPTIONS, *extra], cwd=ROOT, check=True)


def main() -> None:
    if not UV.exists():
        sys.stderr.write("make lock needs uv in .venv, which could not be installed on this machine\n")
        raise SystemExit(1)
    compile_lock("pyproject.toml", "requirements/lock.txt", "--extra", "dev")
    compile_lock("requirements/bootstrap.in", "requirements/bootstrap.txt", "--no-annotate")
    compile_lock("requirements/node.in", "requirements/node.txt", "--no-annotate")
    compile_lock("requirements/bench.in", "requirements/bench.txt", "--no-annotate")
    subprocess.run(["npm", *NPM_LOCK], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
