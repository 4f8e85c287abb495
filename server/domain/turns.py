"""What was said in a call, in order, and what of it was heard: for the record, and for a model that must be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.domain import commands as do
from server.domain.playback import Heard, heard_text
from server.domain.session_plan import PastTurn


@dataclass(slots=True)
class Turn:
    """One utterance of either side. Times in milliseconds from the call's start.

    `outside` marks words the model does not know it said; `connection` is the model's connection that knows the item.
    """

    item_id: str
    sequence: int
    speaker: str
    connection: int
    outside: bool = False
    text: str = ""
    whole: bool = False
    started_ms: int | None = None
    latency_ms: int | None = None
    heard: Heard | None = None

    @property
    def heard_text(self) -> str:
        """The words that were heard, as far as is known."""
        if self.heard is None:
            return self.text
        # What never reached the caller was not heard, however little of it there was.
        return heard_text(self.text, self.heard.heard_ms, self.heard.made_ms) if self.heard.heard_ms else ""


@dataclass(slots=True)
class ToolCall:
    """One tool call and, once it is there, its result."""

    call_id: str
    name: str
    arguments: str
    output: str | None = None


class Turns:
    """✅ OWNER: turns' order and text, for one call."""

    def __init__(self, resumed: Iterable[PastTurn] = ()) -> None:
        self.connection = 1
        self._entries: dict[str, Turn | ToolCall] = {}
        self._gone: set[str] = set()
        self._sequence = 0
        for past in resumed:
            turn = Turn(past.item_id, past.sequence, past.speaker, 0, text=past.text, whole=True)
            self._entries[past.item_id] = turn
            self._sequence = max(self._sequence, past.sequence)

    def turn(self, item_id: str, speaker: str, *, outside: bool = False) -> Turn:
        """The turn of an item, which gets its place the first time it is named."""
        turn = self._entries.get(item_id)
        if not isinstance(turn, Turn):
            self._sequence += 1
            turn = Turn(item_id, self._sequence, speaker, self.connection, outside)
            self._entries[item_id] = turn
        return turn

    def known(self, item_id: str) -> Turn | None:
        """The turn of an item that was named before."""
        turn = self._entries.get(item_id)
        return turn if isinstance(turn, Turn) else None

    def new_id(self, kind: str) -> str:
        """An item id of our own, unique in the call."""
        return f"{kind}_{self._sequence + 1}"

    def drop(self, item_id: str) -> None:
        """This was no turn (an echo, a backchannel), and what comes of it later is none either."""
        self._entries.pop(item_id, None)
        self._gone.add(item_id)

    def dropped(self, item_id: str) -> bool:
        """True for an item that was dropped."""
        return item_id in self._gone

    def called(self, call_id: str, name: str, arguments: str) -> None:
        """The model called a tool."""
        self._entries[f"tool:{call_id}"] = ToolCall(call_id, name, arguments)

    def returned(self, call_id: str, output: str) -> None:
        """The tool's result is there."""
        call = self._entries.get(f"tool:{call_id}")
        if isinstance(call, ToolCall):
            call.output = output

    def record(self, turn: Turn) -> do.RecordTurn:
        """A turn as it is stored."""
        heard = turn.heard
        return do.RecordTurn(
            turn.item_id, turn.sequence, turn.speaker, turn.text, turn.started_ms, turn.latency_ms,
            turn.heard_text if heard else None, heard.heard_ms if heard else None,
        )  # fmt: skip

    @property
    def last_caller_words(self) -> str | None:
        """What the caller said last: empty when it is not known, None when they have said nothing."""
        said = [turn.text for turn in self._entries.values() if isinstance(turn, Turn) and turn.speaker == "user"]
        return said[-1] if said else None

    def history(self) -> list[do.ModelCommand]:
        """The conversation so far as a new connection must be told it: words as they were heard, tools, results."""
        told: list[do.ModelCommand] = []
        for entry in self._entries.values():
            if isinstance(entry, ToolCall):
                told.append(do.AddToolCall(entry.call_id, entry.name, entry.arguments))
                if entry.output is not None:
                    told.append(do.ReturnToolOutput(entry.call_id, entry.output))
            elif not entry.outside and entry.heard_text:
                told.append(do.AddMessage(entry.item_id, entry.speaker, entry.heard_text))
        return told
