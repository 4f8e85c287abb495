"""The agent behind the `Brain` port."""

from __future__ import annotations

import re

from engine.realtime.brain import Ask, Reply, Say

_EXACTLY = re.compile(r"say exactly:?\s*[\"“](?P<text>.+?)[\"”]\s*$", re.IGNORECASE | re.DOTALL)


class DialogueAgent:
    """Replies from the conversation alone: the same history gives the same words."""

    async def reply(self, ask: Ask) -> Reply:
        """The next reply."""
        exact = _EXACTLY.search(ask.once or "")
        if exact:
            return Reply([Say(exact["text"].strip())])
        return Reply([Say("I'm sorry, I don't know that. Shall I take a message?")])
