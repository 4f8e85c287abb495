"""Free TCP ports."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A loopback port that was free a moment ago. Prefer port 0 where the program under test can report its port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
