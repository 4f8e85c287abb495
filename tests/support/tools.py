"""Types and stand-ins for tests of the tools of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.ports.web import WebAnswer, WebRequest

Tool = Callable[..., dict[str, Any]]
"""Runs a tool by name with arguments; gives what the model is given, read."""


class FakeWeb:
    """The `Web` port: keeps what was asked, and answers with what the test queued (an exception is raised)."""

    def __init__(self) -> None:
        self.asked: list[WebRequest] = []
        self.answers: list[WebAnswer | Exception] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def fetch(self, request: WebRequest) -> WebAnswer:
        """The next queued answer; `meanwhile` runs while it is awaited."""
        self.asked.append(request)
        self.meanwhile()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def json_answer(text: str, status: int = 200) -> WebAnswer:
    """A JSON answer with this body."""
    return WebAnswer(status, "application/json", text.encode())
