"""What a live page is sent, and when that ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from server.console import live
from server.console.live import Parts, Source


class Page:
    """A page's source whose state the test sets; looks at the version are counted."""

    def __init__(self, **html: str) -> None:
        self.html, self.final, self.looks, self.renders = html, False, 0, 0
        self.busy = 0

    def version(self) -> tuple[Any, ...]:
        self.looks += 1
        if self.busy > 0:
            self.busy -= 1
            raise OperationalError("SELECT 1", {}, Exception("database is locked"))
        return (tuple(self.html.items()), self.final)

    def parts(self) -> Parts:
        self.renders += 1
        return Parts(dict(self.html), self.final)

    @property
    def source(self) -> Source:
        return Source(self.version, self.parts)


class Visitor:
    """A request whose client goes away after so many looks."""

    def __init__(self, page: Page, stays: int = 1000) -> None:
        self.app = SimpleNamespace(state=SimpleNamespace(stopping=False))
        self._page, self._stays = page, stays

    async def is_disconnected(self) -> bool:
        return self._page.looks >= self._stays


async def follow(page: Page, visitor: Visitor, **pace: float) -> AsyncGenerator[str]:
    """The page's events, after the one that says when to come back."""
    events = live.events(cast(Any, visitor), page.source, **{"poll_s": 0.001, **pace})
    assert await anext(events) == "retry: 1000\n\n"
    async for event in events:
        yield event


async def test_every_part_is_sent_first_and_then_only_what_changed() -> None:
    page = Page(head="<p>Ringing</p>", turns="")
    events = follow(page, Visitor(page))
    assert [await anext(events), await anext(events)] == [
        "event: head\ndata: <p>Ringing</p>\n\n",
        "event: turns\ndata:\n\n",
    ]
    page.html["turns"] = "<li>Hello</li>"
    assert await anext(events) == "event: turns\ndata: <li>Hello</li>\n\n"
    await events.aclose()


async def test_it_ends_when_there_is_no_more_to_come() -> None:
    page = Page(head="Completed")
    page.final = True
    assert [event async for event in follow(page, Visitor(page))] == [
        "event: head\ndata: Completed\n\n",
        "event: done\ndata:\n\n",
    ]


async def test_nothing_is_rendered_while_nothing_changes() -> None:
    page = Page(head="Ringing")
    assert len([event async for event in follow(page, Visitor(page, stays=20))]) == 1
    assert (page.looks, page.renders) == (20, 1)


async def test_a_quiet_stream_shows_that_it_lives() -> None:
    page = Page(head="Ringing")
    sent = [event async for event in follow(page, Visitor(page, stays=4), heartbeat_s=0.0)]
    assert sent[1:] == [": still here\n\n"] * 3


async def test_it_ends_when_the_server_drains() -> None:
    page = Page(head="Ringing")
    visitor = Visitor(page)
    events = follow(page, visitor)
    await anext(events)
    visitor.app.state.stopping = True
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_a_busy_database_is_asked_again() -> None:
    page = Page(head="Ringing")
    page.busy = 3
    assert [event async for event in follow(page, Visitor(page, stays=5))] == ["event: head\ndata: Ringing\n\n"]


def test_a_line_break_in_the_words_can_not_end_the_event() -> None:
    assert live.event("turns", "one\n\nevent: head\r\ndata: two") == (
        "event: turns\ndata: one\ndata: \ndata: event: head\ndata: data: two\n\n"
    )
