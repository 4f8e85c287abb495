"""No log line per frame."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.source import Source
from integrity.syntax import LoopNode, calls_in, identifiers, last_name, log_level, own_nodes, word_set, words

_HOT = word_set(
    "audio frame frames chunk chunks packet packets pcm mulaw ulaw samples stream delta deltas event events"
)
# A loop over files of audio turns once per file.
_NOT_THE_THING_ITSELF = word_set("path paths file files filename name names dir dirs id ids url urls type types")
# What is inside one of them is not a stream: `for line in chunk.splitlines()`.
_ONE_OF_THEM = word_set("frame chunk packet delta event message msg")
# Sockets yield messages; a list of messages is somebody's mail.
_HOT_WHEN_AWAITED = frozenset({"message", "messages", "msg", "media", "websocket", "ws", "socket"})
_RECEIVES = re.compile(r"(?:receive|recv|read|get|next)(?:_\w+)?\Z|__anext__\Z")
_LIMITERS = frozenset({"every", "once", "allow", "should_log", "ready", "due"})
_RARE = frozenset({"error", "exception", "critical", "fatal"})
_ENDS = (ast.Return, ast.Raise, ast.Break)


class HotLoopLog(Rule):
    """Reports a log call that runs once per frame, chunk or event.

    Let pass: a line under a rate limit, a sampling test (`n % 50 == 0`) or a clock comparison; under a test for one
    kind of event; in an `except` block; errors; a line after which the loop ends.
    """

    id = "log-in-hot-loop"
    title = "Log call in a loop over audio, frames or events without a rate limit"
    why = (
        "Audio arrives 50 times a second. A line per frame buries every other line, costs milliseconds in the path "
        "that a caller hears, and fills the disk."
    )
    remedy = (
        'Put the line under `if rl.every("name", 5.0):` (server.logging_setup.RateLimiter), or log once after the loop.'
    )
    bad = (
        Example('for chunk in audio_stream:\n    logger.debug(f"Processing chunk {i}")  # 50x per second!'),
        Example('async def pump(ws):\n    async for message in ws:\n        log.info("media", size=len(message))'),
        Example("while True:\n    frame = await queue.get()\n    self._log.debug('frame %d', len(frame))"),
    )
    good = (
        Example(
            "from server.logging_setup import RateLimiter\nrl = RateLimiter()\nfor chunk in audio_stream:\n"
            '    if rl.every("audio_loop", 5.0):  # Once per 5 seconds\n'
            '        logger.debug(f"Processing chunks (count: {i})")'
        ),
        Example('for n, frame in enumerate(frames):\n    if n % 50 == 0:\n        log.debug("frames", count=n)'),
        Example('async for message in ws:\n    if message["event"] == "start":\n        log.info("stream started")'),
        Example('for frame in frames:\n    if not frame:\n        log.info("the stream ended")\n        break'),
        Example('for frame in frames:\n    if not rl.every("frames", 5.0):\n        continue\n    log.debug("frames")'),
        Example("for header in event.headers:\n    log.debug(header)"),
        Example('for business in businesses:\n    log.info("loaded", business_id=business.id)'),
    )
    hint = re.compile(r"\b_?log(?:ger|ging)?\b|_log(?:ger)?\b|getLogger|get_logger", re.IGNORECASE)

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        seen: set[ast.Call] = set()
        for loop in source.all(ast.For, ast.AsyncFor, ast.While):
            what = _hot_word(loop)
            if not what:
                continue
            for call in _log_calls(loop):
                if call not in seen and _runs_each_time(source, loop, call):
                    seen.add(call)
                    yield Hit(call, f"this {log_level(call)} line runs once per turn of a loop over `{what}`")


def _log_calls(loop: LoopNode) -> Iterator[ast.Call]:
    for statement in loop.body:
        for node in (statement, *own_nodes(statement)):
            if isinstance(node, ast.Call) and log_level(node) not in {None, *_RARE}:
                yield node


def _hot_word(loop: LoopNode) -> str:
    """The name that makes the loop a hot one; empty when none does."""
    if isinstance(loop, ast.While):
        return next((name for name, value in _received(loop) if _is_hot(name, awaited=True) and value), "")
    awaited = isinstance(loop, ast.AsyncFor)
    over = (name for name in identifiers(loop.iter) if awaited or name not in _ONE_OF_THEM)
    names = (*over, *identifiers(loop.target))
    return next((name for name in names if _is_hot(name, awaited=awaited)), "")


def _is_hot(name: str, *, awaited: bool) -> bool:
    parts = set(words(name))
    if parts & _NOT_THE_THING_ITSELF:
        return False
    return bool(parts & _HOT) or (awaited and bool(parts & _HOT_WHEN_AWAITED))


def _received(loop: ast.While) -> Iterator[tuple[str, bool]]:
    """What the loop's own body takes from somewhere: `frame = await queue.get()`."""
    for statement in loop.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name | ast.Attribute):
            takes = any(_RECEIVES.match(last_name(call.func)) for call in calls_in(statement.value))
            yield last_name(statement.targets[0]), takes


def _runs_each_time(source: Source, loop: LoopNode, call: ast.Call) -> bool:
    child: ast.AST = call
    for around in source.ancestors(call):
        if isinstance(around, ast.ExceptHandler | ast.match_case):
            return False
        if isinstance(around, ast.If) and child is not around.test and _is_rare(around, child):
            return False
        if _leaves_after(around, child, loop) or _limited_before(around, child):
            return False
        if around is loop:
            return child not in loop.orelse
        child = around
    return True


def _is_rare(branch: ast.If, child: ast.AST) -> bool:
    test = branch.test
    if any(last_name(call.func) in _LIMITERS for call in calls_in(test)):
        return True
    return child in branch.body and (_compares_rarely(test) or _is_first_time(test))


def _compares_rarely(test: ast.expr) -> bool:
    """A sampling test, a clock comparison, or a test for one named kind of event that is not itself a frame."""
    for part in ast.walk(test):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mod | ast.Sub):
            return True
        if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Eq | ast.In | ast.Is):
            texts = [p.value for c in part.comparators for p in ast.walk(c) if isinstance(p, ast.Constant)]
            return not any(isinstance(t, str) and _is_hot(t, awaited=True) for t in texts)
        if isinstance(part, ast.Call) and last_name(part.func) == "isinstance":
            return not any(_is_hot(name, awaited=True) for name in identifiers(part.args[-1]))
    return False


def _is_first_time(test: ast.expr) -> bool:
    """`if not self._logged_first:` and the like."""
    marks = {"first", "logged", "warned", "reported", "seen"}
    return any(marks & set(words(name)) for name in identifiers(test))


def _leaves_after(around: ast.AST, child: ast.AST, loop: LoopNode) -> bool:
    """Whether the block that holds `child` ends the loop, so that the line runs once."""
    block = _block_of(around, child)
    return bool(block) and around is not loop and isinstance(block[-1], _ENDS)


def _limited_before(around: ast.AST, child: ast.AST) -> bool:
    """Whether an earlier statement of the block skips the rest unless a limiter agrees."""
    block = _block_of(around, child)
    before = block[: block.index(child)] if block else []
    return any(
        isinstance(s, ast.If)
        and isinstance(s.body[-1], ast.Continue)
        and any(last_name(call.func) in _LIMITERS for call in calls_in(s.test))
        for s in before
    )


def _block_of(around: ast.AST, child: ast.AST) -> list[ast.AST]:
    blocks = (getattr(around, name, None) for name in ("body", "orelse", "finalbody"))
    return next((b for b in blocks if isinstance(b, list) and child in b), [])
