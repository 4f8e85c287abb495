"""Where a business's tools may reach, and how an address is filled without leaving its place."""

from __future__ import annotations

import pytest

from server.domain.web_addresses import BadAddress, fill, forbidden, origin_of, placeholders, read_origin


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("api.example.com", "https://api.example.com"),
        ("API.Example.com.", "https://api.example.com"),
        ("api.example.com:443", "https://api.example.com"),
        ("api.example.com:8443", "https://api.example.com:8443"),
        ("http://intranet.example.com", "http://intranet.example.com"),
        ("http://intranet.example.com:80/", "http://intranet.example.com"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("198.51.100.7", "https://198.51.100.7"),
    ],
)
def test_a_host_has_one_spelling(given: str, stored: str) -> None:
    assert str(read_origin(given)) == stored
    assert str(read_origin(stored)) == stored


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("api.example.com/orders", "has a path"),
        ("ftp://api.example.com", "use https"),
        ("user:pw@api.example.com", "a user or password"),
        ("2130706433", "unusual spelling of an IP address"),
        ("0x7f000001", "unusual spelling"),
        ("0x7f.0.0.1", "unusual spelling"),
        ("0177.0.0.1", "unusual spelling"),
        ("127.1", "unusual spelling"),
        ("127.0.0.0x1", "unusual spelling"),
        ("api..example.com", "no host name"),
        ("-a.example.com", "no host name"),
        ("api.example.com:0", "port 0"),
        ("api.example.com:99999", "no address"),
        ("a b.example.com", "no full address"),
        ("", "no host name"),
        ("[::1", "no address"),
    ],
)
def test_a_host_that_others_might_read_otherwise_is_refused(given: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says):
        read_origin(given)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.10", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1",
        "::1", "fc00::1", "fd12:3456::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1",
        "192.0.2.1", "203.0.113.1",
    ],
)  # fmt: skip
def test_private_addresses_are_reached_only_where_a_setting_names_the_host(address: str) -> None:
    assert forbidden(address, private_allowed=False) == "is private or loopback"
    assert forbidden(address, private_allowed=True) is None


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
        "2001:0:7f00:1::", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254", "0.0.0.0", "::",
        "0.1.2.3", "2002:a9fe:a9fe::", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "ff02::1",
        "::ffff:0.0.0.0", "nonsense", "2130706433", "",
    ],
)  # fmt: skip
def test_metadata_link_local_and_multicast_are_never_reached(address: str) -> None:
    assert forbidden(address, private_allowed=False) is not None
    assert forbidden(address, private_allowed=True) is not None


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_reached(address: str) -> None:
    assert forbidden(address, private_allowed=False) is None


def test_placeholders_stand_in_the_path_and_in_query_values() -> None:
    assert placeholders("https://a.example/orders/{order}/x?id={id}&v=1") == ["order", "id"]
    assert placeholders("https://a.example") == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://{host}.example/", "no host name"),
        ("https://a.example:{port}/", "no address"),
        ("https://{user}@a.example/", "user or password"),
        ("https://user:pw@a.example/", "user or password"),
        ("https://a.example\\@127.0.0.1/", "no full address"),
        ("https://a.example/?{key}=1", "a query's name"),
        ("https://a.example/#{x}", "fragment"),
        ("https://a.example/{bad-name}", "a brace that belongs to no placeholder"),
        ("https://a.example/{}", "a brace"),
        ("https://a.example/a b", "no full address"),
        ("https://a.example/../admin", "a part of its path"),
        ("https://a.example/%2e%2E/admin", "a part of its path"),
        ("https://a.example/ü", "percent-encoded"),
        ("//a.example/x", "no full address"),
        ("file:///etc/passwd", "starts with 'file'"),
        ("gopher://a.example/", "starts with 'gopher'"),
        ("https:///x", "no host name"),
    ],
)
def test_an_address_that_could_lead_elsewhere_is_refused(url: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says):
        placeholders(url)


def test_values_are_encoded_and_stay_in_their_place() -> None:
    url = "https://A.example:443/orders/{order}?q={q}"
    assert fill(url, {"order": "a b?#&%", "q": "x&y=1/../é"}, {"more": "1&2"}) == (
        "https://a.example/orders/a%20b%3F%23%26%25?q=x%26y%3D1%2F..%2F%C3%A9&more=1%262"
    )
    assert fill("https://a.example", {}, {}) == "https://a.example/"
    assert origin_of(fill(url, {"order": "@evil.example", "q": "#@evil.example"}, {})).host == "a.example"


@pytest.mark.parametrize("value", ["../admin", "a/b", "a\\b", "..", ".", "", "a\r\nHost: x", "a\0"])
def test_a_value_can_t_climb_the_path(value: str) -> None:
    with pytest.raises(BadAddress):
        fill("https://a.example/orders/{order}", {"order": value}, {})
