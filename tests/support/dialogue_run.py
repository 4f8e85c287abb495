"""Holds a dialogue against an agent, step by step, without knowing how the two talk: as text or over a telephone.

`conduct` is a generator: it yields what happens to the agent and is sent what the agent did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final

import jsonschema

from engine.realtime.brain import Call, Output, Say
from tests.support.dialogue_checks import Heard, global_problems, unconfirmed
from tests.support.dialogue_words import says, says_outright
from tests.support.dialogues import Agent, Calls, Dialogue, Exchange, Tool

_MOST_ROUNDS: Final = 6


class DialogueFailed(AssertionError):
    """The agent did not do as it must; the message shows the conversation and what was missing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller speaks (None: is silent). `interrupts`: in the middle of the agent's last answer."""

    words: str | None
    interrupts: bool = False


@dataclass(frozen=True, slots=True)
class Results:
    """Tools answer: (the agent's call, the output)."""

    outputs: list[tuple[Call, str]]


Step = Caller | Results
Talk = Generator[Step, list[Output], None]


@dataclass(slots=True)
class _Reply:
    """All that the agent did until it waited for the caller again. `said` are (calls answered before, words)."""

    said: list[tuple[int, str]] = field(default_factory=list)
    answered: int = 0
    made: list[Calls] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join(text for _, text in self.said if text)

    def after(self, answered: int) -> str:
        return " ".join(text for count, text in self.said if count == answered and text)


def conduct(dialogue: Dialogue, heard: Heard | None = None) -> Talk:
    """Go through a dialogue. Raises `DialogueFailed` at the first exchange that goes wrong.

    Who hears the caller by ear adds what was understood to `heard.sources`: the agent may repeat that too.
    """
    run = _Run(dialogue, heard or Heard(dialogue))
    for exchange in dialogue.exchanges:
        if exchange.answers:
            reply = yield from _answered(run, exchange)
        else:
            reply = yield from _turn(run, exchange, exchange.words)
        run.check(_unmet(run.dialogue, exchange, reply))


@dataclass(slots=True)
class _Run:
    """A dialogue as far as it has come. `log` is for who reads a failure."""

    dialogue: Dialogue
    heard: Heard
    log: list[str] = field(default_factory=list)

    def check(self, problems: list[tuple[int, str]]) -> None:
        if problems:
            raise DialogueFailed(_report(self.dialogue, self.log, sorted(problems)))


def _answered(run: _Run, exchange: Exchange) -> Generator[Step, list[Output], _Reply]:
    """The caller answers what is asked, each answer once, until the agent asks something else."""
    left = list(exchange.answers)
    reply = _Reply([(0, run.heard.answers[-1])])  # when nothing is asked that they know, the last reply stands
    while (fitting := _fitting(left, run.heard.answers[-1])) is not None:
        left.remove(fitting)
        reply = yield from _turn(run, exchange, fitting[1])
    return reply


def _fitting(left: list[tuple[str, str]], answer: str) -> tuple[str, str] | None:
    """The answer to what was asked last."""
    sentences = re.split(r"(?<=[.!?])\s+", answer.strip())
    asked = [one for one in sentences if one.endswith("?") or says(one, "please|tell me|give me")]
    return next((one for one in left if asked and says(asked[-1], one[0])), None)


def _turn(run: _Run, exchange: Exchange, words: str | None) -> Generator[Step, list[Output], _Reply]:
    """The caller's words or silence, and everything that the agent makes of them."""
    if words is not None:
        run.heard.sources.append(words)
    run.log.append(f"caller:  {words}" if words is not None else "(the caller is silent)")
    reply = _Reply()
    step: Step = Caller(words, exchange.interrupts)
    for _ in range(_MOST_ROUNDS):
        outputs = yield step
        results = _taken(run, exchange, words, outputs, reply)
        if results is None:
            break
        step = results
    else:
        reply.problems.append((exchange.line, f"the agent still calls tools after {_MOST_ROUNDS} rounds"))
    reply.problems += [(exchange.line, problem) for problem in global_problems(reply.words, run.heard)]
    run.heard.answers.append(reply.words)
    if reply.problems and not exchange.answers:
        reply.problems += _unmet(run.dialogue, exchange, reply)
    run.check(reply.problems)
    return reply


def _taken(run: _Run, exchange: Exchange, words: str | None, outputs: list[Output], reply: _Reply) -> Results | None:
    """Note what the agent said and called; gives what its tools answer, if they do."""
    said = " ".join(one.text for one in outputs if isinstance(one, Say))
    reply.said.append((reply.answered, said))
    run.log.extend([f"agent:   {said}"] if said else [])
    results: list[tuple[Call, str]] = []
    for call in (one for one in outputs if isinstance(one, Call)):
        run.log.append(f"calls:   {call.name} {call.arguments}")
        wanted = _wanted(exchange, call, reply)
        reply.problems += [(exchange.line, text) for text in _bad_call(run, call, wanted, exchange, words)]
        reply.problems += [(wanted.line, text) for text in _bad_arguments(call, wanted)] if wanted else []
        result = _result(run.dialogue, call.name, wanted)
        if result is not None:
            results.append((call, result))
            reply.answered += wanted is not None
    run.log += [f"result:  {result}" for _, result in results]
    run.heard.sources += [result for _, result in results]
    return Results(results) if results else None


