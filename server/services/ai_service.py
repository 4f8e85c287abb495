"""Prompts for written channels: WhatsApp needs another style than the phone."""

from __future__ import annotations

from typing import Final

from server.db import db, reading
from server.models_sql import Business
from server.services._facts import business_lines

_STYLE: Final = """# Role
You answer the business's WhatsApp messages.

# How to write
Write one to three short sentences, plainly, without headings. Answer only from the facts and opening hours below.
When you do not know something, say so and offer to pass the question on."""

_FALLBACK: Final = "Answer questions about the business and offer to book an appointment."


def get_business_prompt(business_id: int, channel: str = "whatsapp") -> str:
    """The instructions for a written channel.

    ✅ OWNER: prompts of WhatsApp. Raises `ValueError` for another channel and `LookupError` for an unknown business.
    ❌ NEVER: for calls; they have server.services.realtime_prompt_builder.
    """
    if channel != "whatsapp":
        raise ValueError(f"channel is {channel!r}: this is for 'whatsapp'; calls use build_realtime_system_prompt")
    with reading():
        business = db.session.get(Business, business_id)
        if business is None:
            raise LookupError(f"business {business_id} does not exist")
        own = ["# Instructions from the business", (business.whatsapp_prompt or _FALLBACK).strip()]
        return "\n".join([_STYLE, "", *own, "", *business_lines(business)])
