"""Tools that a business configures: an address of its own system that a call may ask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from server.db import acting_as, db
from server.domain.web_addresses import BadAddress, Origin, origin_of, placeholders, read_origin
from server.models_sql import Business, HttpTool
from server.services import businesses
from server.services.tools import specs
from server.services.tools.arguments import check_schema

METHODS: Final = ("GET", "POST")
SECRET: Final = re.compile(r"\{secret:([A-Za-z][A-Za-z0-9_]*)\}")
_MOST_TOOLS: Final = 20
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS: Final = frozenset(
    [
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ]
)
_CREDENTIAL: Final = re.compile(r"auth|cookie|key|secret|token|password|signature", re.IGNORECASE)
_SCALARS: Final = ("string", "integer", "number", "boolean")
_LEAST_SECRET: Final = 8
_BOUNDS: Final = {"timeout_ms": (100, 20_000), "max_bytes": (1, 1_000_000)}


class BadTool(ValueError):
    """A field of a tool can't be used; the message names it and the remedy, and never a secret's value."""


def save_tool(
    business_id: int, *, name: str, description: str, url: str, parameters: dict[str, Any] | None = None,
    method: str = "GET", headers: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None,
    timeout_ms: int = 5000, max_bytes: int = 65_536,
) -> HttpTool:  # fmt: skip
    """Add a tool, or replace the one of this name, in the open transaction. Raises `BadTool` and `LookupError`.

    Secrets that are not given again stay as they are while a header still names them.

    ✅ OWNER: the `http_tools` table.
    """
    business = businesses.raise_version(business_id)
    schema = parameters or {"type": "object", "properties": {}}
    row = find_tool(business_id, name)
    kept = {} if row is None else row.secrets
    sent, known = _headers(headers or {}), {**kept, **_secrets(secrets or {})}
    values: dict[str, Any] = {
        "description": _description(description),
        "method": _method(method),
        "parameters": _schema(schema),
        "url": _url(url, schema, business),
        "headers": sent,
        "secrets": _used(sent, known),
        "timeout_ms": _bounded("timeout_ms", timeout_ms),
        "max_bytes": _bounded("max_bytes", max_bytes),
    }
    with acting_as("server.services.tools.http_tools"):
        if row is None:
            row = HttpTool(business_id=business_id, name=_free_name(business_id, name), **values)
            db.session.add(row)
        else:
            for key, value in values.items():
                setattr(row, key, value)
    return row


def remove_tool(business_id: int, name: str) -> bool:
    """Remove a tool in the open transaction; False when there is none of this name."""
    row = find_tool(business_id, name)
    if row is None:
        return False
    businesses.raise_version(business_id)
    with acting_as("server.services.tools.http_tools"):
        db.session.delete(row)
        db.session.flush()
    return True


def list_tools(business_id: int) -> list[HttpTool]:
    """A business's own tools, by name. Their secrets are not loaded."""
    query = sa.select(HttpTool).where(HttpTool.business_id == business_id)
    return list(db.session.scalars(query.order_by(HttpTool.name)))


def find_tool(business_id: int, name: str) -> HttpTool | None:
    """The tool of this name, of this business and no other."""
    query = sa.select(HttpTool).where(HttpTool.business_id == business_id, HttpTool.name == name)
    return db.session.scalars(query).one_or_none()


def allow_host(business_id: int, host: str) -> Origin:
    """Let a business's tools reach a host: `api.example.com`, with a port if it is not https's own, or `http://…`."""
    try:
        origin = read_origin(host)
    except BadAddress as problem:
        raise BadTool(str(problem)) from problem
    business = businesses.lock(business_id)
    businesses.set_tools(business_id, hosts=sorted({*business.tool_hosts, str(origin)}))
    return origin


def forbid_host(business_id: int, host: str) -> bool:
    """Take a host back; tools that lead there no longer reach it. False when it was not allowed."""
    try:
        origin = str(read_origin(host))
    except BadAddress as problem:
        raise BadTool(str(problem)) from problem
    business = businesses.lock(business_id)
    if origin not in business.tool_hosts:
        return False
    businesses.set_tools(business_id, hosts=[one for one in business.tool_hosts if one != origin])
    return True


