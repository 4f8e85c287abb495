"""The agent behind the `Brain` port: folds a conversation into a state and gives the reply to its last turn."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import UTC, datetime

from engine.dialogue import policy
from engine.dialogue.acts import Heard
from engine.dialogue.context import read_context
from engine.dialogue.knowledge import read_knowledge
from engine.dialogue.state import State, World
from engine.dialogue.tools import read_tools
from engine.dialogue.wishes import wanted_family
from engine.realtime.brain import Ask, Output, Say, Turn, exact_words


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DialogueAgent:
    """Replies from the conversation alone: the same history gives the same words, on any process.

    ✅ OWNER of nothing: the state is folded anew from the turns for every reply.
    """

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now

    async def reply(self, ask: Ask) -> AsyncGenerator[Output, None]:
        """The next reply."""
        for output in self.decide(ask):
            yield output

    def decide(self, ask: Ask) -> list[Output]:
        """The next reply, whole: deciding takes milliseconds, so there is nothing to wait for."""
        exact = exact_words(ask.once)
        if exact is not None:
            return [Say(exact)]
        return _replied(ask, _world(ask, self._now()))


def _world(ask: Ask, now: datetime) -> World:
    knowledge = read_knowledge(ask.instructions)
    context = [turn.text for turn in ask.turns if turn.role == "system"]
    tools = [] if ask.tool_choice == "none" else read_tools(ask.tools)
    return World(knowledge, tools, read_context([ask.instructions, *context], knowledge.timezone, now))


def _replied(ask: Ask, world: World) -> list[Output]:
    state = State()
    outputs: list[Output] | None = None
    names = {turn.call_id: turn.name for turn in ask.turns if turn.role == "call"}
    for turn in _joined(ask.turns):
        if turn.role == "user":
            outputs = policy.on_user(state, turn.text, world)
        elif turn.role == "result":
            outputs = policy.on_result(state, names.get(turn.call_id, ""), turn.text, world)
        elif turn.role == "assistant" and turn.text:
            # What was really said (a greeting, another model's words) is what "say that again" repeats.
            state.said = turn.text
            outputs = policy.on_silence(state)
    return [Say(policy.greeting(world))] if outputs is None else outputs


_GOES_ON = re.compile(r"^(?:and|or|but|also|at|on|for|with|in|to|of|from|because|if|when|then|plus|that)\b")


def _instead(first: str, second: str) -> bool:
    """Whether a second question, asked into the answer to a first before a word of it was heard, takes its place."""
    before, after = Heard(first), Heard(second)
    if not (before.question and after.question and before.words > 2 and after.words > 2):
        return False
    return not _GOES_ON.search(after.plain) and wanted_family(before) is None


def _joined(turns: tuple[Turn, ...]) -> Iterator[Turn]:
    """The turns, with what a caller said in one go but in two pieces (no answer came between) as one."""
    held: Turn | None = None
    for turn in turns:
        if turn.role == "system":
            continue
        if held is not None and turn.role == "user":
            if _instead(held.text, turn.text):
                held = turn
                continue
            held = Turn("user", f"{held.text} {turn.text}".strip())
            continue
        if held is not None:
            yield held
        held = turn if turn.role == "user" else None
        if held is None:
            yield turn
    if held is not None:
        yield held
