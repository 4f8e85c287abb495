"""Where this machine keeps the services that tests need.

✅ OWNER: finding PostgreSQL's server programs and Chromium. scripts/test_services.py installs what is not found here,
and tests use what is found, so that both always mean the same binaries.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Debian packages unpacked without root, laid out as they would be under /.
DEBIAN_CACHE = ROOT / ".cache" / "debian"
CHROMIUM_WRAPPER = DEBIAN_CACHE / "chromium"

POSTGRES_PATTERNS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_CHROME = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


class ServiceMissing(Exception):
    """A service that tests need is not on this machine; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """Folder of `initdb` and `postgres`, and the library path that unpacked (not installed) ones need, else ''."""

    folder: Path
    library_path: str = ""


def library_path() -> str:
    """LD_LIBRARY_PATH for programs under the Debian cache."""
    roots = (DEBIAN_CACHE / "usr" / "lib", DEBIAN_CACHE / "lib")
    folders = [folder for root in roots for folder in sorted(root.glob("*-linux-gnu"))]
    nested = [inner for folder in folders for inner in (folder / "pulseaudio", folder / "blas", folder / "lapack")]
    return os.pathsep.join(str(folder) for folder in [*folders, *nested] if folder.is_dir())


def postgres_version(folder: Path) -> tuple[int, ...]:
    """Sortable version from …/postgresql/15/bin; unknown layouts sort first."""
    digits = "".join(c if c.isdigit() else " " for c in folder.parent.name).split()
    return tuple(int(part) for part in digits)


def find_postgres() -> PostgresPrograms:
    """The newest PostgreSQL server on this machine. Raises ServiceMissing."""
    for base, libraries in ((Path("/"), ""), (DEBIAN_CACHE, library_path())):
        found = [folder for pattern in POSTGRES_PATTERNS for folder in base.glob(pattern) if is_postgres(folder)]
        if found:
            return PostgresPrograms(max(found, key=postgres_version), libraries)
    on_path = shutil.which("initdb")
    if on_path and is_postgres(Path(on_path).resolve().parent):
        return PostgresPrograms(Path(on_path).resolve().parent)
    raise ServiceMissing(
        "tests need PostgreSQL's server programs (initdb, postgres): run `make test-services`, which installs them on "
        "Debian and Ubuntu; elsewhere install your system's PostgreSQL server package"
    )


def is_postgres(folder: Path) -> bool:
    return (folder / "initdb").exists() and (folder / "postgres").exists()


def find_chromium() -> Path:
    """Chromium or Chrome on this machine. Raises ServiceMissing."""
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    for path in (CHROMIUM_WRAPPER, MAC_CHROME):
        if path.exists():
            return path
    raise ServiceMissing(
        "browser tests need Chromium: run `make test-services`, which installs it on Debian and Ubuntu; elsewhere "
        "install Chromium or Chrome so that `chromium` is on PATH"
    )
