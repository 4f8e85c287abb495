"""Tools that a business configures: what may be stored, and what of it is ever shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from server.db import Database
from server.models_sql import Business, HttpTool
from server.services import call_tools
from server.services.businesses import save_business
from server.services.realtime_prompt_builder import build_realtime_system_prompt
from server.services.tools import http_tools
from server.services.tools.http_tools import BadTool, allow_host, forbid_host, list_tools, remove_tool, switch

SECRET = "s3cret/value+1"
ORDER = {
    "name": "order_status",
    "description": "Tell how far an order is.",
    "url": "https://crm.example.com/orders/{order}?lang=en",
    "parameters": {
        "type": "object",
        "properties": {"order": {"type": "string", "description": "the order's number"}},
        "required": ["order"],
    },
    "headers": {"Authorization": "Bearer {secret:crm}"},
    "secrets": {"crm": SECRET},
}


def _save(business: Business, **changes: Any) -> HttpTool:
    return http_tools.save_tool(business.id, **(ORDER | changes))  # type: ignore[arg-type]


@pytest.fixture
def allowed(database: Database, salon: Business) -> Business:
    with database.scope() as session:
        allow_host(salon.id, "crm.example.com")
        session.commit()
    return salon


def test_a_tool_reaches_the_next_call_s_specs_and_leaves_them(database: Database, allowed: Business) -> None:
    def own() -> list[str]:
        return [json.dumps(one) for one in call_tools.tool_specs(allowed.id) if one["name"] == "order_status"]

    with database.scope() as session:
        _save(allowed)
        session.commit()
    (spec,) = own()
    assert "the order's number" in spec
    for hidden in (SECRET, "crm", "Bearer", "example.com", "secret"):
        assert hidden not in spec
    with database.scope() as session:
        _save(allowed, description="Say where an order is.")
        session.commit()
    assert "Say where an order is." in own()[0]
    with database.scope() as session:
        switch(allowed.id, "order_status", on=False)
        session.commit()
    assert own() == []
    with database.scope() as session:
        switch(allowed.id, "order_status", on=True)
        assert remove_tool(allowed.id, "order_status") and not remove_tool(allowed.id, "order_status")
        session.commit()
    assert own() == []


def test_every_change_raises_the_version_that_caches_depend_on(database: Database, allowed: Business) -> None:
    def version() -> int:
        with database.scope(write=False):
            return Business.query.filter_by(id=allowed.id).one().version

    seen = [version()]
    for change in (
        lambda: _save(allowed), lambda: _save(allowed, timeout_ms=900), lambda: switch(1, "take_message", on=False),
        lambda: allow_host(1, "b.example"), lambda: forbid_host(1, "b.example"), lambda: remove_tool(1, "order_status"),
    ):  # fmt: skip
        with database.scope() as session:
            change()
            session.commit()
        seen.append(version())
    assert seen == sorted(set(seen))


def test_secrets_are_in_no_prompt_and_loaded_with_no_list(database: Database, allowed: Business) -> None:
    with database.scope() as session:
        _save(allowed)
        session.commit()
        prompt = build_realtime_system_prompt(allowed.id, "inbound")
        assert SECRET not in prompt and "crm" not in prompt
    with database.scope(write=False):
        (row,) = list_tools(allowed.id)
        assert "secrets" in sa.inspect(row).unloaded
        assert json.dumps(row.headers) == '{"Authorization": "Bearer {secret:crm}"}'


def test_a_secret_that_is_not_given_again_stays_and_one_nobody_names_goes(
    database: Database, allowed: Business
) -> None:
    with database.scope():
        headers = {"X-Key": "{secret:crm}", "X-Other": "{secret:b}"}
        given = {"crm": SECRET, "b": "another-one", "c": "not-named-at-all"}
        assert _save(allowed, headers=headers, secrets=given).secrets == {"b": "another-one", "crm": SECRET}
        assert _save(allowed, secrets={}).secrets == {"crm": SECRET}
        assert _save(allowed, headers={}, secrets={}).secrets == {}


def test_a_tool_is_its_own_business_s(database: Database, allowed: Business) -> None:
    with database.scope() as session:
        _save(allowed)
        other = save_business(name="Other", phone_e164="+441632960109")
        session.commit()
        assert list_tools(other.id) == [] and not remove_tool(other.id, "order_status")
    assert "order_status" not in json.dumps(call_tools.tool_specs(other.id))


SCHEMA: dict[str, Any] = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "Order"}, "small letters"),
        ({"name": "end_call"}, "is a built-in tool's"),
        ({"description": " "}, "description: say"),
        ({"description": "x" * 1001}, "description: say"),
        ({"method": "DELETE"}, "use GET or POST"),
        (
            {"url": "https://evil.example/{order}"},
            "leads to https://evil.example, which is not allowed: run",
        ),
        ({"url": "http://crm.example.com/{order}"}, "leads to http://crm.example.com, which is not allowed"),
        ({"url": "https://crm.example.com:8443/{order}"}, "is not allowed"),
        ({"url": "https://crm.example.com@evil.example/{order}"}, "user or password"),
        ({"url": "https://{order}.example.com/"}, "no host name"),
        ({"url": "https://crm.example.com/{other}"}, "make it a required parameter"),
        ({"parameters": SCHEMA | {"required": []}}, "make it a required parameter"),
        ({"parameters": {"type": "array"}}, '"type": "object"'),
        ({"parameters": SCHEMA | {"properties": {"order": {"type": "strin"}}}}, "parameters"),
        ({"parameters": SCHEMA | {"properties": {"order": {"$ref": "https://evil.example/x"}}}}, r"use \$ref"),
        ({"parameters": SCHEMA | {"$schema": "http://json-schema.org/draft-07/schema#"}}, r"use \$schema"),
        ({"parameters": SCHEMA | {"properties": {"order": {"type": "string", "pattern": "(a+)+$"}}}}, "a pattern that"),
        ({"parameters": SCHEMA | {"patternProperties": {"x": {}}}}, "a patternProperties that"),
        ({"parameters": SCHEMA | {"description": "x" * 20_000}}, "longer than 20000"),
        ({"headers": {"Host": "127.0.0.1"}}, "header 'Host' can't be set"),
        ({"headers": {"transfer-Encoding": "chunked"}}, "can't be set"),
        ({"headers": {"X Y": "1"}}, "can't be set"),
        ({"headers": {"X-Source": "a\r\nEvil: 1"}}, "printable ASCII"),
        ({"headers": {"Authorization": "Bearer abcdefghij"}}, "in the clear: write {secret:NAME}"),
        ({"headers": {"X-Api-Key": "abcdefghij"}}, "in the clear"),
        ({"headers": {"X-Key": "{secret:nope}"}}, "secret nope is named by a header and not given"),
        ({"secrets": {"crm": "short"}}, "secret crm: give 8 to 4000"),
        ({"secrets": {"crm": "with\nlines in it"}}, "secret crm"),
        ({"secrets": {"a b": "long-enough-1"}}, "a name that can't be used"),
        ({"timeout_ms": 20_001}, "timeout_ms is 20001: give a number from 100 to 20000"),
        ({"max_bytes": 0}, "max_bytes is 0"),
    ],
)
def test_what_can_t_be_used_is_named_with_the_remedy(
    database: Database, allowed: Business, changes: dict[str, Any], says: str
) -> None:
    with database.scope(), pytest.raises(BadTool, match=says) as caught:
        _save(allowed, **changes)
    assert SECRET not in str(caught.value)


def test_only_tools_that_are_there_can_be_switched_and_a_call_can_always_end(
    database: Database, salon: Business
) -> None:
    with database.scope():
        with pytest.raises(BadTool, match="there is no tool 'open_safe': there are check_availability"):
            switch(salon.id, "open_safe", on=False)
        with pytest.raises(BadTool, match="must be able to end"):
            switch(salon.id, "end_call", on=False)
        with pytest.raises(BadTool, match="has a path"):
            allow_host(salon.id, "a.example/x")
        assert not forbid_host(salon.id, "never.example")
