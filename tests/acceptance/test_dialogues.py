"""Every dialogue in tests/acceptance/dialogues, as text, against the engine's own dialogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.dialogue.agent import DialogueAgent
from engine.realtime.brain import Ask, Call, Output, Say, Turn
from tests.support.dialogue_run import Caller, DialogueFailed, Step, conduct
from tests.support.dialogues import Dialogue, read_dialogue

FOLDER = Path(__file__).parent / "dialogues"
FILES = sorted(FOLDER.glob("*.txt"))


class Conversation:
    """The turns of one call, as the realtime session would hand them to the dialogue."""

    def __init__(self, dialogue: Dialogue) -> None:
        business = dialogue.business
        self._agent = DialogueAgent(now=lambda: dialogue.now_utc)
        self._instructions = business.instructions
        self._tools = tuple(tool.spec for tool in business.tools.values())
        self._turns = [Turn("system", dialogue.context)] if business.context else []
        self._calls: list[Call] = []
        greeting = self._ask(f'Greet the caller now. Say exactly: "{business.greeting}"')
        assert [one.text for one in greeting if isinstance(one, Say)] == [business.greeting]

    def take(self, step: Step) -> list[Output]:
        """Let something happen; gives what the agent did."""
        if isinstance(step, Caller):
            if step.interrupts:
                self._forget_last_answer()
            self._turns.append(Turn("user", step.words or ""))
        else:
            self._turns += [Turn("result", output, call_id=self._id(call)) for call, output in step.outputs]
        return self._ask()

    def _ask(self, once: str | None = None) -> list[Output]:
        outputs = self._agent.decide(Ask(self._instructions, tuple(self._turns), self._tools, once=once))
        self._turns += self._as_turns(outputs)
        return outputs

    def _as_turns(self, outputs: list[Output]) -> Iterator[Turn]:
        said: list[str] = []
        for one in [*outputs, None]:
            if isinstance(one, Say):
                said.append(one.text)
                continue
            if said:
                yield Turn("assistant", " ".join(said))
                said = []
            if isinstance(one, Call):
                self._calls.append(one)
                yield Turn("call", one.arguments, one.name, self._id(one))

    def _id(self, call: Call) -> str:
        return f"call_{next(n for n, one in enumerate(self._calls) if one is call)}"

    def _forget_last_answer(self) -> None:
        """What truncation leaves of an answer: the item, without its words."""
        at = max(n for n, turn in enumerate(self._turns) if turn.role == "assistant")
        self._turns[at] = Turn("assistant", "")


def hold(dialogue: Dialogue) -> None:
    """Run one dialogue as text. Raises `DialogueFailed`."""
    conversation = Conversation(dialogue)
    talk = conduct(dialogue)
    step = next(talk)
    while True:
        try:
            step = talk.send(conversation.take(step))
        except StopIteration:
            return


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_dialogue(path: Path) -> None:
    failure = ""
    try:
        hold(read_dialogue(path, FOLDER / "businesses"))
    except DialogueFailed as failed:
        failure = str(failed)
    if failure:
        pytest.fail(failure, pytrace=False)


def test_there_are_at_least_sixty_in_several_businesses() -> None:
    dialogues = [read_dialogue(path, FOLDER / "businesses") for path in FILES]
    assert len(dialogues) >= 60
    assert len({dialogue.business.name for dialogue in dialogues}) >= 4
