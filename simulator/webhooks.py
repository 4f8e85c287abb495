"""Requests from "Twilio" to the server: signed, sent through the tunnel, retried by the URL's own rules, reported."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from simulator.clock import Clock
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.places import BadUrl, Places
from simulator.report import WebhookFacts
from simulator.signing import Signer

TIMEOUT_S = 15.0
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer; `status` 0 and an `error` in words when there was none."""

    status: int
    body: bytes = b""
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the server took it."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class RetryRules:
    """The fragment of a webhook URL (`#rc=3&rp=all`). Without one, only a failed connection is tried once more."""

    count: int = 1
    on: frozenset[str] = frozenset({"ct"})

    @staticmethod
    def of(url: str) -> RetryRules:
        """Read the rules. Unknown or broken ones count as not given."""
        pairs = dict(parse_qsl(urlsplit(url).fragment))
        count = pairs.get("rc", "1")
        on = frozenset(pairs.get("rp", "ct").split(","))
        return RetryRules(min(5, int(count)) if count.isdigit() else 1, on)

    def again(self, answer: Answer) -> bool:
        """Whether this answer is one to retry after."""
        if answer.status == 0:
            wanted = {"ct", "all"} if answer.error and answer.error.startswith("no connection") else {"rt", "all"}
        elif 400 <= answer.status < 500:
            wanted = {"4xx", "all"}
        elif answer.status >= 500:
            wanted = {"5xx", "all"}
        else:
            return False
        return bool(wanted & self.on)


@dataclass(frozen=True, slots=True)
class _Prepared:
    kind: str
    method: str
    public: str
    dial: str
    params: dict[str, str]
    headers: dict[str, str]
    rules: RetryRules


def new_http_client() -> httpx.AsyncClient:
    """The client for webhooks; the environment's proxies do not apply between Twilio and a server."""
    return httpx.AsyncClient(timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S), trust_env=False)


