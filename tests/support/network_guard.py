"""Keeps tests off the internet, and tells which test tried.

An audit hook sees every Python-level connect and name lookup (not those made inside C extensions such as libpq or
libuv). An attempt fails as it would on a machine without a network, so the code under test takes its ordinary error
path, and is remembered, so that the test fails even where that path swallowed the error.
"""

from __future__ import annotations

import ipaddress
import socket
import sys

LOCAL_NAMES = frozenset({"", "localhost", "0.0.0.0", "::", socket.gethostname()})


class InternetRefused(OSError):
    """A test reached for an address that is not on this machine."""


ATTEMPTS: list[str] = []


def is_local(host: object) -> bool:
    """Whether a host as given to `connect` or `getaddrinfo` is this machine."""
    if host is None:
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
    if text in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(host: object) -> None:
    ATTEMPTS.append(str(host))
    raise InternetRefused(f"tests stay on this machine, and this one reached for {host!r}")


def _on_audit_event(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        if not is_local(arguments[0]):
            _refuse(arguments[0])
    elif event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not is_local(address[0]):
            _refuse(address[0])


def install() -> None:
    """Once per process; an audit hook cannot be taken away again."""
    sys.addaudithook(_on_audit_event)