def _wanted(exchange: Exchange, call: Call, reply: _Reply) -> Calls | None:
    """The next call that must be made, if this is it."""
    expected = [one for one in exchange.expected if isinstance(one, Calls)]
    following = expected[len(reply.made) :]
    if not following or following[0].tool != call.name:
        return None
    reply.made.append(following[0])
    return following[0]


def _result(dialogue: Dialogue, name: str, wanted: Calls | None) -> str | None:
    if wanted is not None and wanted.result is not None:
        return wanted.result
    tool = dialogue.business.tools.get(name)
    return tool.result if tool is not None else None


def _bad_call(run: _Run, call: Call, wanted: Calls | None, exchange: Exchange, words: str | None) -> list[str]:
    tool = run.dialogue.business.tools.get(call.name)
    if tool is None:
        return [f"there is no tool {call.name!r}"]
    if exchange.no_calls or (wanted is None and not tool.reads):
        return [f"{call.name} must not be called here"]
    arguments, problem = _parsed(call, tool)
    if problem:
        return [problem]
    return unconfirmed(tool, arguments, words, run.heard) if tool.changes else []


def _parsed(call: Call, tool: Tool) -> tuple[dict[str, Any], str]:
    try:
        arguments: dict[str, Any] = json.loads(call.arguments)
        jsonschema.validate(arguments, tool.spec["parameters"])
    except json.JSONDecodeError as problem:
        return {}, f"the arguments of {call.name} are not JSON: {problem}"
    except jsonschema.ValidationError as problem:
        return {}, f"the arguments of {call.name} do not fit its schema: {problem.message}"
    formats = {"date": r"\d{4}-\d\d-\d\d", "time": r"\d\d:\d\d(:\d\d)?", "email": r"[^@\s]+@[^@\s]+\.[^@\s]+"}
    for name, schema in tool.spec["parameters"].get("properties", {}).items():
        pattern = formats.get(schema.get("format", ""))
        if name in arguments and pattern and not re.fullmatch(pattern, str(arguments[name])):
            return {}, f"{name}={arguments[name]!r} of {call.name} is no {schema['format']}"
    return arguments, ""


def _bad_arguments(call: Call, wanted: Calls) -> list[str]:
    try:
        given = json.loads(call.arguments)
    except json.JSONDecodeError:
        return []
    return [
        f"{name}{sign}{value} is missing: it is {given.get(name)!r}"
        for name, sign, value in wanted.arguments
        if not any(_fits(given.get(name), sign, choice.strip()) for choice in value.split("|"))
    ]


def _fits(given: object, sign: str, value: str) -> bool:
    text = json.dumps(given) if isinstance(given, bool) else str(given if given is not None else "")
    if re.fullmatch(r"[+\d][\d ]{6,}", value):
        return re.sub(r"\D", "", text) == re.sub(r"\D", "", value)
    if re.fullmatch(r"\d\d:\d\d", value):
        text = text[:5]
    if sign == "~":
        return says(text, value) or value.lower() in text.lower()
    return text.strip().lower() == value.lower()


def _unmet(dialogue: Dialogue, exchange: Exchange, reply: _Reply) -> list[tuple[int, str]]:
    problems: list[tuple[int, str]] = []
    answered = 0
    for one in exchange.expected:
        if isinstance(one, Calls):
            answered += _result(dialogue, one.tool, one) is not None
            if not any(one is made for made in reply.made):
                problems.append((one.line, f"no call of {one.tool}"))
            continue
        problems += _unmet_words(one, reply.after(answered))
    return problems


def _unmet_words(agent: Agent, words: str) -> list[tuple[int, str]]:
    problems = [f"the agent must say {phrase!r}" for phrase in agent.says if not says(words, phrase)]
    problems += [f"the agent must not say {phrase!r}" for phrase in agent.never if says_outright(words, phrase)]
    if not words.strip():
        problems.append("the agent says nothing here")
    elif agent.question is not None and words.rstrip().endswith("?") != agent.question:
        problems.append("the answer must end in a question" if agent.question else "the answer must not ask anything")
    return [(agent.line, problem) for problem in problems]


def _report(dialogue: Dialogue, log: list[str], problems: list[tuple[int, str]]) -> str:
    name = dialogue.path.name
    shown = [f"{dialogue.title}", *(f"    {line}" for line in log)]
    return "\n".join([*shown, *(f"  {name}:{line}: {problem}" for line, problem in problems)])
