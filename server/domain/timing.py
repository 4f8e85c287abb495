"""How long a call waits for what. All times in milliseconds; `server.config.calls` may set others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Every wait of a call session, in milliseconds."""

    silence_ms: int = 500
    """The voice detection's `silence_duration_ms`, which we send: `speech_stopped` comes so long after the sound."""
    first_audio_ms: int = 8_000
    """How long the caller may hear nothing at the start; at half of it the greeting is asked for once more."""
    answer_ms: int = 6_000
    """From asking for an answer to its first audio or tool call."""
    backchannel_ms: int = 600
    """Speech over the agent that lasts longer than this is an interruption, whatever its words."""
    verdict_ms: int = 700
    """How long the words of a short utterance over the agent are waited for."""
    echo_check_ms: int = 300
    """How often a turn that looked like the agent's own echo is judged again."""
    rewind_ms: int = 200
    """How much of what was heard is played again when the agent goes on after a backchannel."""
    bridge_first_ms: int = 1_500
    """How long a tool may run without anything being said; then the agent says that it is looking."""
    bridge_next_ms: int = 8_000
    """… and from one such sentence to the next."""
    tool_ms: int = 20_000
    """How long a tool may run before the model is told that it failed."""
    reconnect_tries_ms: tuple[int, ...] = (0, 500, 1_500, 2_500)
    """When the model is dialled again, from the moment it was lost."""
    reconnect_ms: int = 6_000
    """From losing the model to its being configured again; then the call ends with an apology."""
    hold_clip_ms: int = 700
    """How long the model may be gone before the caller is told to hold on."""
    quiet_ms: int = 8_000
    """How long nobody speaks before the caller is asked, asked again, and told goodbye."""
    longest_speech_ms: int = 45_000
    """How long a sound may go on, or its end stay untold, before it is no speech: a fan, a radio, a lost event."""
    keys_ms: int = 2_000
    """After the last key, when no `#` ends the input."""
    goodbye_ms: int = 12_000
    """From asking for a goodbye to its end at the model; then the line is closed without one."""
    drain_grace_ms: int = 4_000
    """How long after the last audio should have been played a lost mark is waited for."""
    over_goodbye_ms: int = 1_500
    """Speech over the agent's goodbye that lasts longer than this keeps the call going."""
    transfer_ms: int = 20_000
    """How long a transfer may take to end the stream before the agent takes the call back."""
    limit_ms: int = 3_600_000
    """The longest call."""
    limit_notice_ms: int = 20_000
    """How long before the limit the agent says goodbye."""
    limit_overrun_ms: int = 15_000
    """How long after the limit the line is closed, whatever is being said."""
