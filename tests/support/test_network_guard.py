"""The guard refuses what leaves the machine, and remembers it."""

from __future__ import annotations

import socket

import pytest

from tests.support import network_guard


@pytest.fixture
def attempts(stays_on_this_machine: None) -> list[str]:
    """The list that fails a test when it is not empty; these tests empty it after looking."""
    return network_guard.ATTEMPTS


def test_a_lookup_that_leaves_the_machine_is_refused_and_remembered(attempts: list[str]) -> None:
    with pytest.raises(network_guard.InternetRefused):
        socket.getaddrinfo("example.test", 443)
    assert attempts == ["example.test"]
    attempts.clear()


def test_a_connect_that_leaves_the_machine_is_refused_and_remembered(attempts: list[str]) -> None:
    with socket.socket() as client, pytest.raises(network_guard.InternetRefused):
        client.connect(("192.0.2.1", 443))
    assert attempts == ["192.0.2.1"]
    attempts.clear()


def test_loopback_is_open(attempts: list[str]) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        socket.create_connection(("localhost", server.getsockname()[1])).close()
    assert not attempts


@pytest.mark.parametrize("host", [None, "", "127.0.0.9", "::1", "localhost", b"127.0.0.1", "::1%lo"])
def test_local_hosts(host: object) -> None:
    assert network_guard.is_local(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "example.test", "2001:db8::1", "localhost.example.test", b"192.0.2.1"])
def test_remote_hosts(host: object) -> None:
    assert not network_guard.is_local(host)
