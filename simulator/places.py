"""Public URLs and where they really are: the stand-in plays the reverse proxy (or tunnel) between Twilio and a server.

Twilio only knows a server's public URL and signs with it; the simulator dials the address that the server listens on.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

_SECURE = {"https", "wss"}
_DEFAULT_PORT = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class BadUrl(ValueError):
    """A URL that Twilio could not call; the message says which and what is wanted."""


@dataclass(frozen=True, slots=True)
class Target:
    """One request's two addresses: `public` is signed, `dial` is connected to; `headers` are the proxy's."""

    public: str
    dial: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Places:
    """Maps URLs under `public_origin` to `dial_origin`; all other URLs are dialled as they are."""

    public_origin: str
    dial_origin: str

    def target(self, url: str) -> Target:
        """Where to send a request to `url` (http, https, ws or wss; query kept). Raises `BadUrl`."""
        parts = _split(url)
        public = urlunsplit(parts._replace(fragment=""))
        if self.public_origin == self.dial_origin and parts.scheme in {"http", "https"}:
            return Target(public, public, {})
        if _place(parts) != _place(_split(self.public_origin)):
            return Target(public, public, {})
        dial = _split(self.dial_origin)
        scheme = _same_family(parts.scheme, secure=dial.scheme in _SECURE)
        real = urlunsplit(parts._replace(scheme=scheme, netloc=dial.netloc, fragment=""))
        return Target(public, real, _proxy_headers(parts) if _place(dial) != _place(parts) else {})


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of a URL. Raises `BadUrl`."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.netloc}"


def places_for(voice_url: str, public_url: str | None) -> tuple[Places, str]:
    """The map for a server whose voice webhook really is at `voice_url`, and that webhook's public URL."""
    dial = origin_of(voice_url)
    public = origin_of(public_url) if public_url else dial
    parts = _split(voice_url)
    shown = _split(public)
    return Places(public, dial), urlunsplit(parts._replace(scheme=shown.scheme, netloc=shown.netloc))


def _split(url: str) -> SplitResult:
    parts = urlsplit(url.strip())
    if parts.scheme not in _DEFAULT_PORT or not parts.hostname or not _port_is_sound(parts):
        raise BadUrl(
            f"{url!r} is not an absolute http(s) or ws(s) URL; write it like https://example.com/webhook/voice"
        )
    return parts


def _port_is_sound(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _place(parts: SplitResult) -> tuple[str, int]:
    """Host and port, where a bare host stands for both 80 and 443 of its own family."""
    port = parts.port or _DEFAULT_PORT[parts.scheme]
    return parts.hostname or "", 443 if port == 80 and parts.port is None else port


def _same_family(scheme: str, *, secure: bool) -> str:
    base = "ws" if scheme in {"ws", "wss"} else "http"
    return base + ("s" if secure else "")


def _proxy_headers(public: SplitResult) -> dict[str, str]:
    """What a tunnel such as ngrok or a usual nginx sets: the public host and scheme."""
    return {
        "Host": public.netloc,
        "X-Forwarded-Host": public.netloc,
        "X-Forwarded-Proto": "https" if public.scheme in _SECURE else "http",
        "X-Forwarded-For": "127.0.0.1",
    }
