"""A small ownership map in the format of `server/ownership.py`, for tests that must not depend on the real one."""

from integrity.owner_map import parse_owner_map

TEXT = '''
"""The docstring."""
from typing import Final

OWNERSHIP: Final = {
    "CallLog.status": {
        "owner": "server.routes_twilio",
        "entry": "server.routes_twilio.update_call_status",
        "append": (),
        "readers": ("server.media_ws_ai",),
        "why": "one writer, no race",
    },
    "CallLog.duration": {"owner": "server.routes_twilio", "entry": "server.routes_twilio.update_call_status"},
    "CallLog.final_transcript": {"owner": "server.tasks_recording", "entry": "server.tasks_recording.transcribe"},
    "ConversationTurn.*": {"owner": "server.media_ws_ai", "entry": "server.services.conversation.store_turns"},
    "prompt.calls": {
        "owner": "server.services.realtime_prompt_builder",
        "entry": "server.services.realtime_prompt_builder.build_realtime_system_prompt",
    },
    "prompt.whatsapp": {
        "owner": "server.services.ai_service",
        "entry": "server.services.ai_service.get_business_prompt",
    },
    "recording.download": {
        "owner": "server.services.recording_service",
        "entry": "server.services.recording_service.get_recording_file_for_call",
        "append": ("server.adapters.twilio_recordings",),
    },
}
'''
OWNERS = parse_owner_map(TEXT, "sample")
