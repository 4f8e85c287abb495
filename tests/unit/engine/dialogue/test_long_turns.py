"""No caller can freeze the engine by what they say: patterns that backtrack without end would show here as a hang."""

from __future__ import annotations

import importlib
import pkgutil
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

import engine.dialogue
from engine.dialogue.agent import DialogueAgent
from engine.realtime.brain import Ask, Turn
from tests.unit.engine.dialogue.test_calls import ALL, INSTRUCTIONS

_SPOKEN = """Hello and so the a of Maria O'Brien zero seven two hundred at on for to from by my name is I would like
book cancel move appointment haircut tomorrow next week Thursday half past quarter o'clock am pm not no
yes please it's Mr. Dr. S M - , . ? ! ' 2 230 07700 first second January 24th £45 but or when what how
much do you can could tell pass message call number double spelled with an hour days dot com
at@example.com um uh well okay thank you"""
WORDS = _SPOKEN.split()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("separator", [" ", ", ", "-", ""])
def test_any_word_a_hundred_times(separator: str) -> None:
    for word in WORDS:
        for said in (word, word.title()):
            DialogueAgent().decide(Ask(INSTRUCTIONS, (Turn("user", separator.join([said] * 100)),), ALL))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("seed", range(4))
def test_any_words_in_any_order(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(60):
        few = [rng.choice(WORDS) for _ in range(rng.choice((2, 3, 5, 40)))]
        said = [" ".join(rng.choice(few) for _ in range(rng.choice((5, 40, 90)))) for _ in range(2)]
        turns = (Turn("user", said[0]), Turn("assistant", "Certainly. What day?"), Turn("user", said[1]))
        DialogueAgent().decide(Ask(INSTRUCTIONS, turns, ALL))


def patterns(value: Any) -> Iterator[re.Pattern[str]]:
    """Every compiled pattern in a module's value."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from patterns(one)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("module", [one.name for one in pkgutil.iter_modules(engine.dialogue.__path__)])
def test_every_pattern_on_its_own_words(module: str) -> None:
    for value in vars(importlib.import_module(f"engine.dialogue.{module}")).values():
        for pattern in patterns(value):
            words = set(re.findall(r"[A-Za-z']+", re.sub(r"\\[a-zA-Z]|\(\?P<\w+>", "", pattern.pattern)))
            for word in words | {"Aa", "1", "0 7", "hello,"}:
                for text in (f"{word} " * 60, f"{word}, " * 60 + "?!"):
                    pattern.search(text)


def test_a_turn_of_any_length_is_answered() -> None:
    assert DialogueAgent().decide(Ask(INSTRUCTIONS, (Turn("user", "I said so. " * 5000),), ALL))
