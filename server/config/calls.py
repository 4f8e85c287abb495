"""What the call path imports by name. `DEBUG` here is True only in development (`DEBUG=0` in the environment)."""

from __future__ import annotations

import os
from typing import Final

from server.config.settings import development
from server.domain.timing import Timing

DEBUG: Final[bool] = development(os.environ)

STREAM_START_TIMEOUT_S: Final = 10.0
"""How long a media socket may stay open without Twilio's `start` event."""
MODEL_CONNECT_TIMEOUT_S: Final = 5.0
"""How long the realtime model may take to accept the connection."""
STREAM_TOKEN_TTL_S: Final = 120
"""How long the single-use token in the TwiML is good for."""
TIMING: Final = Timing()
"""Every wait inside a call; `server.domain.timing` says what each is. The limit is the model's: 60 minutes."""
CALL_LIMIT_S: Final = TIMING.limit_ms // 1000
"""The longest call, in seconds."""
STOP_DRAIN_S: Final = 20.0
"""How long calls go on after the server was told to stop; then they are told goodbye."""
STOP_GOODBYE_S: Final = 10.0
"""… and how long that may take before their lines are closed."""
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
TRANSFER_RING_S: Final = 25
"""How long a colleague's phone rings when a caller is put through."""
TRANSFER_KEY_S: Final = 8
"""How long a colleague may take, after the whisper, to accept by key."""
TRANSFER_LIMIT_S: Final = 3600
"""The longest talk of a caller with a colleague whom they were put through to."""
