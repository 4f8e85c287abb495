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
STOP_DRAIN_S: Final = 20.0
"""How long calls go on after the server was told to stop; then they are told goodbye."""
STOP_GOODBYE_S: Final = 10.0
"""… and how long that may take before their lines are closed."""
