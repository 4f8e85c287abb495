"""Tools in progress: the caller is told when one takes long, and the model when one takes too long."""

from __future__ import annotations

import json
from dataclasses import dataclass

from server.domain import commands as do
from server.domain import events as on
from server.domain.responses import Ask, Purpose, Responses
from server.domain.session_core import Core
from server.domain.session_plan import exactly


@dataclass(frozen=True, slots=True)
class _Run:
    name: str
    until_ms: float


def failure(message: str) -> str:
    """A result that tells the model in words why there is none."""
    return json.dumps({"ok": False, "message": message})


class ToolRuns:
    """✅ OWNER: which tools are running, and what is said while they are."""

    def __init__(self, core: Core, responses: Responses) -> None:
        self._core = core
        self._responses = responses
        self._running: dict[str, _Run] = {}
        self._bridges = 0

    @property
    def running(self) -> bool:
        """True while a result is awaited."""
        return bool(self._running)

    def start(self, call: on.FunctionCall) -> None:
        """Have a tool run; one that runs already is not run twice."""
        if call.call_id in self._running:
            return
        if not self._running:
            self._bridges = 0
            self._core.after("tool_bridge", self._core.timing.bridge_first_ms)
        self._running[call.call_id] = _Run(call.name, self._core.now + self._core.timing.tool_ms)
        self._core.turns.called(call.call_id, call.name, call.arguments)
        self._core.want(do.RunTool(call.call_id, call.name, call.arguments))
        self._watch()

    def finish(self, call_id: str, output: str) -> bool:
        """A result is there: the model gets it, when it is there itself. True when it was the last one awaited."""
        run = self._running.pop(call_id, None)
        if run is None:
            return False
        self._core.turns.returned(call_id, output)
        if self._core.model_up:
            self._core.want(do.ReturnToolOutput(call_id, output))
        self._watch()
        if not self._running:
            self._core.deadlines.clear("tool_bridge")
        return not self._running

    def give_up(self) -> bool:
        """Tools that ran too long are told to the model as failed. True when none is awaited any more."""
        late = [call_id for call_id, run in self._running.items() if run.until_ms <= self._core.now]
        last = False
        for call_id in late:
            self._core.note("tool_too_slow", name=self._running[call_id].name)
            last = self.finish(call_id, failure(self._core.lines.tool_too_slow))
        self._watch()
        return last

    def bridge(self, *, may_speak: bool) -> None:
        """Say that it takes a moment, unless something is being said anyway; then look again."""
        core = self._core
        if not self._running:
            return
        if not may_speak or core.playback.playing or self._responses.pending or not core.model_up:
            core.after("tool_bridge", core.playback.remaining_ms(core.now) + core.timing.bridge_first_ms)
            return
        bridges = core.lines.bridges
        words = bridges[min(self._bridges, len(bridges) - 1)]
        self._bridges += 1
        core.note("tool_bridge", count=self._bridges)
        self._responses.ask(Ask(Purpose.BRIDGE, do.CreateResponse(exactly(words), tools=False, outside=True)))
        core.after("tool_bridge", core.timing.bridge_next_ms)

    def _watch(self) -> None:
        if self._running:
            self._core.deadlines.set("tool", min(run.until_ms for run in self._running.values()))
        else:
            self._core.deadlines.clear("tool")
