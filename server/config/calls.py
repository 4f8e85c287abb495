"""What the call path imports by name. `DEBUG` here is True only in development (`DEBUG=0` in the environment)."""

from __future__ import annotations

import os
from typing import Final

from server.config.settings import development

DEBUG: Final[bool] = development(os.environ)

STREAM_START_TIMEOUT_S: Final = 10.0
"""How long a media socket may stay open without Twilio's `start` event."""
MODEL_CONNECT_TIMEOUT_S: Final = 5.0
"""How long the realtime model may take to accept the connection."""
FIRST_AUDIO_TIMEOUT_S: Final = 8.0
"""How long the caller may hear nothing at the start before the call is ended with an apology."""
STREAM_TOKEN_TTL_S: Final = 120
"""How long the single-use token in the TwiML is good for."""
DRAIN_GRACE_S: Final = 4.0
"""How long after the last audio should have been played a lost mark is waited for."""
CALL_LIMIT_S: Final = 3600
"""The longest call; the realtime model's own session ends after 60 minutes."""
LEASE_MARGIN_S: Final = 180
"""How long beyond a call's own limit its line is held, for what is said and recorded after the agent."""
RING_TIMEOUT_S: Final = 30
"""How long a call that we place may ring, unless its request says otherwise."""
REQUEST_VALID_S: Final = 4 * 3600
"""How long a requested call may wait to be dialled, unless its request says otherwise."""
MESSAGE_LIMIT_S: Final = 180
"""The longest message that a caller can leave."""
FALLBACK_RING_S: Final = 25
"""How long a business's fallback number rings."""
FALLBACK_LIMIT_S: Final = 1800
"""The longest call with a business's fallback number."""
