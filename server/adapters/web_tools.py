"""HTTP for a business's own tools: only to public addresses, checked and held for the very connection that is made.

The connection is opened by our own network backend: it resolves the name once, judges every address it got, and
connects to one of those it judged. Nothing resolves the name a second time, so an answer that changes meanwhile (DNS
rebinding) changes nothing, and TLS still proves the name. No proxy, no redirect, no cookie, no connection kept.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from ipaddress import ip_address
from typing import Any, Final

import httpcore
import httpx

from server.domain.web_addresses import BadAddress, forbidden, origin_of
from server.ports.web import WebAnswer, WebFailed, WebRefused, WebRequest

Resolver = Callable[[str, int], Sequence[str]]
"""A name's network addresses, as text. Raises `OSError`."""

_TYPES: Final = ("application/json", "text/")
_FIXED: Final = {"Accept": "application/json, text/*;q=0.5", "Accept-Encoding": "identity", "User-Agent": "Frontdesk"}


def system_resolver(host: str, port: int) -> list[str]:
    """The machine's own resolver; unusual spellings of IP addresses come back as what they mean."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class SafeWeb:
    """The `Web` port. `private_hosts` are names that may lie in a private network or on this machine."""

    def __init__(self, *, private_hosts: Collection[str] = (), resolver: Resolver = system_resolver) -> None:
        self._private_hosts = frozenset(private_hosts)
        self._resolver = resolver
        self._tls: ssl.SSLContext | None = None

    def fetch(self, request: WebRequest) -> WebAnswer:
        """Send one request within its time. Raises `WebRefused` and `WebFailed`; neither names more than the host."""
        try:
            host = origin_of(request.url).host
        except BadAddress as problem:
            raise WebRefused(str(problem)) from None
        deadline = time.monotonic() + request.timeout_ms / 1000
        backend = _JudgedNetwork(self._resolver, host in self._private_hosts, deadline)
        try:
            with httpcore.ConnectionPool(
                ssl_context=self._context(), network_backend=backend, max_connections=1, retries=0
            ) as pool:
                return _exchanged(pool, request, deadline)
        except (httpcore.TimeoutException, TimeoutError):
            raise WebFailed(f"{host} did not answer within {request.timeout_ms} ms", timed_out=True) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as problem:
            # Not its text, and not as a cause: a protocol error quotes the header that it dislikes.
            raise WebFailed(f"{host} could not be reached ({type(problem).__name__})") from None

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return self._tls


def _exchanged(pool: httpcore.ConnectionPool, request: WebRequest, deadline: float) -> WebAnswer:
    patience = request.timeout_ms / 1000
    headers: list[tuple[bytes | str, bytes | str]] = [*_FIXED.items(), *request.headers.items()]
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), patience)
    with pool.stream(
        request.method, request.url, headers=headers, content=request.body, extensions={"timeout": timeouts}
    ) as response:
        content_type = _accepted(response)
        body = _body(response.iter_stream(), request.max_bytes, deadline)
        return WebAnswer(response.status, content_type, body)


def _accepted(response: httpcore.Response) -> str:
    """The answer's content type, or a refusal by its head alone."""
    head = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    if 300 <= response.status < 400:
        raise WebRefused(
            f"the answer is a redirect ({response.status}), which is never followed: use the final address"
        )
    if head.get(b"content-encoding", "identity").lower() not in ("", "identity"):
        raise WebRefused("the answer is compressed although it was asked for plain")
    content_type = head.get(b"content-type", "").split(";")[0].strip().lower()
    if response.status == 204 or (not content_type and head.get(b"content-length") == "0"):
        return "text/plain"
    if not (content_type.startswith(_TYPES) or content_type.endswith("+json")):
        raise WebRefused(f"the answer is {content_type[:60] or 'of no type'!r}, neither JSON nor text")
    return content_type


def _body(chunks: Iterable[bytes], most: int, deadline: float) -> bytes:
    """The answer's body, given up as soon as it is too long or too late."""
    got = bytearray()
    for chunk in chunks:
        got += chunk
        if len(got) > most:
            raise WebRefused(f"the answer is longer than {most} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(got)


class _JudgedNetwork(httpcore.NetworkBackend):
    """Connects to addresses that were judged, and lets nothing last longer than the request may."""

    def __init__(self, resolver: Resolver, private_allowed: bool, deadline: float) -> None:
        self._resolver = resolver
        self._private_allowed = private_allowed
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        """Resolve, judge, connect. Raises `WebRefused` where any of the name's addresses is forbidden."""
        last: Exception | None = None
        for address in self._judged(host, port):
            try:
                stream = self._sockets.connect_tcp(address, port, timeout=_left(self._deadline))
                return _Hurried(stream, self._deadline)
            except httpcore.ConnectError as problem:
                last = problem
        raise last or httpcore.ConnectError("no address")

    def _judged(self, host: str, port: int) -> Sequence[str]:
        addresses = [host] if _is_literal(host) else _resolved_in_time(self._resolver, host, port, self._deadline)
        for address in addresses:
            why = forbidden(address, private_allowed=self._private_allowed)
            if why is not None:
                raise WebRefused(f"{host} leads to an address that {why}")
        return addresses


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _resolved_in_time(resolver: Resolver, host: str, port: int, deadline: float) -> Sequence[str]:
    """The resolver has no time limit of its own, so it runs aside and is left behind when it is late."""
    result: list[Sequence[str]] = []

    def work() -> None:
        try:
            result.append(resolver(host, port))
        except (OSError, UnicodeError):
            result.append(())

    thread = threading.Thread(target=work, name="tool-resolver", daemon=True)
    thread.start()
    thread.join(_left(deadline))
    if not result:
        raise TimeoutError
    if not result[0]:
        raise httpcore.ConnectError("the name is not known")
    return result[0]


class _Hurried(httpcore.NetworkStream):
    """A stream whose every step ends when the request's time is over, however slowly the bytes drip."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what there is. Raises `TimeoutError` when the time is over."""
        return self._inner.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._inner.write(buffer, _left(self._deadline))

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same stream under TLS, which proves the host's name."""
        return _Hurried(self._inner.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Facts of the socket."""
        return self._inner.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
