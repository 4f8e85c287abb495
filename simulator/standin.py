"""The stand-in for Twilio: one account's REST API on a port, and calls placed on it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import uvicorn

from simulator.account import Account, OutboundRequest
from simulator.answerers import RINGS, detection
from simulator.colleagues import Colleague
from simulator.equipment import Entry, LegPlan
from simulator.fault_provider import CallsThrottled
from simulator.fault_set import FaultSet
from simulator.faults import Faults
from simulator.ids import new_sid
from simulator.place import CallInHand, Placement, inbound, prepared
from simulator.plan import CallPlan
from simulator.records import CallRecord, NumberRecord, RecordingRequest
from simulator.report import CallReport, OnEvent
from simulator.rest import rest_app
from simulator.webhooks import new_http_client

_log = logging.getLogger(__name__)
FETCH_WAIT_S = 30.0
KEPT_CALLS = 200
OUTBOUND_TIMEOUT_S = 60.0
Callee = Callable[[OutboundRequest], CallPlan]


class PortInUse(OSError):
    """The stand-in's port is taken; the message says what to do."""


class _Server(uvicorn.Server):
    """Uvicorn inside our own event loop; signals stay with whoever owns the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Standin:
    """Twilio, as far as one account sees it. Several calls may run at the same time.

    `callee` decides how the person called by `calls.create(...)` behaves; without one outbound calls are refused.
    `colleagues` are there for every call, beside those of its plan.
    Point the Twilio SDK here with `client.api.base_url = standin.base_url`.
    """

    def __init__(
        self, account: Account, callee: Callee | None = None, on_event: OnEvent | None = None,
        colleagues: Sequence[Colleague] = (),
    ) -> None:  # fmt: skip
        self.account = account
        self.colleagues = list(colleagues)
        self.kept_calls = KEPT_CALLS
        self._callee, self._on_event = callee, on_event
        self._http = new_http_client()
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._outbound: set[asyncio.Task[None]] = set()
        self._hands: dict[str, CallInHand] = {}
        self._ended = asyncio.Condition()
        if callee is not None:
            account.dial = self._dial

    @classmethod
    async def start(
        cls, *, account_sid: str, auth_token: str, host: str = "127.0.0.1", port: int = 0,
        callee: Callee | None = None, faults: Faults | None = None, on_event: OnEvent | None = None,
        colleagues: Sequence[Colleague] = (), calls_per_second: float | None = None,
    ) -> Standin:  # fmt: skip
        """Listen on `host:port` (0: any free port). `calls_per_second` refuses outbound calls beyond that (wall time)
        with 429. Raises `PortInUse`."""
        listener = _listen(host, port)
        account = Account(account_sid, auth_token, faults=faults or Faults())
        if calls_per_second is not None:
            account.faults = FaultSet([account.faults, CallsThrottled(per_second=calls_per_second)])
        account.base_url = f"http://{host}:{listener.getsockname()[1]}"
        standin = cls(account, callee, on_event, colleagues)
        await standin._serve(listener)
        return standin

    @property
    def base_url(self) -> str:
        """Where the REST API is: `http://host:port`."""
        return self.account.base_url

    async def _serve(self, listener: socket.socket) -> None:
        config = uvicorn.Config(rest_app(self.account), log_config=None, access_log=False, lifespan="off")
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Stop serving; calls under way are cut off."""
        for task in self._outbound:
            task.cancel()
        await asyncio.gather(*self._outbound, return_exceptions=True)
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
        await self._http.aclose()

    def add_number(self, phone_number: str) -> NumberRecord:
        """Give the account a phone number, for `IncomingPhoneNumbers`."""
        number = NumberRecord(new_sid("PN"), self.account.sid, phone_number)
        self.account.numbers[number.sid] = number
        return number

    async def place_call(self, plan: CallPlan, on_event: OnEvent | None = None) -> CallReport:
        """Call the server as a person from outside would, and return what happened. Raises `PlanError`, `BadUrl`."""
        plan = self._with_colleagues(plan)
        script = await prepared(plan)
        record, entry = inbound(plan, self.account)
        leg = LegPlan(plan.faults.ring_result(), plan.ring_s, time_limit_s=plan.time_limit_s)
        placement = Placement(record, entry, script, leg)
        self.account.line_faults[record.sid] = plan.faults
        hand = CallInHand(plan, self.account, self._http, placement, on_event or self._on_event)
        report = await self._run(hand)
        await self._wait_for_fetch(plan, hand)
        return report

    def _with_colleagues(self, plan: CallPlan) -> CallPlan:
        return replace(plan, colleagues=(*self.colleagues, *plan.colleagues))

    def hang_up(self, call_sid: str) -> None:
        """The caller (or callee) of a call under way hangs up now. Raises `KeyError`."""
        self._hands[call_sid].leg.hang_up("caller")

    def press(self, call_sid: str, keys: str) -> None:
        """The caller (or callee) of a call under way presses keys now. Raises `KeyError`."""
        self._hands[call_sid].line.press(keys)

    async def _wait_for_fetch(self, plan: CallPlan, hand: CallInHand) -> None:
        """Keep serving until the server has fetched the recording that it started."""
        limit = plan.wait_recording_s
        if limit is None:
            limit = FETCH_WAIT_S if hand.server_records else 0.0
        if limit <= 0 or not hand.recordings_pending:
            return
        if not await self.recording_fetched(hand.leg.record.sid, limit):
            hand.warn(f"the server has not fetched the recording within {limit:.0f} s")
        hand.refresh()

    def tapes(self, call_sid: str) -> tuple[bytes, bytes]:
        """Both sides of a call or of a leg dialled in one, as heard: caller (or colleague) and agent, μ-law, equally
        long. Raises `KeyError`."""
        line = self._hands[call_sid].line if call_sid in self._hands else self.account.live[call_sid].line
        return bytes(line.caller_tape), bytes(line.agent_tape)

    async def recording_fetched(self, call_sid: str, timeout_s: float | None = None) -> bool:
        """Wait until somebody has downloaded a recording of this call. False when `timeout_s` (wall) passed first."""

        def done() -> bool:
            return any(record.fetched.is_set() for record in self.account.recordings_of(call_sid))

        try:
            async with asyncio.timeout(timeout_s), self.account.on_fetch:
                await self.account.on_fetch.wait_for(done)
        except TimeoutError:
            return False
        if call_sid in self._hands:
            self._hands[call_sid].refresh()
        return True

    async def finished(self, call_sid: str) -> CallReport:
        """The report of a call, once it has ended; for outbound calls, which run in the background."""
        async with self._ended:
            await self._ended.wait_for(lambda: call_sid in self._hands and self._hands[call_sid].over)
        return self._hands[call_sid].report

    async def _run(self, hand: CallInHand) -> CallReport:
        self._hands[hand.leg.record.sid] = hand
        report = await hand.run()
        async with self._ended:
            self._ended.notify_all()
        self._forget_old()
        return report

    def _forget_old(self) -> None:
        """Let go of the oldest calls: a tape grows by a megabyte a minute, and a stand-in may run for days."""
        for sid in list(self._hands)[: -self.kept_calls]:
            if self.account.calls[sid].final:
                del self._hands[sid], self.account.line_faults[sid]
                self._forget_legs(sid)

    def _forget_legs(self, sid: str) -> None:
        """Let go of the tapes and recordings of a call and of the legs that it dialled; the records stay."""
        legs = [leg.sid for leg in self.account.calls.values() if leg.parent_sid == sid]
        for gone in (sid, *legs):
            self.account.live.pop(gone, None)
            for recording in self.account.recordings_of(gone):
                del self.account.recordings[recording.sid]

    def _dial(self, request: OutboundRequest) -> CallRecord:
        """Place an outbound call, in the background, as the REST API asked."""
        assert self._callee is not None
        params = request.params
        plan = replace(self._callee(request), to=params["To"], from_=params["From"])
        plan = replace(plan, time_limit_s=float(params.get("TimeLimit") or plan.time_limit_s))
        record = CallRecord(new_sid("CA"), self.account.sid, params["From"], params["To"], "outbound-api")
        self.account.calls[record.sid] = record
        self.account.line_faults[record.sid] = plan.faults
        task = asyncio.create_task(self._try_outbound(self._with_colleagues(plan), record, request))
        self._outbound.add(task)
        task.add_done_callback(self._outbound.discard)
        return record

    async def _try_outbound(self, plan: CallPlan, record: CallRecord, request: OutboundRequest) -> None:
        try:
            await self._run_outbound(plan, record, request)
        except Exception:  # noqa: BLE001  the edge of a background call: one that breaks must not end the stand-in
            record.status = "failed"
            _log.exception("outbound call %s broke off", record.sid)

    async def _run_outbound(self, plan: CallPlan, record: CallRecord, request: OutboundRequest) -> None:
        params = request.params
        entry = Entry(
            params.get("Url", ""), params.get("Twiml", ""), params.get("Method", "POST").upper(),
            params.get("StatusCallback", ""), params.get("StatusCallbackMethod", "POST").upper(),
            request.status_events,
        )  # fmt: skip
        script = await prepared(plan, outbound=True)
        result = plan.faults.ring_result()
        if result == "answered" and plan.answerer in RINGS:
            result = plan.answerer
        leg = LegPlan(
            result, plan.ring_s, float(params.get("Timeout") or OUTBOUND_TIMEOUT_S), plan.time_limit_s,
            detection(params, script.answerer),
        )  # fmt: skip
        placement = Placement(record, entry, script, leg, _recording_of(request))
        hand = CallInHand(plan, self.account, self._http, placement, self._on_event)
        await self._run(hand)


def _recording_of(request: OutboundRequest) -> RecordingRequest | None:
    """The recording that `calls.create(record=True)` asks for."""
    params = request.params
    if params.get("Record", "").lower() != "true":
        return None
    return RecordingRequest(
        "OutboundAPI", 2 if params.get("RecordingChannels") == "dual" else 1,
        params.get("RecordingTrack", "both"), params.get("RecordingStatusCallback", ""),
        params.get("RecordingStatusCallbackMethod", "POST").upper(), request.recording_events,
    )  # fmt: skip


async def place_call(plan: CallPlan, *, standin: Standin, on_event: OnEvent | None = None) -> CallReport:
    """Call the server on a stand-in, and return what happened."""
    return await standin.place_call(plan, on_event)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        raise PortInUse(
            f"the Twilio stand-in cannot listen on {host}:{port} ({problem.strerror}); stop what uses that "
            "port, or give another one with --api-port and the same one to the server in TWILIO_API_BASE"
        ) from problem
    return listener
