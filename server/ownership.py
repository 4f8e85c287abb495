"""The ownership map: every fact, its sole writer, the entry point to use, who else may read or append, and why.

Pure literals, so that the checker can parse it without importing it. The run-time guard in `server.db`, the checker in
`integrity` and the documents all read this one map; there is no second.

A key is `Model.column`, `Model.*` (the columns not named on their own), or a fact that is no column.
"""

from __future__ import annotations

from typing import Final, TypedDict


class Entry(TypedDict):
    """One line of the map. `owner` is a module; `append` lists modules that may add rows through `entry`."""

    owner: str
    entry: str
    append: tuple[str, ...]
    readers: tuple[str, ...]
    why: str


OWNERSHIP: Final[dict[str, Entry]] = {
    "Business.*": {
        "owner": "server.services.businesses",
        "entry": "server.services.businesses.save_business",
        "append": (),
        "readers": ("everyone",),
        "why": "one place raises the version that every prompt cache depends on",
    },
    "CallLog.*": {
        "owner": "server.routes_twilio",
        "entry": "server.routes_twilio.apply_event",
        "append": (),
        "readers": ("everyone",),
        "why": "what the provider says about a call comes in through its webhooks alone",
    },
    "CallLog.status": {
        "owner": "server.routes_twilio",
        "entry": "server.routes_twilio.update_call_status",
        "append": (),
        "readers": ("server.media_ws_ai", "server.tasks_recording", "server.routes_api", "server.console"),
        "why": "a second writer races the webhook and moves finished calls back",
    },
    "CallLog.duration": {
        "owner": "server.routes_twilio",
        "entry": "server.routes_twilio.update_call_status",
        "append": (),
        "readers": ("server.routes_api", "server.console"),
        "why": "the provider bills by it, so the provider's number is the only one",
    },
    "CallLog.final_transcript": {
        "owner": "server.tasks_recording",
        "entry": "server.tasks_recording.save_transcript",
        "append": (),
        "readers": ("server.routes_api", "server.console"),
        "why": "written once, by the job that holds the transcription's claim",
    },
    "CallLog.transcript_source": {
        "owner": "server.tasks_recording",
        "entry": "server.tasks_recording.save_transcript",
        "append": (),
        "readers": ("server.routes_api", "server.console"),
        "why": "says where the final transcript came from, so it is written with it",
    },
    "CallLog.summary": {
        "owner": "server.tasks_recording",
        "entry": "server.tasks_recording.save_summary",
        "append": (),
        "readers": ("server.routes_api", "server.console"),
        "why": "made from the final transcript, after it, once",
    },
    "RecordingFile.*": {
        "owner": "server.services.recording_service",
        "entry": "server.services.recording_service.get_recording_file_for_call",
        "append": (),
        "readers": ("server.tasks_recording", "server.routes_api", "server.console"),
        "why": "playback and worker share one download; the row is its claim",
    },
    "ConversationTurn.*": {
        "owner": "server.media_ws_ai",
        "entry": "server.services.conversation.store_turns",
        "append": (),
        "readers": ("everyone",),
        "why": "only the realtime socket knows what was said and what was heard",
    },
    "CallEvent.*": {
        "owner": "server.services.timeline",
        "entry": "server.services.timeline.append",
        "append": (
            "server.routes_twilio",
            "server.media_ws_ai",
            "server.tasks_recording",
            "server.services.call_tools",
            "server.tasks_calls",
            "server.services.transfers",
        ),
        "readers": ("server.routes_api", "server.console"),
        "why": "append-only: a call's history is never edited",
    },
    "ProviderEvent.*": {
        "owner": "server.services.inbox",
        "entry": "server.services.inbox.receive",
        "append": ("server.routes_twilio", "server.tasks_calls"),
        "readers": ("server.routes_twilio", "server.console"),
        "why": "every provider event is stored before it has an effect, and applied once",
    },
    "StreamToken.*": {
        "owner": "server.services.stream_tokens",
        "entry": "server.services.stream_tokens.issue",
        "append": (),
        "readers": ("server.media_ws_ai",),
        "why": "single use is a row's state, not a process's memory",
    },
    "JobKey.*": {
        "owner": "server.services.job_keys",
        "entry": "server.services.job_keys.enqueue_once",
        "append": ("server.tasks_recording", "server.tasks_calls"),
        "readers": ("server.console",),
        "why": "the unique key is the deduplication; the job engine's is a second net",
    },
    "WorkerBeat.*": {
        "owner": "server.worker",
        "entry": "server.worker.beat",
        "append": (),
        "readers": ("server.console",),
        "why": "a worker says for itself that it lives; who finds its beat stopped takes over its jobs",
    },
    "Appointment.*": {
        "owner": "server.services.appointments",
        "entry": "server.services.appointments.book",
        "append": (),
        "readers": ("server.routes_api", "server.console"),
        "why": "two racing bookings meet one unique constraint",
    },
    "Message.*": {
        "owner": "server.services.messages",
        "entry": "server.services.messages.take",
        "append": (),
        "readers": ("server.routes_api", "server.console"),
        "why": "a message a caller left is kept once per tool call",
    },
    "Contact.*": {
        "owner": "server.services.contacts",
        "entry": "server.services.contacts.contact_for",
        "append": (),
        "readers": ("everyone",),
        "why": "one person, one row per business and number",
    },
    "ApiKey.*": {
        "owner": "server.services.access",
        "entry": "server.services.access.create_api_key",
        "append": (),
        "readers": ("server.routes_api",),
        "why": "a key is stored as a hash, and only its owner compares it",
    },
    "LoginLink.*": {
        "owner": "server.services.access",
        "entry": "server.services.access.create_login_link",
        "append": (),
        "readers": ("server.console",),
        "why": "a link opens one session, once",
    },
    "BookedUnit.*": {
        "owner": "server.services.appointments",
        "entry": "server.services.appointments.book",
        "append": (),
        "readers": ("server.services.slots",),
        "why": "the minutes that an appointment holds are taken and freed with it, in one transaction",
    },
    "TransferTarget.*": {
        "owner": "server.services.transfer_targets",
        "entry": "server.services.transfer_targets.save_target",
        "append": (),
        "readers": ("server.services.tools", "server.routes_api", "server.console"),
        "why": "a colleague's number is checked where it is stored, and the model is told names alone",
    },
    "HttpTool.*": {
        "owner": "server.services.tools.http_tools",
        "entry": "server.services.tools.http_tools.save_tool",
        "append": (),
        "readers": ("server.services.tools", "server.routes_api", "server.console"),
        "why": "an address that calls may reach is checked against the business's hosts before it is stored",
    },
    "HttpTool.secrets": {
        "owner": "server.services.tools.http_tools",
        "entry": "server.services.tools.http_tools.save_tool",
        "append": (),
        "readers": ("server.services.tools.outside",),
        "why": "a secret is read by the request it is for, and by nothing else",
    },
    "ToolRun.*": {
        "owner": "server.services.tools.runs",
        "entry": "server.services.tools.runs.claim",
        "append": (),
        "readers": (),
        "why": "the unique key makes a tool call that is repeated give its first answer",
    },
    "prompt.calls": {
        "owner": "server.services.realtime_prompt_builder",
        "entry": "server.services.realtime_prompt_builder.build_realtime_system_prompt",
        "append": (),
        "readers": ("server.media_ws_ai",),
        "why": "two builders give two agents",
    },
    "prompt.whatsapp": {
        "owner": "server.services.ai_service",
        "entry": "server.services.ai_service.get_business_prompt",
        "append": (),
        "readers": (),
        "why": "written answers need another style than spoken ones",
    },
    "prompt.summary": {
        "owner": "server.services.summaries",
        "entry": "server.services.summaries.summarise",
        "append": (),
        "readers": ("server.tasks_recording",),
        "why": "what a summary is asked for is asked in one place",
    },
    "recording.download": {
        "owner": "server.services.recording_service",
        "entry": "server.services.recording_service.get_recording_file_for_call",
        "append": (),
        "readers": ("server.tasks_recording", "server.routes_api", "server.console"),
        "why": "a second downloader downloads twice",
    },
    "recording.start": {
        "owner": "server.routes_twilio",
        "entry": "server.routes_twilio.start_recording",
        "append": (),
        "readers": (),
        "why": "recorded once, from the webhook edge, and announced where it starts",
    },
    "call.greeting": {
        "owner": "server.domain.call_session",
        "entry": "server.domain.call_session.CallSession",
        "append": (),
        "readers": ("server.media_ws_ai",),
        "why": "greeted once, first, by the session's state and nothing else",
    },
    "call.hang_up": {
        "owner": "server.domain.call_session",
        "entry": "server.domain.call_session.CallSession",
        "append": (),
        "readers": ("server.media_ws_ai",),
        "why": "hung up when the last mark returns, never on a guess",
    },
    "OutboundCall.*": {
        "owner": "server.services.outbound_calls",
        "entry": "server.services.outbound_calls.request_call",
        "append": ("server.routes_api", "server.cli"),
        "readers": ("everyone",),
        "why": "who asks twice under one key gets one call, and a row that is marked before it is dialled",
    },
    "CallLease.*": {
        "owner": "server.services.capacity",
        "entry": "server.services.capacity.take_line",
        "append": ("server.routes_twilio", "server.tasks_calls"),
        "readers": ("server.tasks_calls", "server.console"),
        "why": "a line is a numbered row with an expiry, so that none is given twice and none is lost with a process",
    },
    "call.twiml": {
        "owner": "server.services.call_twiml",
        "entry": "server.services.call_twiml.connect_agent",
        "append": (),
        "readers": ("server.routes_twilio", "server.tasks_calls"),
        "why": "what a caller hears without the agent is worded in one place",
    },
    "Transfer.*": {
        "owner": "server.services.transfers",
        "entry": "server.services.transfers.begin",
        "append": (),
        "readers": ("server.routes_twilio", "server.media_ws_ai", "server.services.reconciling", "server.console"),
        "why": "a caller who is being put through belongs to nobody else, and gets the agent back by this row alone",
    },
    "settings": {
        "owner": "server.config.settings",
        "entry": "server.config.settings.load",
        "append": (),
        "readers": ("everyone",),
        "why": "the environment is read once",
    },
}
