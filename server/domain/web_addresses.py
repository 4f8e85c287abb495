"""Where a business's own tools may reach: origins, addresses with placeholders, and networks that are never reached.

Pure rules. The origin is checked where a tool is stored and again where it is used; the network address is checked by
whoever opens the connection, after the name was resolved and for that very connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

Address = IPv4Address | IPv6Address

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC: Final = re.compile(r"(?:0x[0-9a-f]*|\d+)")
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_NEVER: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/3", "100.100.100.200/32", "168.63.129.16/32",
        "::/128", "fe80::/10", "ff00::/8", "fd00:ec2::/32", "fd20:ce::/32",
    )
)  # fmt: skip
"""Nobody's tool lives here, named or not: this host as a source, link-local with the clouds' metadata services (AWS,
Azure, Google, Alibaba), multicast, reserved."""
_PRIVATE: Final = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "192.0.2.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "::1/128", "fc00::/7", "fec0::/10", "100::/64",
        "2001:db8::/32", "64:ff9b:1::/48", "5f00::/16", "3fff::/20",
    )
)  # fmt: skip
_CARRIERS: Final = (ip_network("::ffff:0:0/96"), ip_network("::/96"), ip_network("64:ff9b::/96"))
"""IPv6 networks whose last 32 bits are an IPv4 address: mapped, compatible, NAT64."""


class BadAddress(ValueError):
    """An address that a tool can't use; the message names the part and the remedy."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a business allows its tools to reach."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """As it is stored and shown; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def read_origin(text: str) -> Origin:
    """A host as a person gives it: `api.example.com`, `api.example.com:8443`, `http://intranet.example.com`.

    Without a scheme it means https; http must be written out. Raises `BadAddress`.
    """
    full = text.strip() if "://" in text else f"https://{text.strip()}"
    parts = _split(full)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadAddress(f"host {text!r} has a path: give the host alone, such as api.example.com")
    return _origin(full)


def origin_of(url: str) -> Origin:
    """The origin of a whole address. Raises `BadAddress`."""
    return _origin(url)


def placeholders(url: str) -> list[str]:
    """The names in braces, in order. Raises `BadAddress` for one anywhere but in the path or a query's value."""
    parts = _split(url)
    _origin(url)
    if parts.fragment or "#" in url:
        raise BadAddress("url has a fragment (#…): leave it out, it is never sent")
    keys = [piece.partition("=")[0] for piece in parts.query.split("&")]
    if any("{" in key or "}" in key for key in keys):
        raise BadAddress("url has a placeholder as a query's name: placeholders stand for values, as in ?id={id}")
    rest = _PLACEHOLDER.sub("", parts.path + parts.query)
    if "{" in rest or "}" in rest:
        raise BadAddress("url has a brace that belongs to no placeholder: write {name} with letters, digits and _")
    if re.search(r"[\x00-\x20\x7f-\uffff\\]", parts.path + parts.query):
        raise BadAddress("url holds blanks or letters that must be percent-encoded: write %20 for a blank")
    if any(_is_dots(segment) for segment in parts.path.split("/")):
        raise BadAddress("url has '.' or '..' as a part of its path: write the path it leads to")
    return _PLACEHOLDER.findall(parts.path) + _PLACEHOLDER.findall(parts.query)


def fill(url: str, values: Mapping[str, str], more: Mapping[str, str]) -> str:
    """The address with its placeholders filled, percent-encoded, and `more` added to the query.

    A value can't leave its place: in the path it may hold no slash and be no dots. Raises `BadAddress` naming it.
    """
    parts = _split(url)
    for name in _PLACEHOLDER.findall(parts.path):
        if re.search(r"[/\\\x00-\x1f\x7f]", values[name]) or not values[name]:
            raise BadAddress(f"{name}: {values[name]!r} can't stand in an address; leave out slashes and line ends")
    path = _PLACEHOLDER.sub(lambda match: quote(values[match[1]], safe=""), parts.path)
    if any(_is_dots(segment) for segment in path.split("/")):
        raise BadAddress("a value is nothing but dots, which can't stand in an address: ask again")
    query = _PLACEHOLDER.sub(lambda match: quote(values[match[1]], safe=""), parts.query)
    query = "&".join(part for part in (query, urlencode(more, quote_via=quote)) if part)
    return f"{_origin(url)}{path or '/'}{'?' + query if query else ''}"


def forbidden(address: str, *, private_allowed: bool) -> str | None:
    """Why a connection to this network address is refused, or None. `private_allowed` is for hosts named by a setting.

    An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged as what it is.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "is no network address"
    return next((why for one in _all_of(found) if (why := _judge(one, private_allowed)) is not None), None)


def _judge(address: Address, private_allowed: bool) -> str | None:
    if _within(address, _NEVER):
        return "is link-local, multicast, reserved or a metadata service"
    if private_allowed:
        return None
    if _within(address, _PRIVATE) or not address.is_global:
        return "is private or loopback"
    return None


def _all_of(address: Address) -> list[Address]:
    """The address itself and any IPv4 address it carries. One that only carries another is that other."""
    if isinstance(address, IPv4Address):
        return [address]
    if address in (IPv6Address("::"), IPv6Address("::1")):
        return [address]
    if _within(address, _CARRIERS):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    inner: list[Address] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner.extend(address.teredo)
    return inner


def _within(address: Address, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_dots(segment: str) -> bool:
    """`.` and `..`, percent-encoded too: a server would walk up by them."""
    return segment.lower().replace("%2e", ".") in (".", "..")


@dataclass(frozen=True, slots=True)
class _Parts:
    path: str
    query: str
    fragment: str


def _split(url: str) -> _Parts:
    try:
        parts = urlsplit(url)
    except ValueError as problem:
        raise BadAddress(f"url is no address ({problem}): give one such as https://api.example.com/orders") from problem
    return _Parts(parts.path, parts.query, parts.fragment)


def _origin(url: str) -> Origin:
    if re.search(r"[\x00-\x20\\]", url) or "://" not in url:
        raise BadAddress("url is no full address: give one such as https://api.example.com/orders/{order}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as problem:
        raise BadAddress(f"url is no address ({problem}): give one such as https://api.example.com/orders") from problem
    if parts.scheme not in _DEFAULT_PORTS:
        raise BadAddress(f"url starts with {parts.scheme!r}: use https, or http where the host is allowed with http://")
    if "@" in parts.netloc:
        raise BadAddress("url holds a user or password: send them in a header with a secret instead")
    if port == 0:
        raise BadAddress("url has port 0: give a port from 1 to 65535")
    return Origin(parts.scheme, _host(host), port or _DEFAULT_PORTS[parts.scheme])


def _host(host: str) -> str:
    """A host in its one spelling. Raises `BadAddress` for what other programs might read as another address."""
    if ":" in host:
        try:
            return str(IPv6Address(host))
        except ValueError as problem:
            raise BadAddress(f"host {host!r} is no IPv6 address") from problem
    try:
        name = host.encode("idna").decode().lower().rstrip(".")
    except UnicodeError as problem:
        raise BadAddress(f"host {host!r} is no host name: give one such as api.example.com") from problem
    labels = name.split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(name))
        except ValueError as problem:
            raise BadAddress(
                f"host {host!r} is an unusual spelling of an IP address: write it as 203.0.113.7"
            ) from problem
    if not all(_LABEL.fullmatch(label) for label in labels) or len(name) > 253:
        raise BadAddress(f"host {host!r} is no host name: give one such as api.example.com")
    return name
