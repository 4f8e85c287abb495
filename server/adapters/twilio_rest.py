"""Twilio's REST side, by the SDK: recordings, completing calls, a number's webhooks, and the download of recordings.

Credentials go to the account's own API host (or the configured stand-in) and nowhere else: redirects to another host
are followed without them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from server.ports import ProviderError, RecordingUnavailable

CHUNK: Final = 64 * 1024
MAX_RECORDING_BYTES: Final = 512 * 1024 * 1024
_NOT_IN_PROGRESS: Final = 21220
_RETRY_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class TwilioTelephony:
    """The `Telephony` port on one Twilio account."""

    def __init__(self, account_sid: str, auth_token: str, api_base: str = "") -> None:
        self._auth = (account_sid, auth_token)
        self._client = Client(account_sid, auth_token)
        self._hosts = {"api.twilio.com"}
        if api_base:
            self._client.api.base_url = api_base
            self._hosts = {urlsplit(api_base).netloc}

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
