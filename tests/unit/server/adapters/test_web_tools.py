"""The way out for a business's tools: which connections are made, and how long and large an answer may be."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from server.adapters.web_tools import SafeWeb, system_resolver
from server.ports.web import WebAnswer, WebFailed, WebRefused, WebRequest

HOST = "crm.test"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 11\r\n\r\n{"ok":true}'


class Server:
    """A raw HTTP server on this machine that answers each connection as the test says."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    self.requests.append(connection.recv(65_536))
                    with contextlib.suppress(OSError):
                        self._answer(connection)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(answer: bytes | Callable[[socket.socket], None] = OK) -> Server:
        made.append(Server((lambda connection: connection.sendall(answer)) if isinstance(answer, bytes) else answer))
        return made[-1]

    yield start
    for server in made:
        server.close()


def _fetch(server: Server, web: SafeWeb | None = None, **more: object) -> WebAnswer:
    url = str(more.pop("url", f"http://{HOST}:{server.port}/orders?id=7"))
    request = WebRequest("GET", url, **{"timeout_ms": 5000, **more})  # type: ignore[arg-type]
    return (web or SafeWeb(private_hosts=[HOST], resolver=lambda *_: ["127.0.0.1"])).fetch(request)


def test_an_answer_comes_back_and_the_request_is_what_was_meant(serve: Callable[..., Server]) -> None:
    server = serve()
    answer = _fetch(server, headers={"X-Key": "s3cret-value"})
    assert (answer.status, answer.content_type, answer.body) == (200, "application/json", b'{"ok":true}')
    head = server.requests[0].decode()
    assert head.startswith("GET /orders?id=7 HTTP/1.1\r\n") and f"Host: {HOST}:{server.port}\r\n" in head
    assert "X-Key: s3cret-value\r\n" in head and "Accept-Encoding: identity\r\n" in head


def test_a_name_that_leads_to_this_machine_is_refused_before_it_is_reached(serve: Callable[..., Server]) -> None:
    server = serve()
    with pytest.raises(WebRefused, match=r"crm\.test leads to an address that is private or loopback"):
        _fetch(server, SafeWeb(resolver=lambda *_: ["127.0.0.1"]))
    assert server.requests == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
)
def test_no_spelling_of_this_machine_is_reached(serve: Callable[..., Server], host: str) -> None:
    server = serve()
    with pytest.raises(WebRefused):
        _fetch(server, SafeWeb(), url=f"http://{host}:{server.port}/")
    assert server.requests == []


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "::ffff:169.254.169.254"])
def test_even_a_private_host_leads_to_no_metadata(serve: Callable[..., Server], address: str) -> None:
    with pytest.raises(WebRefused, match="metadata"):
        _fetch(serve(), SafeWeb(private_hosts=[HOST], resolver=lambda *_: [address]))


def test_one_forbidden_address_among_good_ones_refuses_the_name(serve: Callable[..., Server]) -> None:
    with pytest.raises(WebRefused):
        _fetch(serve(), SafeWeb(resolver=lambda *_: ["93.184.215.14", "10.0.0.1"]))


def test_a_name_is_resolved_once_so_that_a_changed_answer_changes_nothing(serve: Callable[..., Server]) -> None:
    server = serve()
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    web = SafeWeb(private_hosts=[HOST], resolver=rebinding)
    assert _fetch(server, web).status == 200 and asked == [HOST]
    with pytest.raises(WebRefused):
        _fetch(server, web)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(serve: Callable[..., Server], status: int) -> None:
    inner = serve()
    there = f"http://127.0.0.1:{inner.port}/"
    outer = serve(f"HTTP/1.1 {status} Moved\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode())
    with pytest.raises(WebRefused, match="a redirect"):
        _fetch(outer)
    assert inner.requests == [] and len(outer.requests) == 1


@pytest.mark.parametrize("head", [b"Content-Length: 2000\r\n", b""])
def test_an_answer_that_is_too_long_is_given_up_while_it_comes(serve: Callable[..., Server], head: bytes) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + head + b"\r\n" + b"x" * 2000)
    with pytest.raises(WebRefused, match="longer than 1000 bytes"):
        _fetch(server, max_bytes=1000)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"Content-Type: image/png\r\n", "'image/png', neither JSON nor text"),
        (b"", "of no type"),
        (b"Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", "compressed"),
    ],
)
def test_only_plain_json_or_text_is_read(serve: Callable[..., Server], head: bytes, says: str) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 1\r\n\r\nx")
    with pytest.raises(WebRefused, match=says):
        _fetch(server)


def test_no_content_is_an_empty_answer(serve: Callable[..., Server]) -> None:
    assert _fetch(serve(b"HTTP/1.1 204 No Content\r\n\r\n")).body == b""


def _drips(connection: socket.socket) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 10_000:
        connection.sendall(bytes([letter]))
        time.sleep(0.02)


def _silent(connection: socket.socket) -> None:
    connection.recv(1)


@pytest.mark.parametrize("answer", [_drips, _silent])
def test_regression_12_a_slow_system_ends_with_the_request_s_time(
    serve: Callable[..., Server], answer: Callable[[socket.socket], None]
) -> None:
    """regression 12: silent after a tool call. Neither silence nor a byte now and then keeps a call waiting."""
    began = time.monotonic()
    with pytest.raises(WebFailed, match="did not answer within 300 ms") as caught:
        _fetch(serve(answer), timeout_ms=300)
    assert caught.value.timed_out and time.monotonic() - began < 60


def test_regression_12_a_resolver_that_hangs_is_left_behind(serve: Callable[..., Server]) -> None:
    """regression 12: the name's look-up has no time limit of its own."""
    let_go = threading.Event()

    def hangs(host: str, port: int) -> Sequence[str]:
        let_go.wait(60)
        return []

    with pytest.raises(WebFailed, match="did not answer within 200 ms"):
        _fetch(serve(), SafeWeb(resolver=hangs), timeout_ms=200)
    let_go.set()


def test_an_unknown_name_and_a_closed_port_are_failures_without_a_secret(free_port: int) -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    request = WebRequest("GET", f"http://{HOST}:{free_port}/?token=abcdefgh", {"X-Key": "s3cret-value"})
    for resolver in (unknown, lambda *_: ["127.0.0.1"]):
        with pytest.raises(WebFailed) as caught:
            SafeWeb(private_hosts=[HOST], resolver=resolver).fetch(request)
        assert str(caught.value) == "crm.test could not be reached (ConnectError)"
        assert caught.value.__cause__ is None and "s3cret" not in repr(request) and "abcdefgh" not in repr(request)


def test_a_header_that_can_t_be_sent_is_not_quoted(serve: Callable[..., Server]) -> None:
    with pytest.raises(WebFailed) as caught:
        _fetch(serve(), headers={"X-Key": "s3cret\r\nEvil: 1"})
    assert "s3cret" not in str(caught.value)


def test_tls_proves_the_name_and_not_the_address(serve: Callable[..., Server]) -> None:
    """A server that speaks no TLS, or holds no certificate for the name, is a failure and no plain connection."""
    server = serve()
    with pytest.raises(WebFailed, match="could not be reached"):
        _fetch(server, url=f"https://{HOST}:{server.port}/", timeout_ms=3000)


def test_the_environment_s_proxy_is_not_used(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(), serve()
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    assert _fetch(server).status == 200 and proxy.requests == []


def test_the_machine_s_resolver_tells_what_a_spelling_means() -> None:
    assert system_resolver("localhost", 80)[0] in ("127.0.0.1", "::1")
