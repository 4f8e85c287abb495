"""Installs the console's pinned browser assets with `npm ci` and copies what pages load to where they load it from.

✅ OWNER: server/console/static/vendor (not tracked). Nothing there comes from a CDN: npm checks each package's
integrity hash, install scripts do not run, and every package's licence is copied beside its code.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "server" / "console" / "static" / "vendor"
VENV_BIN = ROOT / ".venv" / "bin"

# What pages load, under node_modules, and the name they load it by.
ASSETS = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx-ext-sse/dist/sse.min.js": "htmx-ext-sse.min.js",
    "wavesurfer.js/dist/wavesurfer.min.js": "wavesurfer.min.js",
    "wavesurfer.js/dist/wavesurfer.esm.js": "wavesurfer.esm.js",
    "wavesurfer.js/dist/plugins/regions.min.js": "wavesurfer-regions.min.js",
    "wavesurfer.js/dist/plugins/regions.esm.js": "wavesurfer-regions.esm.js",
    "wavesurfer.js/dist/plugins/timeline.min.js": "wavesurfer-timeline.min.js",
    "wavesurfer.js/dist/plugins/timeline.esm.js": "wavesurfer-timeline.esm.js",
}


def say(text: str) -> None:
    sys.stderr.write(f"setup: {text}\n")


def node_env() -> dict[str, str]:
    """npm finds node through PATH; .venv/bin is last, so an installed node wins over the wheel's."""
    env = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}{os.pathsep}{VENV_BIN}"}
    if not os.access(Path("~").expanduser(), os.W_OK):
        env["npm_config_cache"] = str(ROOT / ".cache" / "npm")
    return env


def ensure_npm() -> str:
    """npm's path; installs the hashed node wheel into .venv where the machine has none."""
    search = node_env()["PATH"]
    npm, node = shutil.which("npm", path=search), shutil.which("node", path=search)
    if npm and node:
        return npm
    say("no node here: installing the node wheel into .venv")
    requirements = str(ROOT / "requirements" / "node.txt")
    pip = [str(VENV_BIN / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    subprocess.run([*pip, "-r", requirements], check=False)
    npm = shutil.which("npm", path=search)
    if npm is None:
        say("failed: node could not be installed; Debian and Ubuntu: apt-get install nodejs npm")
        raise SystemExit(1)
    return npm


def npm_ci(npm: str) -> None:
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    if subprocess.run([npm, "ci", *options], cwd=ROOT, env=node_env(), check=False).returncode != 0:
        say("failed: npm ci did not work; the lines above say why")
        raise SystemExit(1)


def copy_assets() -> None:
    """Rebuilds the vendor folder, so that an asset dropped from ASSETS does not linger."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    (VENDOR / "licenses").mkdir(parents=True)
    for source, name in ASSETS.items():
        shutil.copyfile(MODULES / source, VENDOR / name)
    for package in sorted({source.split("/")[0] for source in ASSETS}):
        shutil.copyfile(MODULES / package / "LICENSE", VENDOR / "licenses" / f"{package}.txt")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stamp", type=Path, required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    npm_ci(ensure_npm())
    copy_assets()
    (ROOT / options.stamp).write_text(options.key)
    say("console assets are ready")


if __name__ == "__main__":
    main()
