"""A caller for tests of whole conversations: keeps the turns, answers tool calls, notes what was called with what."""

from __future__ import annotations

import json
from typing import Any

from engine.dialogue.agent import DialogueAgent
from engine.realtime.brain import Ask, Call, Say, Turn

INSTRUCTIONS = """# Role
You are the receptionist.
# Business
Name: Harbour Hair
Timezone: Europe/London
# Opening hours
Monday: 09:00-18:00
Tuesday: 09:00-18:00
Wednesday: 09:00-18:00
Thursday: 09:00-20:00
Friday: 09:00-18:00
Saturday: 10:00-16:00
Sunday: closed
# Facts
- Parking: free behind the building.
- A cut and blow-dry costs 45 pounds.
- We take cards and cash.
- Cancellations are free up to 24 hours before the appointment.
"""
CONTEXT = "Current local time: Tuesday 24 November 2026, 09:12 (Europe/London)\nCaller number: known"
TEXT = {"type": "string"}
DATE = {**TEXT, "format": "date"}
TIME = {**TEXT, "format": "time"}


def tool(name: str, required: list[str], description: str = "", **properties: dict[str, Any]) -> dict[str, Any]:
    """A function tool as a session has it."""
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "name": name, "description": description, "parameters": parameters}


BOOK = tool(
    "book_appointment", ["customer_name", "date", "time"], customer_name=TEXT, date=DATE, time=TIME, service=TEXT
)
MESSAGE = tool(
    "take_message",
    ["customer_name", "message", "callback_number"],
    customer_name=TEXT,
    message=TEXT,
    callback_number=TEXT,
)
END = tool("end_call", ["reason"], reason=TEXT)
AVAILABLE = tool("check_availability", ["date"], date=DATE)
MOVE = tool(
    "reschedule_appointment",
    ["customer_name", "new_date", "new_time"],
    customer_name=TEXT,
    new_date=DATE,
    new_time=TIME,
)
MOVE_BOTH = tool(
    "reschedule_appointment",
    ["customer_name", "date", "new_date", "new_time"],
    customer_name=TEXT,
    date=DATE,
    time=TIME,
    new_date=DATE,
    new_time=TIME,
)
CANCEL = tool("cancel_appointment", ["customer_name", "date"], customer_name=TEXT, date=DATE)
BYE = "Thank you for calling Harbour Hair. Goodbye. *end_call"
MORE = "Is there anything else I can help you with?"
DONE = {"ok": True, "message": "It is done."}


class Caller:
    """Talks to the agent; tools answer with `results` in order, then with success."""

    def __init__(
        self,
        *tools: dict[str, Any],
        results: list[Any] | None = None,
        instructions: str = INSTRUCTIONS,
        context: str = CONTEXT,
    ) -> None:
        self.tools = tools
        self.results = results or []
        self.instructions = instructions
        self.turns = [Turn("system", context), Turn("assistant", "Thank you for calling. How can I help you?")]
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def say(self, text: str) -> str:
        """All that is answered, tool calls as *name."""
        self.turns.append(Turn("user", text))
        return self._answered()

    def says(self, *texts: str) -> str:
        """Say one thing after the other; the last answer."""
        return [self.say(text) for text in texts][-1]

    def _answered(self) -> str:
        reply = DialogueAgent().decide(Ask(self.instructions, tuple(self.turns), self.tools))
        heard: list[str] = []
        waiting = False
        for output in reply:
            if isinstance(output, Say):
                heard.append(output.text)
                self.turns.append(Turn("assistant", output.text))
            else:
                heard.append(f"*{output.name}")
                waiting = self._call(output) or waiting
        return " ".join([*heard, *([self._answered()] if waiting else [])])

    def _call(self, call: Call) -> bool:
        call_id = f"call_{len(self.calls)}"
        self.calls.append((call.name, json.loads(call.arguments)))
        self.turns.append(Turn("call", call.arguments, call.name, call_id))
        if call.name == "end_call":
            return False
        result = self.results.pop(0) if self.results else DONE
        self.turns.append(Turn("result", result if isinstance(result, str) else json.dumps(result), call_id=call_id))
        return True