class Courier:
    """Sends one call's webhooks.

    ✅ OWNER: signatures, idempotency tokens (the same on a retry and on a duplicate), and the callbacks' order.
    """

    def __init__(
        self, signer: Signer, places: Places, journal: Journal, http: httpx.AsyncClient, clock: Clock, faults: Faults
    ) -> None:
        self._signer, self._places, self._journal = signer, places, journal
        self._http, self._clock, self._faults = http, clock, faults
        self._queue: asyncio.Queue[_Prepared] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._delayed: set[asyncio.Task[Answer]] = set()
        self._held: dict[str, list[_Prepared]] = {}

    async def ask(self, kind: str, url: str, params: Mapping[str, str], method: str = "POST") -> Answer:
        """Send a webhook whose answer matters (TwiML) and wait for it."""
        try:
            prepared = self._prepare(kind, url, params, method)
        except BadUrl as problem:
            return Answer(0, error=str(problem))
        times = self._faults.webhook_times(kind)
        if len(times) == 1:
            return await self._deliver(prepared)
        return await self._repeat(prepared, times)

    async def _repeat(self, prepared: _Prepared, times: Sequence[float]) -> Answer:
        """Send one webhook several times; the last of the copies is the one that counts."""
        answers = await asyncio.gather(*(self._deliver_after(prepared, delay) for delay in times))
        if len({answer.body for answer in answers if answer.ok}) > 1:
            self._journal.warn(f"the {prepared.kind} webhook got different answers to one idempotency token")
        return answers[-1]

    def tell(self, kind: str, url: str, params: Mapping[str, str], method: str = "POST") -> None:
        """Send a callback in the background, behind those sent before it unless a fault says otherwise."""
        try:
            prepared = self._prepare(kind, url, params, method)
        except BadUrl as problem:
            self._journal.warn(f"the {kind} callback was not sent: {problem}")
            return
        delays = self._faults.callback_delays(kind, dict(params))
        if self._faults.holds_callback(kind, dict(params)):
            self._held.setdefault(kind, []).extend([prepared] * len(delays))
            return
        for delay in delays:
            self._send_after(prepared, delay)
        for held in self._held.pop(kind, []):
            self._send_after(held, max(delays, default=0.0))

    def _send_after(self, prepared: _Prepared, delay: float) -> None:
        if delay <= 0:
            self._enqueue(prepared)
        else:
            self._later(prepared, delay)

    async def drain(self) -> None:
        """Return when every callback was delivered or given up; those held back are sent now."""
        while self._delayed:
            await asyncio.gather(*self._delayed)
        for held in [prepared for kind in list(self._held) for prepared in self._held.pop(kind)]:
            self._enqueue(held)
        await self._queue.join()

    async def close(self) -> None:
        """Stop sending."""
        tasks = [task for task in (self._worker, *self._delayed) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _enqueue(self, prepared: _Prepared) -> None:
        self._queue.put_nowait(prepared)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            prepared = await self._queue.get()
            try:
                await self._deliver(prepared)
            finally:
                self._queue.task_done()

    def _later(self, prepared: _Prepared, delay: float) -> None:
        task = asyncio.create_task(self._deliver_after(prepared, delay))
        self._delayed.add(task)
        task.add_done_callback(self._delayed.discard)

    async def _deliver_after(self, prepared: _Prepared, delay: float) -> Answer:
        if delay > 0:
            await self._clock.sleep_until(self._clock.now() + delay)
        return await self._deliver(prepared)

    def _prepare(self, kind: str, url: str, params: Mapping[str, str], method: str) -> _Prepared:
        form = dict(params)
        if method == "GET" and form:
            bare, _, fragment = url.partition("#")
            url = f"{bare}{'&' if '?' in bare else '?'}{urlencode(form)}" + (f"#{fragment}" if fragment else "")
            form = {}
        target = self._places.target(url)
        headers = self._signer.webhook_headers(target.public, form) | target.headers
        return _Prepared(kind, method, target.public, target.dial, form, headers, RetryRules.of(url))

    async def _deliver(self, prepared: _Prepared) -> Answer:
        attempt = 1
        while True:
            answer = await self._attempt(prepared, attempt)
            if attempt > prepared.rules.count or not prepared.rules.again(answer):
                return answer
            attempt += 1

    async def _attempt(self, prepared: _Prepared, attempt: int) -> Answer:
        at_ms, began = self._journal.now_ms(), time.monotonic()
        answer = await self._send(prepared)
        facts = WebhookFacts(
            at_ms=at_ms,
            kind=prepared.kind,
            url=prepared.public,
            status=answer.status,
            ms=round((time.monotonic() - began) * 1000),
            attempt=attempt,
            error=answer.error,
        )
        self._journal.report.webhooks.append(facts)
        self._journal.note(
            "webhook", name=prepared.kind, url=prepared.public, status=answer.status, ms=facts.ms, error=answer.error,
            call_status=prepared.params.get("CallStatus"), recording_status=prepared.params.get("RecordingStatus"),
        )  # fmt: skip
        return answer

    async def _send(self, prepared: _Prepared) -> Answer:
        try:
            data = prepared.params if prepared.method == "POST" else None
            response = await self._http.request(prepared.method, prepared.dial, data=data, headers=prepared.headers)
            return Answer(response.status_code, response.content)
        except httpx.ConnectError:
            return Answer(0, error=f"no connection to {prepared.dial}; is the server running there?")
        except httpx.ConnectTimeout:
            return Answer(0, error=f"no connection to {prepared.dial} within {CONNECT_TIMEOUT_S:.0f} s")
        except httpx.TimeoutException:
            return Answer(0, error=f"no answer from {prepared.dial} within {TIMEOUT_S:.0f} s")
        except httpx.HTTPError as problem:
            return Answer(0, error=f"{type(problem).__name__} from {prepared.dial}: {problem}")
