"""What Twilio is told to do with a call: connect the agent, say something, take a message, dial the business, hang up.

✅ OWNER: every word that a caller hears from somebody else than the agent.
"""

from __future__ import annotations

from typing import Final

from twilio.twiml.voice_response import Connect, Dial, VoiceResponse

from server import ports
from server.config.calls import (
    FALLBACK_LIMIT_S,
    FALLBACK_RING_S,
    MESSAGE_LIMIT_S,
    TRANSFER_KEY_S,
    TRANSFER_LIMIT_S,
    TRANSFER_RING_S,
)

NOT_IN_SERVICE: Final = "Sorry, the number you have dialled is not in service here. Please check the number. Goodbye."
APOLOGY: Final = "We are sorry, we can't take your call at the moment. Please call again a little later. Goodbye."
BUSY: Final = "We are sorry, all our lines are busy at the moment."
BROKEN: Final = "We are sorry, we have a technical problem and can't go on with this call."
NOBODY: Final = "We are sorry, nobody can take your call at the moment."
CONNECTING: Final = "Please hold, we are connecting you with a colleague."
LEAVE_MESSAGE: Final = "Please leave your name, your number and your message after the tone, and we will call you back."
NOTHING_HEARD: Final = "We did not hear a message. Goodbye."
THANKS: Final = "Thank you. We will call you back. Goodbye."
PRESS_TO_ACCEPT: Final = "Press 1 to take the call."
LEG_EVENTS: Final = "initiated ringing answered completed"
RECORDING_EVENTS: Final = "in-progress completed absent"


def url(path: str) -> str:
    """A path of ours as the provider reaches it."""
    return ports.current().public_url + path


def connect_agent(token: str, business_id: int) -> str:
    """Connect the media stream, with its pass; when it is closed, `/webhook/stream_ended` says what comes next."""
    response = VoiceResponse()
    connect = Connect(action=url("/webhook/stream_ended"), method="POST")
    stream = connect.stream(url=ports.current().media_url)
    stream.parameter(name="token", value=token)
    stream.parameter(name="business_id", value=str(business_id))
    response.append(connect)
    return str(response)


def say_and_hang_up(words: str) -> str:
    """Say something and end the call."""
    response = VoiceResponse()
    response.say(words)
    response.hangup()
    return str(response)


def hang_up() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def nothing() -> str:
    """Leave the call as it is: the answer for a leg of a call, which its parent leads."""
    return str(VoiceResponse())


def take_message(why: str) -> str:
    """Say why there is no agent, and record a message after the tone.

    `<Record>` needs an action of its own: without one Twilio asks for the document that it is in again.
    """
    response = VoiceResponse()
    response.say(f"{why} {LEAVE_MESSAGE}".strip())
    response.record(
        action=url("/webhook/message_left"),
        method="POST",
        max_length=MESSAGE_LIMIT_S,
        timeout=5,
        play_beep=True,
        recording_status_callback=url("/webhook/recording_status"),
        recording_status_callback_method="POST",
        recording_status_callback_event=RECORDING_EVENTS,
    )
    response.say(NOTHING_HEARD)
    response.hangup()
    return str(response)


def dial_business(number: str, *, apologise: bool = True) -> str:
    """Connect the business's own people, after an apology unless the caller has heard one; `/webhook/fallback_ended`
    follows when that is over."""
    response = VoiceResponse()
    response.say(f"{BROKEN} {CONNECTING}" if apologise else CONNECTING)
    dial = Dial(
        action=url("/webhook/fallback_ended"), method="POST", timeout=FALLBACK_RING_S, time_limit=FALLBACK_LIMIT_S
    )
    dial.number(number)
    response.append(dial)
    return str(response)


def put_through(number: str, *, transfer: int, caller_id: str, warm: bool) -> str:
    """Ring a colleague; `/webhook/transfer_ended` follows when that is over. A `warm` one decides before they talk.

    The caller's own number is not shown to the colleague: a carrier may refuse one that the account does not own.
    """
    response = VoiceResponse()
    dial = Dial(
        action=_of_transfer("ended", transfer), method="POST", timeout=TRANSFER_RING_S, time_limit=TRANSFER_LIMIT_S,
        answer_on_bridge=True, caller_id=caller_id,
    )  # fmt: skip
    screened = {"url": _of_transfer("whisper", transfer), "method": "POST"} if warm else {}
    dial.number(
        number, status_callback=_of_transfer("leg", transfer), status_callback_method="POST",
        status_callback_event=LEG_EVENTS, **screened,
    )  # fmt: skip
    response.append(dial)
    return str(response)


def whisper(words: str, transfer: int) -> str:
    """Tell a colleague, on their own leg, who is calling and what about; without a key they are hung up on."""
    response = VoiceResponse()
    gather = response.gather(
        num_digits=1, timeout=TRANSFER_KEY_S, action=_of_transfer("answer", transfer), method="POST"
    )
    gather.pause(length=1)
    gather.say(f"{words} {PRESS_TO_ACCEPT}")
    response.hangup()
    return str(response)


def _of_transfer(step: str, transfer: int) -> str:
    return url(f"/webhook/transfer_{step}?transfer={transfer}")
