"""Runs a business's own tool once, outside any call: for whoever sets it up."""

from __future__ import annotations

from server.db import db
from server.models_sql import Business
from server.services.tools import http_tools, outside, specs
from server.services.tools.answers import Answer, BadArguments
from server.services.tools.arguments import read_arguments


def try_tool(business: Business, name: str, arguments: str) -> Answer:
    """What the model would be given. Ends the open transaction before the request: none is held while one waits.

    Raises `BadTool` for an unknown tool.
    """
    tool = http_tools.find_tool(business.id, name)
    if tool is None:
        raise http_tools.BadTool(f"there is no HTTP tool {name!r}: see `frontdesk tool list`")
    try:
        given = read_arguments(name, specs.of_http_tool(tool)["parameters"], arguments)
        ready = outside.prepare(tool, business, given)
    except BadArguments as problem:
        return Answer(False, str(problem))
    db.session.commit()
    return outside.send(ready)
