"""Whatever happens in whatever order: what the session may never want. Regressions 6, 7, 8, 10, 11 and 14."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain import commands as do
from server.domain import events as on
from tests.support.call_script import Call

LAST = on.FunctionCall("end", "end_call", "{}")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "wait", "begin", "speak", "words", "end", "end empty", "end tool", "end call", "end failed", "starts",
                "starts echo", "echo", "stops", "transcript", "yeah", "noise", "tool", "key", "hash", "lost", "no dial",
                "configured", "refused", "strange done", "strange mark", "transfer", "transfer failed", "stopping",
            ]
        ),
        st.integers(0, 4),
    ),
    max_size=60,
)  # fmt: skip


@dataclass
class Wire:
    """What a model server would have to say to what it is told, checked as it comes."""

    open_request: bool = False
    active: str | None = None
    cancelled: set[str] = field(default_factory=set)
    sent_ms: dict[str, int] = field(default_factory=dict)
    ended: bool = False

    def check(self, command: do.Command) -> None:
        if self.ended:
            assert isinstance(command, do.RecordTurn), f"{command} after the end"
        match command:
            case do.CreateResponse():
                assert not self.open_request and self.active is None, "two responses at once"
                self.open_request = True
            case do.CancelResponse():
                assert command.response_id == self.active, "a response was cancelled that is not in progress"
                assert command.response_id not in self.cancelled, "a response was cancelled twice"
                self.cancelled.add(command.response_id)
            case do.Truncate():
                assert 0 <= command.audio_end_ms <= self.sent_ms.get(command.item_id, 0), "cut beyond what was sent"
            case do.Reconnect():
                self.open_request, self.active = False, None
            case do.HangUp():
                self.ended = True


class Story:
    """A call to which anything happens."""

    def __init__(self) -> None:
        self.call = Call()
        self.wire = Wire()
        self._seen = 0
        self._caller = 0
        self._item = 0
        self._speaking: str | None = None
        self._committed: list[str] = []
        self._tools: list[str] = []

    def step(self, what: str, n: int) -> None:
        """One thing happens."""
        getattr(self, "_" + what.replace(" ", "_"))(n)
        for command in self.call.log[self._seen :]:
            if isinstance(command, do.RunTool):
                self._tools.append(command.call_id)
            self.wire.check(command)
        self._seen = len(self.call.log)

    def _wait(self, n: int) -> None:
        self.call.wait((20, 200, 900, 3000, 12_000)[n])

    def _begin(self, n: int) -> None:
        if self.wire.open_request and self.call.session.configured:
            self.wire.open_request = False
            self._item += 1
            self.wire.active = f"r{self.call._number + 1}"
            self.call.begins()

    def _speak(self, n: int) -> None:
        if self.wire.active:
            item = f"a{self._item}"
            self.wire.sent_ms[item] = self.wire.sent_ms.get(item, 0) + 400 * (n + 1)
            self.call.happens(on.ItemAdded(item, "message", "assistant"))
            self.call.speaks(item, 400 * (n + 1), "Some more words? ")

    def _words(self, n: int) -> None:
        self.call.happens(on.TranscriptDone(f"a{self._item}", "All of the words. Are they?"))

    def _finish(self, status: str, *calls: on.FunctionCall) -> None:
        if self.wire.active:
            done, self.wire.active = self.wire.active, None
            status = "cancelled" if done in self.wire.cancelled else status
            self.call.happens(on.ResponseDone(done, status, calls if status == "completed" else ()))

    def _end(self, n: int) -> None:
        self._finish("completed")

    _end_empty = _end

    def _end_failed(self, n: int) -> None:
        self._finish("failed")

    def _end_tool(self, n: int) -> None:
        self._finish("completed", on.FunctionCall(f"t{self._item}", "book", "{}"))

    def _end_call(self, n: int) -> None:
        self._finish("completed", LAST)

    def _transfer(self, n: int) -> None:
        self._finish("completed", on.FunctionCall("x", "transfer_call", "{}"))

    def _transfer_failed(self, n: int) -> None:
        self.call.happens(on.TransferFailed("x", "{}"))

    def _starts(self, n: int, *, echo: bool = False) -> None:
        if self._speaking is None:
            self._caller += 1
            self._speaking = f"u{self._caller}"
            self.call.starts(self._speaking, echo=echo)

    def _starts_echo(self, n: int) -> None:
        self._starts(n, echo=True)

    def _echo(self, n: int) -> None:
        self.call.happens(on.EchoChecked(f"u{self._caller}", n < 3))

    def _stops(self, n: int) -> None:
        if self._speaking is not None:
            item, self._speaking = self._speaking, None
            self._committed.append(item)
            self.call.stops(item)

    def _said(self, text: str) -> None:
        if self._committed:
            self.call.happens(on.CallerTranscript(self._committed.pop(), text))

    def _transcript(self, n: int) -> None:
        self._said("I want to book an appointment")

    def _yeah(self, n: int) -> None:
        self._said("Yeah")

    def _noise(self, n: int) -> None:
        self._said("")

    def _tool(self, n: int) -> None:
        if self._tools:
            self.call.happens(on.ToolFinished(self._tools.pop(), "{}"))

    def _key(self, n: int) -> None:
        self.call.happens(on.Dtmf(str(n)))

    def _hash(self, n: int) -> None:
        self.call.happens(on.Dtmf("#"))

    def _lost(self, n: int) -> None:
        self._speaking, self._committed = None, []
        self.wire.open_request, self.wire.active = False, None
        self.call.happens(on.ModelFailed("connection_closed", "", fatal=True))

    def _no_dial(self, n: int) -> None:
        if not self.call.session.configured:
            self.call.happens(on.ModelFailed("connect_failed", "", fatal=True))

    def _configured(self, n: int) -> None:
        self.call.happens(on.SessionUpdated())

    def _refused(self, n: int) -> None:
        requests = [command for command in self.call.log if isinstance(command, do.CreateResponse)]
        if self.wire.open_request and requests:
            self.wire.open_request = False
            self.call.happens(on.ModelFailed("invalid_value", "", fatal=False, about=requests[-1].key))

    def _strange_done(self, n: int) -> None:
        self.call.happens(on.ResponseDone("nobody's", "completed", (LAST,)))

    def _strange_mark(self, n: int) -> None:
        self.call.happens(on.MarkReturned("never sent"))

    def _stopping(self, n: int) -> None:
        if n == 4:
            self.call.happens(on.ServiceStopping())


@settings(max_examples=400, deadline=None)
@given(STEPS)
def test_one_response_at_a_time_one_cancel_each_no_cut_beyond_the_sent_and_nothing_after_the_end(
    steps: list[tuple[str, int]],
) -> None:
    story = Story()
    for what, n in [("configured", 0), ("begin", 0), ("speak", 1), *steps]:
        story.step(what, n)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_regression_14_every_call_that_is_left_alone_ends(steps: list[tuple[str, int]]) -> None:
    """A caller who has gone quiet, a model that has stopped answering: the line is closed all the same."""
    story = Story()
    for what, n in [("configured", 0), *steps]:
        story.step(what, n)
    story.step("stops", 0)
    for _ in range(40):
        story.step("wait", 4)
    assert story.call.session.ended
