#!/bin/sh
# Prints the first interpreter that is Python 3.11 or newer. PYTHON=… names one instead.
# Each candidate is run, not only looked up: a version manager's shim can exist without its interpreter.
is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    if is_new_enough "$PYTHON"; then
        command -v "$PYTHON"
        exit 0
    fi
    echo "PYTHON=$PYTHON is not a Python 3.11 or newer that runs." >&2
    exit 1
fi
for candidate in python3.11 python3.12 python3.13 python3.14 python3 python; do
    if is_new_enough "$candidate"; then
        command -v "$candidate"
        exit 0
    fi
done
echo "Frontdesk needs Python 3.11 or newer and found none." >&2
echo "Install it (Debian and Ubuntu: apt-get install python3 python3-venv), or name one: make setup PYTHON=/path/to/python3" >&2
exit 1
