"""Makes PostgreSQL and Chromium available to the tests: `make test-services`.

As root on Debian and Ubuntu it installs the packages. Without root it downloads the same packages, with whatever
libraries this machine lacks, and unpacks them under .cache/debian, touching nothing else. Elsewhere it says what to
install.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.machine import (
    CHROMIUM_WRAPPER,
    DEBIAN_CACHE,
    ServiceMissing,
    find_chromium,
    find_postgres,
    library_path,
)

SERVICES: dict[str, Callable[[], object]] = {"postgresql": find_postgres, "chromium": find_chromium}
APT_OPTIONS = ("-y", "-q", "--no-install-recommends")
# The installed-package list that the unprivileged download resolves against; name another to try a bare machine.
DPKG_STATUS = os.environ.get("DPKG_STATUS", "/var/lib/dpkg/status")


def say(text: str) -> None:
    sys.stderr.write(f"test-services: {text}\n")


def missing() -> list[str]:
    """Debian packages for the services that are not found."""
    absent = []
    for package, find in SERVICES.items():
        try:
            find()
        except ServiceMissing:
            absent.append(package)
    return absent


def apt(*arguments: str) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    result = subprocess.run(["apt-get", *arguments], env=env, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        say(f"`apt-get {shlex.join(arguments)}` failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
        raise SystemExit(1)


def install_as_root(packages: list[str]) -> None:
    say(f"installing {', '.join(packages)} with apt-get")
    apt("update", "-q")
    apt("install", *APT_OPTIONS, *packages)


def unpack_without_root(packages: list[str]) -> None:
    """Lets apt resolve what is missing, in a state folder of its own, then unpacks every package it fetched."""
    say(f"no root: unpacking {', '.join(packages)} under {DEBIAN_CACHE.relative_to(Path.cwd())}")
    state, archives = DEBIAN_CACHE / "apt" / "state", DEBIAN_CACHE / "apt" / "cache"
    for folder in (state / "lists" / "partial", archives / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    options = (
        f"Dir::State={state}",
        f"Dir::State::status={DPKG_STATUS}",
        f"Dir::Cache={archives}",
        "Debug::NoLocking=true",
    )
    flags = [part for option in options for part in ("-o", option)]
    apt(*flags, "update", "-q")
    apt(*flags, "install", "--download-only", *APT_OPTIONS, *packages)
    for archive in sorted((archives / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(archive), str(DEBIAN_CACHE)], check=True)
    shutil.rmtree(DEBIAN_CACHE / "apt")
    if "chromium" in packages:
        write_chromium_wrapper()


def write_chromium_wrapper() -> None:
    """Debian's own launcher names absolute paths; this one names the cache's libraries, fonts and binary."""
    fonts = DEBIAN_CACHE / "fonts.conf"
    folders = ("/usr/share/fonts", str(DEBIAN_CACHE / "usr" / "share" / "fonts"))
    listed = "".join(f"<dir>{folder}</dir>" for folder in folders)
    fonts.write_text(f"<fontconfig>{listed}<cachedir>{DEBIAN_CACHE / 'fontconfig'}</cachedir></fontconfig>\n")
    binary = DEBIAN_CACHE / "usr" / "lib" / "chromium" / "chromium"
    CHROMIUM_WRAPPER.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH={shlex.quote(library_path())}\n"
        f"export FONTCONFIG_FILE={shlex.quote(str(fonts))}\n"
        f'exec {shlex.quote(str(binary))} "$@"\n'
    )
    CHROMIUM_WRAPPER.chmod(0o755)


def main() -> None:
    os.chdir(Path(__file__).resolve().parent.parent)
    packages = missing()
    if not packages:
        return
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        say(f"no apt-get here: install {' and '.join(packages)} with your system's package manager")
        raise SystemExit(1)
    if os.geteuid() == 0:
        install_as_root(packages)
    else:
        unpack_without_root(packages)
    if still := missing():
        say(f"{', '.join(still)} not found even after installing; tests/support/machine.py says where it is looked for")
        raise SystemExit(1)
    say(f"{', '.join(packages)} ready")


if __name__ == "__main__":
    main()
