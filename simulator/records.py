"""The account's rows as Twilio's REST API shows them: calls, recordings, numbers, messages (API version 2010-04-01)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from phoneaudio.wav import wav_bytes
from simulator.clock import utc_now

API_VERSION = "2010-04-01"
FINAL_STATUSES = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
Json = dict[str, Any]


def rfc2822(moment: datetime | None) -> str | None:
    """A date as Twilio writes it."""
    return format_datetime(moment) if moment else None


def account_path(account_sid: str) -> str:
    """The start of every path of one account."""
    return f"/{API_VERSION}/Accounts/{account_sid}"


@dataclass(slots=True)
class CallRecord:
    """One call. ✅ OWNER of its fields: the call leg that runs it."""

    sid: str
    account_sid: str
    from_: str
    to: str
    direction: str
    status: str = "queued"
    created: datetime = field(default_factory=utc_now)
    started: datetime | None = None
    ended: datetime | None = None
    duration_s: int | None = None
    answered_by: str | None = None
    forwarded_from: str | None = None
    caller_name: str | None = None
    parent_sid: str | None = None

    @property
    def final(self) -> bool:
        """Whether nothing can happen to the call any more."""
        return self.status in FINAL_STATUSES

    def webhook_params(self) -> dict[str, str]:
        """The parameters that every webhook about this call carries (protocols.md, section 2)."""
        params = {
            "CallSid": self.sid,
            "AccountSid": self.account_sid,
            "From": self.from_,
            "To": self.to,
            "Caller": self.from_,
            "Called": self.to,
            "CallStatus": self.status,
            "ApiVersion": API_VERSION,
            "Direction": self.direction,
        }
        for side in ("From", "To", "Caller", "Called"):
            params |= {f"{side}City": "", f"{side}State": "", f"{side}Zip": "", f"{side}Country": "US"}
        if self.forwarded_from:
            params["ForwardedFrom"] = self.forwarded_from
        if self.caller_name:
            params["CallerName"] = self.caller_name
        if self.parent_sid:
            params["ParentCallSid"] = self.parent_sid
        if self.answered_by:
            params["AnsweredBy"] = self.answered_by
        return params

    def as_json(self) -> Json:
        """The call resource."""
        uri = f"{account_path(self.account_sid)}/Calls/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "parent_call_sid": self.parent_sid,
            "to": self.to,
            "to_formatted": self.to,
            "from": self.from_,
            "from_formatted": self.from_,
            "phone_number_sid": None,
            "status": self.status,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.ended or self.started or self.created),
            "start_time": rfc2822(self.started),
            "end_time": rfc2822(self.ended),
            "duration": None if self.duration_s is None else str(self.duration_s),
            "price": None,
            "price_unit": "USD",
            "direction": self.direction,
            "answered_by": self.answered_by,
            "forwarded_from": self.forwarded_from,
            "caller_name": self.caller_name,
            "group_sid": None,
            "queue_time": "0",
            "trunk_sid": None,
            "uri": f"{uri}.json",
            "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
        }


@dataclass(frozen=True, slots=True)
class RecordingRequest:
    """What was asked for when a recording was started."""

    source: str
    channels: int = 1
    track: str = "both"
    callback: str = ""
    method: str = "POST"
    events: tuple[str, ...] = ("completed",)


@dataclass(slots=True)
class RecordingRecord:
    """One recording. `caller` and `agent` are 8 kHz 16-bit PCM, there once `status` is `completed`."""

    sid: str
    call_sid: str
    account_sid: str
    request: RecordingRequest
    from_ms: int
    started: datetime = field(default_factory=utc_now)
    status: str = "in-progress"
    duration_s: int = 0
    caller: bytes = b""
    agent: bytes = b""
    downloads: int = 0
    fetched: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def path(self) -> str:
        """Where the recording lives; `.json`, `.wav` are appended."""
        return f"{account_path(self.account_sid)}/Recordings/{self.sid}"

    def wav(self, channels: int) -> bytes:
        """The recording as a WAV: two channels (left caller, right agent), or both sides mixed into one."""
        if channels == 2:
            return wav_bytes(8000, self.caller, self.agent)
        return wav_bytes(8000, self._mixed())

    def _mixed(self) -> bytes:
        import numpy as np

        wanted = {"inbound": (self.caller,), "outbound": (self.agent,)}.get(
            self.request.track, (self.caller, self.agent)
        )
        size = max(len(side) for side in wanted)
        sides = [np.frombuffer(side.ljust(size, b"\0"), dtype="<i2").astype(np.int32) for side in wanted]
        total = sum(sides[1:], sides[0])
        return bytes(np.clip(total, -32768, 32767).astype("<i2").tobytes())

    def as_json(self, base_url: str) -> Json:
        """The recording resource."""
        status = {"completed": "completed", "absent": "absent"}.get(self.status, self.status)
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "call_sid": self.call_sid,
            "conference_sid": None,
            "date_created": rfc2822(self.started),
            "date_updated": rfc2822(self.started),
            "start_time": rfc2822(self.started),
            "duration": str(self.duration_s) if self.status == "completed" else "-1",
            "channels": self.request.channels,
            "source": self.request.source,
            "track": self.request.track,
            "status": status,
            "error_code": None,
            "price": None,
            "price_unit": "USD",
            "encryption_details": None,
            "media_url": base_url + self.path,
            "uri": f"{self.path}.json",
            "subresource_uris": {},
        }


@dataclass(slots=True)
class NumberRecord:
    """A phone number of the account, with the webhooks that `frontdesk number connect` sets."""

    sid: str
    account_sid: str
    phone_number: str
    settings: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=utc_now)

    def as_json(self) -> Json:
        """The incoming phone number resource; the settings' names are Twilio's, in snake case."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "phone_number": self.phone_number,
            "friendly_name": self.phone_number,
            "voice_url": "",
            "voice_method": "POST",
            "voice_fallback_url": "",
            "voice_fallback_method": "POST",
            "status_callback": "",
            "status_callback_method": "POST",
            "sms_url": "",
            "sms_method": "POST",
            "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
            "beta": False,
            "origin": "twilio",
            "status": "in-use",
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.created),
            "uri": f"{account_path(self.account_sid)}/IncomingPhoneNumbers/{self.sid}.json",
        } | self.settings


@dataclass(slots=True)
class MessageRecord:
    """A message that the server asked Twilio to send; nothing delivers it."""

    sid: str
    account_sid: str
    params: dict[str, str]
    created: datetime = field(default_factory=utc_now)

    def as_json(self) -> Json:
        """The message resource."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "to": self.params.get("To"),
            "from": self.params.get("From"),
            "body": self.params.get("Body", ""),
            "status": "queued",
            "direction": "outbound-api",
            "num_segments": "1",
            "num_media": "0",
            "messaging_service_sid": self.params.get("MessagingServiceSid"),
            "error_code": None,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.created),
            "date_sent": None,
            "uri": f"{account_path(self.account_sid)}/Messages/{self.sid}.json",
            "subresource_uris": {},
        }
