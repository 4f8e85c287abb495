"""The rules, one small file each. Adding a rule is adding its file and its line here."""

from __future__ import annotations

from integrity.rules.acting_as import ActingAs
from integrity.rules.base import Rule
from integrity.rules.column_owner import ColumnOwner
from integrity.rules.debug_work import DebugWork
from integrity.rules.hot_loop_log import HotLoopLog
from integrity.rules.memory_dedup import MemoryDedup
from integrity.rules.owner_mark import OwnerMark
from integrity.rules.prompt_text import PromptText
from integrity.rules.recording_download import RecordingDownload
from integrity.rules.sensitive_log import SensitiveLog
from integrity.rules.status_lock import StatusLock

RULES: tuple[Rule, ...] = (
    PromptText(),
    RecordingDownload(),
    ColumnOwner(),
    ActingAs(),
    HotLoopLog(),
    DebugWork(),
    OwnerMark(),
    SensitiveLog(),
    StatusLock(),
    MemoryDedup(),
)
