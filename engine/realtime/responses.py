"""The responses of one session: one at a time in the conversation, others beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from engine.realtime.audio_format import FORMATS
from engine.realtime.brain import Ask, Brain, Output, Turn
from engine.realtime.client_items import input_items
from engine.realtime.conversation import Item
from engine.realtime.prefetch import Prefetch
from engine.realtime.protocol import ClientError, Event, optional, unsupported
from engine.realtime.response import ResponseOptions, ResponseRun
from engine.realtime.session_config import Config, refuse_moved, with_change
from engine.realtime.session_fields import RESPONSE
from engine.realtime.state import SessionState
from engine.realtime.transcripts import Transcripts
from engine.speech.bank import Speech
from engine.speech.recognizer import Heard

MOST_BESIDE = 8
_CONFIG_FIELDS = ("output_modalities", "tools", "tool_choice", "max_output_tokens", "audio")


class Responses:
    """✅ OWNER of the active response and of those created with `conversation: "none"`.

    `over` is called when a response of the conversation has ended, with how long it will play (ms): a cancelled one,
    whose client stops playing it, not at all.
    """

    def __init__(
        self,
        state: SessionState,
        speech: Speech,
        brain: Brain,
        transcripts: Transcripts,
        room: Callable[[], Awaitable[None]],
        over: Callable[[int], None],
    ) -> None:
        self._state = state
        self._speech = speech
        self._brain = brain
        self._transcripts = transcripts
        self._room = room
        self._over = over
        self._active: ResponseRun | None = None
        self._beside: dict[str, ResponseRun] = {}
        self._answer_next = False
        self._prefetch = Prefetch(brain, self._warm)
        self.spoke = False

    @property
    def busy(self) -> bool:
        """Whether a response of the conversation is in progress."""
        return self._active is not None

    def create(self, event: Event) -> None:
        """`response.create`. Raises `ClientError`."""
        if self._state.config["type"] == "transcription":
            raise ClientError("invalid_value", "A transcription session creates no responses.", "type")
        given = optional(event, "response", dict) or {}
        refuse_moved(given, "response")
        self._begin({key: value for key, value in RESPONSE(given, "response").items() if value is not None})

    def cancel(self, event: Event) -> None:
        """`response.cancel`: the conversation's response, or the one named. Raises `ClientError`."""
        chosen = optional(event, "response_id", str)
        beside = self._beside.pop(chosen, None) if chosen else None
        if beside is not None:
            beside.cancel("client_cancelled")
        elif self._active is not None and chosen in (None, self._active.id):
            self._cancel_active("client_cancelled")
            self._answer_waiting()
        else:
            raise ClientError("response_cancel_not_active", "Cancellation failed: no active response found.")

    def interrupt(self) -> None:
        """The caller speaks: stop talking to them (responses beside the conversation go on)."""
        self._answer_next = False
        self._cancel_active("turn_detected")

    def answer(self) -> None:
        """Respond to a committed turn: now, or when a response that may not be interrupted has ended."""
        if self._active is None:
            self._begin({})
        else:
            self._answer_next = True

    def foresee(self, hearing: asyncio.Task[Heard]) -> None:
        """The caller's turn is likely over: begin with the reply to its words."""
        config, items = self._state.config, list(self._state.conversation.items)
        settled = all(item.pending is None or item.pending.done() for item in items)
        if self._active is None and settled and config["type"] == "realtime":
            before = tuple(_turn_of(item) for item in items)
            self._prefetch.begin(hearing, lambda words: _ask(config, (*before, Turn("user", words)), None))

    def forget(self) -> None:
        """The caller went on: what was begun is of no use."""
        self._prefetch.drop()

    def close(self) -> None:
        """End them all: the session is over."""
        self._prefetch.drop()
        for run in (self._active, *self._beside.values()):
            if run is not None:
                run.cancel("client_cancelled")

    # -- what a response needs (`Outlet`) ---------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Send one event."""
        self._state.emit(event)

    async def room(self) -> None:
        """Wait while the client is behind in reading."""
        await self._room()

    def keep(self, item: Item) -> str | None:
        """Add a response's item to the conversation."""
        return self._state.conversation.add(item)

    async def say(self, sentence: str, speed: float) -> bytes:
        """One sentence as 16-bit PCM at 24 kHz."""
        self.spoke = True
        return await self._speech.say(sentence, speed)

    async def _warm(self, sentence: str) -> None:
        if self._state.config["output_modalities"] == ["audio"]:
            await self._speech.say(sentence, float(self._state.config["audio"]["output"].get("speed") or 1.0))

    # -- the work ---------------------------------------------------------------------------------------------------

    def _begin(self, asked: Config) -> None:
        inside = self._goes_inside(asked)
        change = {key: asked[key] for key in _CONFIG_FIELDS if key in asked}
        config = self._state.config
        if change:
            config = with_change(config, _without_nulls(change), voice_frozen=self.spoke, root="response")
        _check_choice(config)
        items = self._items(asked)
        conversation_id = self._state.conversation.id if inside else None
        options = ResponseOptions(
            config["output_modalities"],
            config["audio"]["output"],
            config["max_output_tokens"],
            asked.get("metadata"),
            inside,
            conversation_id,
        )
        run = ResponseRun(self, options)
        if inside:
            self._active, self._answer_next = run, False
        else:
            self._beside[run.id] = run
        run.start(lambda run: self._think(run, items, config, asked.get("instructions")), self._ended)

    def _goes_inside(self, asked: Config) -> bool:
        """Whether the response belongs to the conversation. Raises when there is no room for it."""
        chosen = asked.get("conversation", "auto")
        if chosen not in ("auto", "none", self._state.conversation.id):
            raise unsupported("response.conversation", chosen, ["auto", "none"])
        if chosen == "none":
            if len(self._beside) >= MOST_BESIDE:
                message = (
                    f"{MOST_BESIDE} responses beside the conversation are in progress: wait until one is finished."
                )
                raise ClientError("too_many_responses", message)
            return False
        if self._active is not None:
            raise ClientError(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self._active.id}. "
                "Wait until the response is finished before creating a new one.",
            )
        return True

    def _items(self, asked: Config) -> list[Item]:
        conversation = self._state.conversation
        if "input" not in asked:
            return list(conversation.items)
        wire = FORMATS[self._state.config["audio"]["input"]["format"]["type"]]
        items = input_items(asked["input"], conversation, wire)
        for item in items:
            if item.pending is None:
                self._transcripts.hear_parts(item, announced=False)
        return items

    async def _think(
        self, run: ResponseRun, items: list[Item], config: Config, once: str | None
    ) -> AsyncGenerator[Output, None]:
        """The reply as it comes, once the caller's words are known."""
        await self._transcripts.settled(items)
        turns = tuple(_turn_of(item) for item in items)
        run.input_audio_ms = sum(item.audio_ms or 0 for item in items if item.wire.get("role") == "user")
        run.input_text = config["instructions"] + "".join(turn.text for turn in turns if turn.role != "user")
        ask = _ask(config, turns, once)
        return self._prefetch.take(ask) or self._brain.reply(ask)

    def _cancel_active(self, reason: str) -> None:
        run, self._active = self._active, None
        if run is not None:
            run.cancel(reason)
            self._over(0)

    def _ended(self, run: ResponseRun) -> None:
        self._beside.pop(run.id, None)
        if run is not self._active:
            return
        self._active = None
        self._over(run.audio_ms)
        self._answer_waiting()

    def _answer_waiting(self) -> None:
        if self._answer_next:
            self._begin({})


def _check_choice(config: Config) -> None:
    choice = config["tool_choice"]
    if isinstance(choice, dict) and choice["name"] not in [tool["name"] for tool in config["tools"]]:
        message = f"Tool choice '{choice['name'][:80]}' not found in 'tools' parameter."
        raise ClientError("invalid_value", message, "response.tool_choice")


def _without_nulls(change: Config) -> Config:
    """A response's `null` means "as in the session", at every level of its audio."""
    audio: dict[str, Any] = (change.get("audio") or {}).get("output") or {}
    given = {key: value for key, value in audio.items() if value is not None}
    return {**change, "audio": {"output": given}} if "audio" in change else change


def _ask(config: Config, turns: tuple[Turn, ...], once: str | None) -> Ask:
    return Ask(config["instructions"], turns, tuple(config["tools"]), config["tool_choice"], once)


def _turn_of(item: Item) -> Turn:
    wire = item.wire
    if wire["type"] == "message":
        return Turn(wire["role"], item.text())
    if wire["type"] == "function_call":
        return Turn("call", wire["arguments"], wire["name"], wire["call_id"])
    return Turn("result", wire["output"], call_id=wire["call_id"])
