"""Around Twilio's webhooks: whether a request is genuine, whose call it is about, and what we ask for in return."""

from __future__ import annotations

import time
from typing import Final

from fastapi import HTTPException, Request, Response
from twilio.request_validator import RequestValidator

from server import ports
from server.config.settings import Settings
from server.services import call_twiml
from server.services.outbound_calls import REQUEST_FIELD
from server.services.transfers import TRANSFER_FIELD

Form = dict[str, str]
_NAMED_IN_ADDRESS: Final = {REQUEST_FIELD: "request", TRANSFER_FIELD: "transfer"}
RECORDING_RETRY_S: Final = (0.0, 0.3, 0.7, 1.5, 3.0)


async def signed_form(request: Request) -> Form:
    """The form of a request that Twilio really signed; 403 otherwise. The signed address is the public one.

    A call that we asked for carries its request's id in the address, which the signature covers; so does what belongs
    to a transfer.
    """
    settings: Settings = request.app.state.settings
    form = {key: str(value) for key, value in (await request.form()).multi_items()}
    query = f"?{request.url.query}" if request.url.query else ""
    address = f"{settings.public_url}{request.url.path}{query}"
    if not RequestValidator(settings.twilio_auth_token).validate(
        address, form, request.headers.get("X-Twilio-Signature", "")
    ):
        raise HTTPException(
            403,
            "X-Twilio-Signature does not fit this request: check that PUBLIC_URL is the address Twilio calls "
            "and TWILIO_AUTH_TOKEN the account's",
        )
    if not form.get("CallSid"):
        raise HTTPException(400, "CallSid is missing: every Twilio voice webhook carries it")
    for field, parameter in _NAMED_IN_ADDRESS.items():
        form.pop(field, None)
        if named := request.query_params.get(parameter):
            form[field] = named
    return form


def token(request: Request) -> str | None:
    """The request's identity, the same on each of its tries."""
    return request.headers.get("I-Twilio-Idempotency-Token")


def twiml(answer: str) -> Response:
    """Instructions for a call."""
    return Response(answer, media_type="text/xml")


def ask_for_recording(call_sid: str) -> str | None:
    """Ask the provider; a call that is not in progress yet is asked for again. Returns what went wrong, or None.

    ❌ NEVER: but from `routes_twilio.start_recording`, which holds the claim.
    """
    problem = None
    for wait in RECORDING_RETRY_S:
        time.sleep(wait)
        try:
            ports.current().telephony.start_recording(call_sid, call_twiml.url("/webhook/recording_status"))
            return None
        except ports.ProviderError as refusal:
            problem = str(refusal)
            if not refusal.retryable:
                break
    return problem
