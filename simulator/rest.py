"""Twilio's REST API, as much of it as a voice server uses, in Twilio's own shapes (API version 2010-04-01)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.account import Account, LiveCall, OutboundRequest
from simulator.call_filter import BadDate, wanted
from simulator.ids import new_sid
from simulator.records import CallRecord, MessageRecord, RecordingRecord, RecordingRequest
from simulator.report import RestFacts

CREATE_WAIT_S = 10.0
_PREFIX = "/2010-04-01/Accounts/{account}"


class RestError(Exception):
    """An error in Twilio's form: HTTP status, Twilio's code, and a message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> JSONResponse:
        """The error as Twilio answers it."""
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        body = {"code": self.code, "message": self.message, "more_info": more, "status": self.status}
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if self.status == 401 else None
        return JSONResponse(body, self.status, headers)


@dataclass(slots=True)
class Ask:
    """One REST call being served."""

    request: Request
    form: FormData
    call_sid: str = ""

    def param(self, name: str, default: str = "") -> str:
        """One form parameter."""
        value = self.form.get(name)
        return value if isinstance(value, str) else default

    def many(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A parameter that the SDK repeats, or that holds several words."""
        words = [word for value in self.form.getlist(name) if isinstance(value, str) for word in value.split()]
        return tuple(words) or default

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])


Answer = Callable[[Ask], Awaitable[Response]]


def rest_app(account: Account) -> Starlette:
    """The stand-in's HTTP application."""
    api = _Api(account)
    calls, recordings = f"{_PREFIX}/Calls", f"{_PREFIX}/Recordings"
    return Starlette(
        routes=[
            api.route(f"{calls}.json", "POST", api.create_call),
            api.route(f"{calls}.json", "GET", api.list_calls),
            api.route(calls + "/{call}.json", "GET", api.fetch_call),
            api.route(calls + "/{call}.json", "POST", api.update_call),
            api.route(calls + "/{call}/Recordings.json", "POST", api.start_recording),
            api.route(calls + "/{call}/Recordings.json", "GET", api.list_recordings),
            api.route(calls + "/{call}/Recordings/{recording}.json", "GET", api.fetch_recording),
            api.route(calls + "/{call}/Recordings/{recording}.json", "POST", api.update_recording),
            api.route(recordings + ".json", "GET", api.list_recordings),
            api.route(recordings + "/{recording}.json", "GET", api.fetch_recording),
            api.route(recordings + "/{recording}.json", "DELETE", api.delete_recording),
            api.route(recordings + "/{recording}.{format}", "GET", api.media),
            api.route(recordings + "/{recording}", "GET", api.media),
            api.route(f"{_PREFIX}/IncomingPhoneNumbers.json", "GET", api.list_numbers),
            api.route(_PREFIX + "/IncomingPhoneNumbers/{number}.json", "GET", api.fetch_number),
            api.route(_PREFIX + "/IncomingPhoneNumbers/{number}.json", "POST", api.update_number),
            api.route(f"{_PREFIX}/Messages.json", "POST", api.create_message),
            api.route(f"{_PREFIX}/Messages.json", "GET", api.list_messages),
            api.route(_PREFIX + "/Messages/{message}.json", "GET", api.fetch_message),
            api.route("/{rest:path}", "GET", api.nothing),
            api.route("/{rest:path}", "POST", api.nothing),
            api.route("/{rest:path}", "DELETE", api.nothing),
        ]
    )


class _Api:
    """The handlers. Each names the call it is about in `ask.call_sid`, for that call's report."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def route(self, path: str, method: str, answer: Answer) -> Route:
        """A route that checks the credentials, asks the faults, and records the call."""

        async def endpoint(request: Request) -> Response:
            form = await request.form()
            ask = Ask(request, form)
            try:
                self._authorize(request)
                self._fail_by_fault(method, request)
                response = await answer(ask)
            except RestError as problem:
                response = problem.response()
            self._record(ask, response.status_code)
            return response

        return Route(path, endpoint, methods=[method])

    def _fail_by_fault(self, method: str, request: Request) -> None:
        for faults in self._account.faults_for(str(request.path_params.get("call", ""))):
            if failure := faults.rest_failure(method, request.url.path):
                raise RestError(failure.status, failure.code, failure.message)

    def _authorize(self, request: Request) -> None:
        expected = base64.b64encode(f"{self._account.sid}:{self._account.auth_token}".encode()).decode()
        if not hmac.compare_digest(request.headers.get("authorization", ""), f"Basic {expected}"):
            raise RestError(401, 20003, "Authenticate")
        wanted = request.path_params.get("account", self._account.sid)
        if wanted != self._account.sid:
            raise RestError(404, 20404, f"The requested resource {request.url.path} was not found")

    def _record(self, ask: Ask, status: int) -> None:
        request = ask.request
        params: dict[str, str] = dict(request.query_params.items())
        for key in ask.form:
            params[key] = " ".join(str(value) for value in ask.form.getlist(key))
        sid = ask.call_sid or str(request.path_params.get("call", ""))
        self._account.note_rest(request.method, request.url.path, params, status, sid)
        live = self._account.live.get(sid)
        if live is not None:
            facts = RestFacts(live.journal.now_ms(), request.method, request.url.path, params, status)
            live.journal.report.rest_calls.append(facts)
            live.journal.note("rest", method=request.method, path=request.url.path, status=status)

    # Calls.

    async def create_call(self, ask: Ask) -> Response:
        for name, code in (("To", 21201), ("From", 21213)):
            if not ask.param(name):
                raise RestError(400, code, f"No '{name}' number is specified")
        if not (ask.param("Url") or ask.param("Twiml") or ask.param("ApplicationSid")):
            raise RestError(400, 21205, "Url parameter is required.")
        if self._account.dial is None:
            raise RestError(400, 21216, "This stand-in places no outbound calls")
        params = {key: ask.param(key) for key in ask.form}
        record = self._account.dial(
            OutboundRequest(
                params,
                ask.many("StatusCallbackEvent", ("completed",)),
                ask.many("RecordingStatusCallbackEvent", ("completed",)),
            )
        )
        ask.call_sid = record.sid
        if any(faults.create_waits_for_stream() for faults in self._account.faults_for(record.sid)):
            await self._stream_opened(record)
        return JSONResponse(record.as_json(), 201)

    async def _stream_opened(self, record: CallRecord) -> None:
        """Return when the call's media stream is connected, the call is over, or it takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CREATE_WAIT_S):
                while (live := self._account.live.get(record.sid)) is None:
                    await asyncio.sleep(0.01)
                while not (live.connected.is_set() or live.over.is_set()):
                    await asyncio.sleep(0.01)

    async def list_calls(self, ask: Ask) -> Response:
        """Newest first, as Twilio lists them."""
        query = ask.request.query_params
        try:
            rows = [call.as_json() for call in reversed(self._account.calls.values()) if wanted(call, query)]
        except BadDate as problem:
            raise RestError(400, 20001, str(problem)) from problem
        return _page(ask, "calls", rows)

    async def fetch_call(self, ask: Ask) -> Response:
        return JSONResponse(self._call(ask).as_json())

    async def update_call(self, ask: Ask) -> Response:
        record = self._call(ask)
        live = self._in_progress(ask, record, "Call is not in-progress. Cannot redirect.")
        status = ask.param("Status")
        if status == "completed" or (status == "canceled" and record.status != "in-progress"):
            live.hang_up("REST API")
        elif status == "canceled":
            pass  # Twilio: "canceled" leaves a call that is in progress alone.
        elif ask.param("Twiml") or ask.param("Url"):
            if record.status != "in-progress":
                raise RestError(400, 21220, "Call is not in-progress. Cannot redirect.")
            live.redirect(url=ask.param("Url"), twiml=ask.param("Twiml"), method=ask.param("Method", "POST"))
        elif status:
            raise RestError(400, 21220, f"Invalid call status {status!r}; use completed or canceled")
        return JSONResponse(record.as_json())

    def _call(self, ask: Ask) -> CallRecord:
        record = self._account.calls.get(ask.path("call"))
        if record is None:
            raise _not_found(ask)
        return record

    def _in_progress(self, ask: Ask, record: CallRecord, message: str) -> LiveCall:
        live = self._account.live.get(record.sid)
        if live is None or record.final:
            raise RestError(400, 21220, message)
        return live

    # Recordings.

    async def start_recording(self, ask: Ask) -> Response:
        record = self._call(ask)
        message = "Requested resource is not eligible for recording"
        live = self._in_progress(ask, record, message)
        if record.status != "in-progress":
            raise RestError(400, 21220, f"{message}: the call is {record.status}")
        channels = 2 if ask.param("RecordingChannels") == "dual" else 1
        request = RecordingRequest(
            "StartCallRecordingAPI",
            channels if ask.param("RecordingTrack", "both") == "both" else 1,
            ask.param("RecordingTrack", "both"),
            ask.param("RecordingStatusCallback"),
            ask.param("RecordingStatusCallbackMethod", "POST").upper(),
            ask.many("RecordingStatusCallbackEvent", ("completed",)),
        )
        return JSONResponse(live.start_recording(request).as_json(self._account.base_url), 201)

    async def list_recordings(self, ask: Ask) -> Response:
        sid = ask.request.path_params.get("call") or ask.request.query_params.get("CallSid")
        rows = [
            record.as_json(self._account.base_url)
            for record in self._account.recordings.values()
            if sid in (None, record.call_sid)
        ]
        return _page(ask, "recordings", rows)

    async def fetch_recording(self, ask: Ask) -> Response:
        return JSONResponse(self._recording(ask).as_json(self._account.base_url))

    async def update_recording(self, ask: Ask) -> Response:
        record = self._recording(ask)
        live = self._account.live.get(record.call_sid)
        if ask.param("Status") != "stopped":
            raise RestError(400, 20001, "This stand-in can stop a recording, not pause it")
        if live is not None:
            live.stop_recording(record)
        return JSONResponse(record.as_json(self._account.base_url))

    async def delete_recording(self, ask: Ask) -> Response:
        del self._account.recordings[self._recording(ask).sid]
        return Response(status_code=204)

    async def media(self, ask: Ask) -> Response:
        """The WAV: `RequestedChannels=2` gives both sides apart (400 for a mono recording), else they are mixed."""
        record = self._recording(ask)
        record.downloads += 1
        channels = ask.request.query_params.get("RequestedChannels", "1")
        if channels not in ("1", "2"):
            raise RestError(400, 20001, f"RequestedChannels is {channels!r}; use 1 or 2")
        for faults in self._account.faults_for(record.call_sid):
            if failure := faults.recording_failure(record.downloads, int(channels)):
                raise RestError(failure.status, failure.code, failure.message)
        if record.status != "completed":
            raise _not_found(ask)
        if ask.request.path_params.get("format", "wav") != "wav":
            raise RestError(406, 20406, "This stand-in keeps recordings as WAV only; ask for .wav")
        if channels == "2" and record.request.channels != 2:
            raise RestError(400, 21649, "The recording has one channel; ask with RequestedChannels=1")
        await self._fetched(record)
        return Response(record.wav(int(channels)), media_type="audio/x-wav")

    async def _fetched(self, record: RecordingRecord) -> None:
        record.fetched.set()
        live = self._account.live.get(record.call_sid)
        if live is not None:
            live.journal.note("recording_fetched", sid=record.sid)
        async with self._account.on_fetch:
            self._account.on_fetch.notify_all()

    def _recording(self, ask: Ask) -> RecordingRecord:
        record = self._account.recordings.get(ask.path("recording"))
        if record is None:
            raise _not_found(ask)
        ask.call_sid = record.call_sid
        return record

    # Numbers and messages.

    async def list_numbers(self, ask: Ask) -> Response:
        number = ask.request.query_params.get("PhoneNumber")
        rows = [row.as_json() for row in self._account.numbers.values() if number in (None, row.phone_number)]
        return _page(ask, "incoming_phone_numbers", rows)

    async def fetch_number(self, ask: Ask) -> Response:
        number = self._account.numbers.get(ask.path("number"))
        if number is None:
            raise _not_found(ask)
        return JSONResponse(number.as_json())

    async def update_number(self, ask: Ask) -> Response:
        number = self._account.numbers.get(ask.path("number"))
        if number is None:
            raise _not_found(ask)
        number.settings |= {_snake(key): ask.param(key) for key in ask.form}
        return JSONResponse(number.as_json())

    async def create_message(self, ask: Ask) -> Response:
        if not ask.param("To"):
            raise RestError(400, 21604, "A 'To' phone number is required.")
        if not (ask.param("Body") or ask.param("ContentSid") or ask.param("MediaUrl")):
            raise RestError(400, 21602, "Message body is required.")
        message = MessageRecord(new_sid("SM"), self._account.sid, {key: ask.param(key) for key in ask.form})
        self._account.messages[message.sid] = message
        return JSONResponse(message.as_json(), 201)

    async def list_messages(self, ask: Ask) -> Response:
        return _page(ask, "messages", [row.as_json() for row in self._account.messages.values()])

    async def fetch_message(self, ask: Ask) -> Response:
        message = self._account.messages.get(ask.path("message"))
        if message is None:
            raise _not_found(ask)
        return JSONResponse(message.as_json())

    async def nothing(self, ask: Ask) -> Response:
        raise _not_found(ask)


def _not_found(ask: Ask) -> RestError:
    return RestError(404, 20404, f"The requested resource {ask.request.url.path} was not found")


def _page(ask: Ask, key: str, rows: list[dict[str, Any]]) -> Response:
    path = ask.request.url.path
    frame = {"first_page_uri": path, "next_page_uri": None, "previous_page_uri": None, "uri": path}
    return JSONResponse({key: rows, "page": 0, "page_size": max(50, len(rows)), "start": 0, "end": len(rows), **frame})


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")
