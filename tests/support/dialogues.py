"""Dialogues as files: what a caller says, and what the agent must say and call.

The format is described in tests/acceptance/dialogues/README.md.

✅ OWNER of the format. Every error names file and line, so that who writes dialogues needs no other tool.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

_REQUIRED: Final = ("business", "now", "tests")
_KEYS: Final = {*_REQUIRED, "caller number", "caller", "context", "spoken"}
_STEPS: Final = (
    "'caller: words', 'answers:', 'silence', 'interrupted', 'agent:', 'calls: tool', 'no calls' or 'result: text'"
)
_ARGUMENT: Final = re.compile(r"(?:^|\s)([A-Za-z_]\w*)([=~])")


class BadDialogue(ValueError):
    """A file that cannot be read; the message begins with `file:line`."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of a business.

    `changes`: it needs a read-back and a yes. `reads`: it may be called at any time. `result`: what it answers unless
    a dialogue says otherwise; None: the agent is not asked again.
    """

    spec: dict[str, Any]
    changes: bool
    reads: bool
    result: str | None

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.spec["name"])


@dataclass(frozen=True, slots=True)
class Business:
    """Who is called: the session's instructions, verbatim, and its tools.

    `context`: whether a system item tells the time, as Frontdesk's server does it.
    """

    name: str
    instructions: str
    timezone: str
    greeting: str
    tools: dict[str, Tool]
    context: bool = True


@dataclass(slots=True)
class Agent:
    """What must hold of the words that the agent says at this point."""

    line: int
    says: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    question: bool | None = None


@dataclass(slots=True)
class Calls:
    """A call that the agent must make: (name, `=` or `~`, value) for each argument of interest."""

    line: int
    tool: str
    arguments: list[tuple[str, str, str]]
    result: str | None = None


@dataclass(slots=True)
class Exchange:
    """The caller's words (None: silence) and what must come of them, in order.

    With `answers`, (keywords, words), the caller answers questions as they come, in the agent's order; what is expected
    then is expected of the agent's last reply.
    """

    line: int
    words: str | None
    answers: list[tuple[str, str]] = field(default_factory=list)
    interrupts: bool = False
    no_calls: bool = False
    expected: list[Agent | Calls] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One file."""

    path: Path
    title: str
    business: Business
    now: datetime
    head: dict[str, str]
    exchanges: list[Exchange]

    @property
    def spoken(self) -> bool:
        """Whether it is also run as speech."""
        return self.head.get("spoken") == "yes"

    @property
    def now_utc(self) -> datetime:
        """The moment of the call."""
        return self.now.replace(tzinfo=ZoneInfo(self.business.timezone)).astimezone(UTC)

    @property
    def context(self) -> str:
        """What the session's system item says of the caller and of the time."""
        caller = self.head.get("caller", "not known yet")
        number = self.head.get("caller number", "known")
        lines = [f"Current local time: {self.now:%A} {self.now.day} {self.now:%B %Y, %H:%M} ({self.business.timezone})"]
        lines += [f"Caller: {caller}", f"Caller number: {number}"]
        return "\n".join([*lines, *filter(None, [self.head.get("context")])])


