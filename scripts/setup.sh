#!/usr/bin/env bash
# Brings .venv and the console's vendored assets up to date with the lock files.
# The stamps hold a hash of what was installed, so a run with nothing to do only hashes a few files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

hash_of() {
    if command -v sha256sum >/dev/null; then
        { pwd; cat "$@"; } | sha256sum | cut -d' ' -f1
    else
        { pwd; cat "$@"; } | shasum -a 256 | cut -d' ' -f1
    fi
}

python_key=$(hash_of requirements/lock.txt requirements/bootstrap.txt pyproject.toml scripts/setup.sh scripts/setup_env.py)
node_key=$(hash_of package.json package-lock.json scripts/setup_node.py)
python_stamp=.venv/.setup-stamp
node_stamp=server/console/static/vendor/.setup-stamp

is_current() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

if ! is_current "$python_stamp" "$python_key" || ! [ -x .venv/bin/frontdesk ] || ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(scripts/find-python.sh)
    "$python" scripts/setup_env.py --stamp "$python_stamp" --key "$python_key"
fi
if ! is_current "$node_stamp" "$node_key"; then
    .venv/bin/python scripts/setup_node.py --stamp "$node_stamp" --key "$node_key"
fi
