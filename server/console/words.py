"""How times, numbers and states read for a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers

from server.domain.callers import withheld

STATUS_WORDS: Final = {
    "initiated": "Starting",
    "ringing": "Ringing",
    "in-progress": "On the phone",
    "completed": "Completed",
    "busy": "Busy",
    "no-answer": "No answer",
    "failed": "Failed",
    "canceled": "Cancelled",
}

ENDING_WORDS: Final = {
    "busy": "The line was busy",
    "no-answer": "Nobody answered",
    "failed": "The call could not be put through",
    "canceled": "Ended before it was answered",
}

EVENT_WORDS: Final = {
    "received": "Call came in",
    "placed": "Call placed",
    "leg_status": "Another leg",
    "stream_stopped": "Line closed",
    "hang_up": "Agent hung up",
    "call_failed": "Call ended early",
    "barge_in": "Caller interrupted",
    "dtmf": "Keys pressed",
    "tool": "Tool used",
    "model_lost": "Connection to the model lost",
    "model_error": "The model reported an error",
    "response_failed": "An answer failed",
    "transcription_failed": "Words not understood",
    "marks_lost": "End of playback not confirmed",
    "recording_not_started": "Recording could not be started",
    "recording_completed": "Recording ready at the provider",
    "recording_absent": "Nothing was recorded",
    "recording_fetched": "Recording stored",
    "transcript_ready": "Transcript written",
    "summary_ready": "Summary written",
    "answered_by": "What answered",
    "refused": "No line was free",
    "fallback": "Passed on to the business",
    "message_left": "Message left after the tone",
    "machine_message": "Message left on the machine",
    "machine_hung_up": "Hung up on the machine",
    "job_failed": "A step after the call failed",
    "greeting_retry": "Greeting asked for again",
    "nudge": "Answer asked for again",
    "tool_bridge": "Told that it takes a moment",
    "tool_too_slow": "Tool took too long",
    "reconnected": "Connection to the model restored",
    "reconnect_failed": "Connection to the model not restored",
    "apology": "Agent apologised",
    "silence_prompt": "Asked whether anyone is there",
    "backchannel": "Caller showed that they listen",
    "endless_speech": "A sound that never ended was taken for noise",
    "echo_ignored": "Own echo ignored",
    "end_called_off": "Caller went on after the goodbye",
    "transfer": "Call is being put through",
    "transfer_failed": "Could not be put through",
    "transfer_dialled": "Colleague rung",
    "transfer_key": "Colleague pressed a key",
    "transfer_accepted": "Colleague took the call",
    "transfer_declined": "Colleague did not take the call",
    "transfer_no_answer": "Colleague did not answer",
    "transfer_busy": "Colleague's line was busy",
    "transfer_canceled": "Caller left before a colleague took the call",
}
"""The timeline's kinds that don't read well by themselves."""

QUICK_MS: Final = 1000
SLOW_MS: Final = 2000
"""An answer under the first feels immediate; over the second, a caller asks whether anyone is there."""


def phone(number: str | None) -> str:
    """A number as people write it."""
    if number is None or withheld(number):
        return "Number withheld"
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def local_time(at: datetime, zone: str, form: str = "%H:%M") -> str:
    """A time in the business's own zone."""
    return f"{at.astimezone(ZoneInfo(zone)):{form}}"


def short_date(at: datetime, zone: str) -> str:
    """A day and time in little room: `Thu 26 Nov, 14:30`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def day_name(at: datetime, zone: str, now: datetime) -> str:
    """The day of a time, as one says it now: `Today`, `Yesterday`, `Monday 23 November`."""
    day, today = at.astimezone(ZoneInfo(zone)).date(), now.astimezone(ZoneInfo(zone)).date()
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    year = f" {day.year}" if day.year != today.year else ""
    return f"{day:%A} {day.day} {day:%B}{year}"


def appointment_time(at: datetime, zone: str) -> str:
    """A booked start in the business's own time: `Thursday 26 November, 14:30`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%A} {local.day} {local:%B}, {local:%H:%M}"


def length(seconds: int | None) -> str:
    """A duration as m:ss."""
    if seconds is None:
        return ""
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def clock(at_ms: int | None) -> str:
    """A place in a call as m:ss."""
    return "" if at_ms is None else length(at_ms // 1000)


def seconds(at_ms: int) -> str:
    """A latency, short."""
    return f"{at_ms / 1000:.1f} s"


def speed(at_ms: int) -> str:
    """How an answer's latency feels: `quick`, `fair` or `slow`."""
    if at_ms <= QUICK_MS:
        return "quick"
    return "fair" if at_ms <= SLOW_MS else "slow"


def median(values: list[int]) -> int:
    """The middle value; of an even number, the mean of the middle two."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2


def event_words(kind: str) -> str:
    """A timeline's kind in words."""
    return EVENT_WORDS.get(kind) or kind.replace("_", " ").capitalize()


def status_words(status: str) -> str:
    """A call's status in words."""
    return STATUS_WORDS.get(status, status)


def ending_words(status: str) -> str:
    """What to say of a call that has ended and has no summary."""
    return ENDING_WORDS.get(status, "No summary yet")


def last_words(heard: str, count: int = 4) -> str:
    """The end of what was heard, after an ellipsis where there was more."""
    found = heard.split()
    return ("… " if len(found) > count else "") + " ".join(found[-count:])


def plain(value: object) -> str:
    """A detail's value: yes and no instead of a program's words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def first_line(text: str) -> str:
    """A text's first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def unheard(message: str, heard: str | None) -> str:
    """What of a message the listener did not hear any more; nothing when all of it was heard."""
    if heard is None:
        return ""
    return message.removeprefix(heard) if message.startswith(heard) else message