def read_dialogue(path: Path, businesses: Path) -> Dialogue:
    """Read and check one file. Raises `BadDialogue`."""
    lines = list(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
    title, head, at = _head(path, lines)
    name, line = head["business"]
    if not (businesses / f"{name}.json").exists():
        raise _bad(path, line, f"there is no business {name!r}; there are {', '.join(_names(businesses))}")
    business = read_business(name, businesses)
    exchanges = _Body(path, business).read(lines[at:])
    now = _moment(path, *head["now"])
    return Dialogue(path, title, business, now, {key: value for key, (value, _) in head.items()}, exchanges)


def read_business(name: str, folder: Path) -> Business:
    """A business: `name.txt` is its instructions, `name.json` the rest."""
    data = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    tools = {}
    for one in data["tools"]:
        spec = {"type": "function", **{key: one[key] for key in ("name", "description", "parameters") if key in one}}
        result = one.get("result")
        text = result if isinstance(result, str) or result is None else json.dumps(result)
        tools[one["name"]] = Tool(spec, bool(one.get("changes")), bool(one.get("reads")), text)
    instructions = (folder / f"{name}.txt").read_text(encoding="utf-8")
    return Business(name, instructions, data["timezone"], data["greeting"], tools, data.get("context", True))


def _names(businesses: Path) -> list[str]:
    return sorted(path.stem for path in businesses.glob("*.json"))


def _bad(path: Path, line: int, problem: str) -> BadDialogue:
    return BadDialogue(f"{path.name}:{line}: {problem}")


def _head(path: Path, lines: list[tuple[int, str]]) -> tuple[str, dict[str, tuple[str, int]], int]:
    if not lines or not lines[0][1].startswith("# "):
        raise _bad(path, 1, "the first line must be a title: '# What happens'")
    head: dict[str, tuple[str, int]] = {}
    at = 1
    while at < len(lines) and lines[at][1].strip():
        number, line = lines[at]
        key, colon, value = line.partition(":")
        if not colon or key not in _KEYS or not value.strip():
            raise _bad(path, number, f"{line!r} is not one of {', '.join(sorted(_KEYS))} with a value")
        head[key] = (value.strip(), number)
        at += 1
    for key in _REQUIRED:
        if key not in head:
            raise _bad(path, at, f"'{key}:' is missing above the first empty line")
    return lines[0][1][2:].strip(), head, at


def _moment(path: Path, text: str, line: int) -> datetime:
    try:
        when = datetime.strptime(text, "%A %d %B %Y, %H:%M")
    except ValueError as problem:
        raise _bad(path, line, f"{text!r} is not like 'Tuesday 24 November 2026, 09:12'") from problem
    if f"{when:%A}" != text.split()[0]:
        raise _bad(path, line, f"{when:%d %B %Y} is a {when:%A}")
    return when


class _Body:
    """Reads the steps below the head, one line each."""

    def __init__(self, path: Path, business: Business) -> None:
        self._path = path
        self._business = business
        self._exchanges: list[Exchange] = []
        self._agent: Agent | None = None
        self._answers: Exchange | None = None
        self._interrupted = 0

    def read(self, lines: list[tuple[int, str]]) -> list[Exchange]:
        """All steps. Raises `BadDialogue`."""
        for number, line in lines:
            if not line.strip() or line.startswith("#"):
                continue
            if line[0] in " \t":
                self._expectation(number, line.strip())
            else:
                self._agent = self._answers = None
                self._step(number, *_split(line))
        if not self._exchanges:
            raise _bad(self._path, lines[-1][0] if lines else 1, "nobody says anything: begin with 'caller: …'")
        return self._exchanges

    def _step(self, number: int, kind: str, text: str) -> None:
        if kind == "caller" and text:
            self._begin(number, text)
        elif kind == "silence":
            self._begin(number, None)
        elif kind == "answers" and not text:
            self._now(number)
            self._begin(number, None)
            self._answers = self._exchanges[-1]
        elif kind == "agent":
            self._agent = Agent(number)
            self._now(number).expected.append(self._agent)
        elif kind == "calls" and text:
            self._now(number).expected.append(self._calls(number, text))
        elif kind == "result" and text:
            self._result(number, text)
        elif kind == "no calls":
            self._now(number).no_calls = True
        elif kind == "interrupted":
            self._now(number)
            self._interrupted = number
        else:
            raise _bad(self._path, number, f"{kind!r} is not a step: write {_STEPS}")

    def _begin(self, number: int, words: str | None) -> None:
        self._exchanges.append(Exchange(number, words, interrupts=bool(self._interrupted)))
        self._interrupted = 0

    def _now(self, number: int) -> Exchange:
        if not self._exchanges:
            raise _bad(self._path, number, "begin with 'caller: …' or 'silence'")
        return self._exchanges[-1]

    def _calls(self, number: int, text: str) -> Calls:
        name, _, rest = text.partition(" ")
        tool = self._business.tools.get(name)
        if tool is None:
            known = ", ".join(self._business.tools)
            raise _bad(self._path, number, f"{self._business.name} has no tool {name!r}; it has {known}")
        properties = tool.spec["parameters"].get("properties", {})
        arguments = _arguments(rest)
        if rest.strip() and not arguments:
            raise _bad(self._path, number, f"{rest.strip()!r} are not arguments: write name=value or name~part")
        for argument, _, _ in arguments:
            if argument not in properties:
                raise _bad(self._path, number, f"{name} has no argument {argument!r}; it has {', '.join(properties)}")
        return Calls(number, name, arguments)

    def _result(self, number: int, text: str) -> None:
        before = self._exchanges[-1].expected[-1] if self._exchanges and self._exchanges[-1].expected else None
        if not isinstance(before, Calls):
            raise _bad(self._path, number, "'result:' must follow the 'calls:' that it answers")
        if text.startswith("{"):
            try:
                json.loads(text)
            except json.JSONDecodeError as problem:
                raise _bad(self._path, number, f"this result is not JSON: {problem}") from problem
        before.result = text

    def _expectation(self, number: int, line: str) -> None:
        kind, text = _split(line)
        if self._answers is not None:
            if not kind or not text:
                raise _bad(self._path, number, f"{line!r} is not 'what is asked|in other words: the answer'")
            self._answers.answers.append((kind, text))
            return
        if self._agent is None:
            raise _bad(self._path, number, "an indented line must stand below 'agent:' or 'answers:'")
        phrases = [phrase.strip() for phrase in text.split(",") if phrase.strip()]
        if kind in ("says", "never") and phrases:
            getattr(self._agent, kind).extend(phrases)
        elif kind in ("question", "no question") and not text:
            self._agent.question = kind == "question"
        else:
            raise _bad(self._path, number, f"{line!r} is not 'says: …', 'never: …', 'question' or 'no question'")


def _split(line: str) -> tuple[str, str]:
    kind, _, text = line.partition(":")
    return kind.strip(), text.strip()


def _arguments(text: str) -> list[tuple[str, str, str]]:
    found = list(_ARGUMENT.finditer(text))
    ends = [one.start() for one in found[1:]] + [len(text)] * bool(found)
    return [(one[1], one[2], text[one.end() : end].strip()) for one, end in zip(found, ends, strict=True)]
