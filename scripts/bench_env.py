"""Sets up what only `make bench-bridge` needs, in an environment of its own: Pipecat, from its lock with every hash."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "bench.txt"
FOLDER = ROOT / ".cache" / "bench-venv"
STAMP = FOLDER / ".setup-stamp"


def main() -> None:
    """Create or update the environment; instant when nothing changed."""
    key = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == key:
        return
    uv = ROOT / ".venv" / "bin" / "uv"
    if not uv.exists():
        sys.stderr.write("make bench-bridge needs uv in .venv, which could not be installed on this machine\n")
        raise SystemExit(1)
    subprocess.run([str(uv), "venv", "--quiet", "--clear", "--python", sys.executable, str(FOLDER)], check=True)
    python = str(FOLDER / "bin" / "python")
    install = [str(uv), "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(LOCK)]
    subprocess.run(install, check=True)
    STAMP.write_text(key)


if __name__ == "__main__":
    main()