def switch(business_id: int, name: str, *, on: bool) -> None:
    """Turn a tool of a business's calls on or off, built in or its own. Raises `BadTool`."""
    own = [tool.name for tool in list_tools(business_id)]
    if name not in (*specs.NAMES, *own):
        raise BadTool(f"there is no tool {name!r}: there are {', '.join((*specs.NAMES, *own))}")
    if name in specs.ALWAYS_ON and not on:
        raise BadTool(f"{name} can't be turned off: a call must be able to end")
    off = set(businesses.lock(business_id).tools_off) - {name}
    businesses.set_tools(business_id, off=sorted(off if on else off | {name}))


def allowed(url: str, business: Business) -> bool:
    """Whether the address's scheme, host and port are among the business's hosts."""
    return str(origin_of(url)) in (business.tool_hosts or [])


def _free_name(business_id: int, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadTool(f"name {name!r} can't be used: give small letters, digits and _, such as order_status")
    if name in specs.NAMES:
        raise BadTool(f"name {name!r} is a built-in tool's: give another one")
    if len(list_tools(business_id)) >= _MOST_TOOLS:
        raise BadTool(f"this business has {_MOST_TOOLS} tools: remove one first")
    return name


def _description(text: str) -> str:
    said = " ".join(text.split())
    if not said or len(said) > 1000:
        raise BadTool("description: say in at most 1000 characters what the tool tells and when to use it")
    return said


def _method(method: str) -> str:
    if method.upper() not in METHODS:
        raise BadTool(f"method {method!r} is not supported: use {' or '.join(METHODS)}")
    return method.upper()


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    try:
        check_schema(schema)
    except ValueError as problem:
        raise BadTool(str(problem)) from problem
    return schema


def _url(url: str, schema: dict[str, Any], business: Business) -> str:
    try:
        names, origin = placeholders(url), origin_of(url)
    except BadAddress as problem:
        raise BadTool(str(problem)) from problem
    for name in names:
        kind = schema.get("properties", {}).get(name, {}).get("type")
        if kind not in _SCALARS or name not in schema.get("required", ()):
            raise BadTool(f"url names {{{name}}}: make it a required parameter that is a text, a number or a boolean")
    if not allowed(url, business):
        raise BadTool(f"url leads to {origin}, which is not allowed: run `frontdesk tool allow {origin}` first")
    return url


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise BadTool(f"header {name!r} can't be set: it is no header's name, or Frontdesk sets it")
        if not _printable(value) or len(value) > 1000:
            raise BadTool(f"header {name}: give at most 1000 printable ASCII characters")
        if _CREDENTIAL.search(name) and not SECRET.search(value):
            raise BadTool(f"header {name} holds its value in the clear: write {{secret:NAME}} and give that secret")
    return dict(headers)


def _secrets(secrets: Mapping[str, str]) -> dict[str, str]:
    for name, value in secrets.items():
        if not SECRET.fullmatch(f"{{secret:{name}}}"):
            raise BadTool(f"secret {name!r} has a name that can't be used: give letters, digits and _")
        if not _printable(value) or not _LEAST_SECRET <= len(value) <= 4000:
            raise BadTool(f"secret {name}: give {_LEAST_SECRET} to 4000 printable ASCII characters")
    return dict(secrets)


def _used(headers: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets that headers name. Raises `BadTool` for one that is not there."""
    named = {name for value in headers.values() for name in SECRET.findall(value)}
    missing = sorted(named - set(secrets))
    if missing:
        raise BadTool(f"secret {missing[0]} is named by a header and not given: give it with --secret {missing[0]}")
    return {name: secrets[name] for name in sorted(named)}


def _printable(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def _bounded(field: str, value: int) -> int:
    least, most = _BOUNDS[field]
    if not least <= value <= most:
        raise BadTool(f"{field} is {value}: give a number from {least} to {most}")
    return value
