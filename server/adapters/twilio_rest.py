"""Twilio's REST side, by the SDK: placing, finding and ending calls, recordings, and a number's webhooks.

Credentials go to the account's own API host (or the configured stand-in) and nowhere else: redirects to another host
are followed without them.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from server.ports import CallFacts, CallNotPlaced, CallOrder, ProviderError, RecordingUnavailable

CHUNK: Final = 64 * 1024
MAX_RECORDING_BYTES: Final = 512 * 1024 * 1024
_NOT_IN_PROGRESS: Final = 21220
_RETRY_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_TOO_MANY: Final = frozenset({20429, 10004})
"""Over the account's rate (20429) or its calls at once (10004)."""
REST_TIMEOUT_S: Final = 20.0
"""How long a request may take; a claim on dialling must outlast it."""
FOUND_AT_MOST: Final = 50


class TwilioTelephony:
    """The `Telephony` port on one Twilio account."""

    def __init__(self, account_sid: str, auth_token: str, api_base: str = "") -> None:
        self._auth = (account_sid, auth_token)
        self._last = threading.local()
        http = TwilioHttpClient(timeout=REST_TIMEOUT_S, request_hooks={"response": self._answered})
        self._client = Client(account_sid, auth_token, http_client=http)
        self._hosts = {"api.twilio.com"}
        if api_base:
            self._client.api.base_url = api_base
            self._hosts = {urlsplit(api_base).netloc}

    def place_call(self, order: CallOrder) -> str:
        """Dial, with every status reported, and a machine detected while the agent talks already.

        A 4xx is a call that was not placed; after a 5xx, or no answer, it may have been.
        """
        asked: dict[str, Any] = {
            "to": order.to, "from_": order.from_, "url": order.voice_url, "method": "POST",
            "status_callback": order.status_url, "status_callback_method": "POST",
            "status_callback_event": ["initiated", "ringing", "answered", "completed"],
            "timeout": order.ring_timeout_s, "time_limit": order.time_limit_s,
        }  # fmt: skip
        if order.machine_url is not None:
            asked |= {
                "machine_detection": "DetectMessageEnd", "async_amd": "true",
                "async_amd_status_callback": order.machine_url, "async_amd_status_callback_method": "POST",
            }  # fmt: skip
        self._last.retry_after = None
        try:
            made = self._client.calls.create(**asked)
        except TwilioRestException as problem:
            if problem.status < 500:
                raise self._not_placed(problem) from problem
            raise _provider_error("place the call", problem) from problem
        except (TwilioException, OSError) as problem:
            raise _provider_error("place the call", problem) from problem
        return str(made.sid)

    def find_calls(self, *, to: str, from_: str, since: datetime) -> list[CallFacts]:
        """Looked for by its numbers; a call that still waits has no start time yet, so its creation is compared."""
        try:
            listed = self._client.calls.list(to=to, from_=from_, limit=FOUND_AT_MOST)
        except (TwilioException, OSError) as problem:
            raise _provider_error("find the call", problem) from problem
        fitting = [
            (_created(call), call)
            for call in listed
            if (call.to, call._from, call.direction) == (to, from_, "outbound-api") and _created(call) >= since
        ]
        return [_facts(call) for _, call in sorted(fitting, key=lambda pair: pair[0], reverse=True)]

    def fetch_call(self, call_sid: str) -> CallFacts | None:
        """What became of a call; None where Twilio answers 404."""
        try:
            return _facts(self._client.calls(call_sid).fetch())
        except TwilioRestException as problem:
            if problem.status == 404:
                return None
            raise _provider_error("fetch the call", problem) from problem
        except (TwilioException, OSError) as problem:
            raise _provider_error("fetch the call", problem) from problem

    def redirect_call(self, call_sid: str, twiml: str) -> None:
        """Go on with other TwiML; a call that is over already is no error."""
        try:
            self._client.calls(call_sid).update(twiml=twiml)
        except TwilioRestException as problem:
            if problem.status == 404 or problem.code == _NOT_IN_PROGRESS:
                return
            raise _provider_error("redirect the call", problem) from problem
        except (TwilioException, OSError) as problem:
            raise _provider_error("redirect the call", problem) from problem

    def start_recording(self, call_sid: str, callback_url: str) -> str:
        """Start a dual-channel recording; its callback tells every outcome."""
        try:
            made = self._client.calls(call_sid).recordings.create(
                recording_channels="dual",
                recording_status_callback=callback_url,
                recording_status_callback_event=["in-progress", "completed", "absent"],
            )
        except (TwilioException, httpx.HTTPError, OSError) as problem:
            raise _provider_error("start the recording", problem) from problem
        return str(made.sid)

    def end_call(self, call_sid: str) -> None:
        """Complete the call; one that is over already is no error."""
        try:
            self._client.calls(call_sid).update(status="completed")
        except TwilioRestException as problem:
            if problem.status == 404 or problem.code == _NOT_IN_PROGRESS:
                return
            raise _provider_error("end the call", problem) from problem
        except (TwilioException, OSError) as problem:
            raise _provider_error("end the call", problem) from problem

    def connect_number(self, number: str, voice_url: str, status_url: str) -> str:
        """Set the webhooks of a number the account owns."""
        try:
            owned = self._client.incoming_phone_numbers.list(phone_number=number, limit=1)
            if not owned:
                raise ProviderError(f"the account owns no number {number}: buy it in Twilio's console", retryable=False)
            owned[0].update(
                voice_url=voice_url, voice_method="POST", status_callback=status_url, status_callback_method="POST"
            )
        except (TwilioException, OSError) as problem:
            raise _provider_error("connect the number", problem) from problem
        return str(owned[0].sid)

    def fetch_recording(self, recording_url: str, target: Path) -> int:
        """Stream the recording's WAV into `target`: two channels, or one where Twilio refuses two with 400."""
        for channels in (2, 1):
            status, size = self._stream(f"{recording_url}.wav", channels, target)
            if status == 200:
                return size
            if status != 400:
                retryable = status == 404 or status in _RETRY_STATUS
                raise RecordingUnavailable(f"the recording answers {status}", retryable=retryable)
        raise RecordingUnavailable("the recording is refused with two channels and with one", retryable=False)

    def _answered(self, response: Any, *_: Any, **__: Any) -> None:
        """Keep the last answer's `Retry-After`, which the SDK's error does not carry."""
        self._last.retry_after = response.headers.get("Retry-After")

    def _not_placed(self, problem: TwilioRestException) -> CallNotPlaced:
        later = problem.status == 429 or problem.code in _TOO_MANY
        asked = str(getattr(self._last, "retry_after", None) or "")
        words = f"Twilio refused to place the call: {problem.status} {problem.code} {problem.msg}"
        return CallNotPlaced(words, retryable=later, delay_s=float(asked) if asked.isdecimal() else None)

    def _stream(self, url: str, channels: int, target: Path) -> tuple[int, int]:
        trusted = urlsplit(url).netloc in self._hosts
        if not trusted:
            raise RecordingUnavailable(
                f"the recording lies at {urlsplit(url).netloc}, which is not this account's host", retryable=False
            )
        request = httpx.stream(
            "GET", url, params={"RequestedChannels": channels}, auth=self._auth, follow_redirects=False, timeout=30
        )
        try:
            with request as response:
                if response.is_redirect:
                    return self._follow(response.headers.get("location", ""), target)
                return response.status_code, _save(response, target) if response.status_code == 200 else 0
        except httpx.HTTPError as problem:
            raise RecordingUnavailable(f"the recording can't be fetched: {problem}", retryable=True) from problem

    @staticmethod
    def _follow(location: str, target: Path) -> tuple[int, int]:
        """A redirect (to a storage service) is followed once, without our credentials."""
        if urlsplit(location).scheme != "https":
            raise RecordingUnavailable("the recording redirects to an address that is not https", retryable=False)
        with httpx.stream("GET", location, follow_redirects=False, timeout=30) as response:
            return response.status_code, _save(response, target) if response.status_code == 200 else 0


def _created(call: Any) -> datetime:
    made: datetime | None = call.date_created
    return made if made is not None else datetime.min.replace(tzinfo=UTC)


def _facts(call: Any) -> CallFacts:
    return CallFacts(
        sid=str(call.sid),
        status=str(call.status),
        duration_s=int(call.duration) if call.duration is not None else None,
        answered_by=call.answered_by,
    )


def _save(response: httpx.Response, target: Path) -> int:
    size = 0
    with target.open("wb") as out:
        for chunk in response.iter_bytes(CHUNK):
            size += len(chunk)
            if size > MAX_RECORDING_BYTES:
                raise RecordingUnavailable(f"the recording is larger than {MAX_RECORDING_BYTES} bytes", retryable=False)
            out.write(chunk)
    return size


def _provider_error(what: str, problem: Exception) -> ProviderError:
    if isinstance(problem, TwilioRestException):
        retryable = problem.status in _RETRY_STATUS or problem.code == _NOT_IN_PROGRESS or problem.status == 404
        return ProviderError(
            f"Twilio refused to {what}: {problem.status} {problem.code} {problem.msg}", retryable=retryable
        )
    return ProviderError(f"Twilio can't be reached to {what}: {problem}", retryable=True)
