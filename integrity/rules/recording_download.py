"""Recordings are fetched by the recording service and by nobody else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.source import Source
from integrity.syntax import dotted, identifiers, last_name, words

_LIBRARIES = re.compile(r"(?:requests|httpx|urllib\.request|urllib3|aiohttp|wget)\.\w+\Z")
_FUNCTIONS = frozenset({"urlopen", "urlretrieve"})
_CLIENT_WORDS = frozenset({"client", "http", "session", "requests", "httpx", "pool"})
_METHODS = frozenset({"get", "request", "stream", "download", "fetch", "build_request"})
_RECORDING_URL = re.compile(r"(?i)(?:recording|rec)_?(?:media_?)?(?:url|uri|link|href)\d*\Z")
_URL_TEXT = re.compile(r"/Recordings/|twilio\.com\S*[Rr]ecording")


class RecordingDownload(Rule):
    """Reports an HTTP request for a recording's address outside the module that owns `recording…` in the map."""

    id = "recording-outside-service"
    title = "Recording downloaded outside the recording service"
    why = (
        "Only the recording service knows whether the file is here already or on its way. A direct request downloads "
        "it twice, pays for it twice and leaves two files that both claim to be the recording."
    )
    remedy = "Call get_recording_file_for_call(call_log); it finds the cached file or downloads it once."
    bad = (
        Example("response = requests.get(recording_url)  # No dedup!"),
        Example(
            'async def fetch(self, call):\n    url = f"{call.recording_url}.wav"\n'
            "    return await self._client.get(url)"
        ),
        Example('urllib.request.urlretrieve(form["RecordingUrl"], "call.wav")'),
    )
    good = (
        Example(
            "from server.services.recording_service import get_recording_file_for_call\n"
            "file_path = get_recording_file_for_call(call_log)"
        ),
        Example("response = httpx.get(recording_url)", module="server.services.recording_service"),
        Example('url = form.get("RecordingUrl")\nrow = db.session.get(Recording, recording_id)'),
    )
    hint = re.compile(r"recording|rec_?url", re.IGNORECASE)

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        facts = owners.about("recording")
        if not owners.governs(source.module):
            return
        if any(fact.owned_by(source.module) or fact.appended_by(source.module) for fact in facts):
            return
        advice = f": {facts[0].advice()}" if facts else ""
        for call in source.all(ast.Call):
            if _is_request(call) and any(_is_recording(source, a) for a in _arguments(call)):
                yield Hit(call, f"a recording is downloaded here{advice}")


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(k.value for k in call.keywords if k.arg in {"url", "uri"})]


def _is_request(call: ast.Call) -> bool:
    name = dotted(call.func)
    if _LIBRARIES.match(name) or last_name(call.func) in _FUNCTIONS:
        return True
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _METHODS:
        return False
    return bool(_CLIENT_WORDS & set(words(last_name(call.func.value))[-1:]))


def _is_recording(source: Source, argument: ast.expr, depth: int = 3) -> bool:
    if any(_RECORDING_URL.search(name) for name in identifiers(argument)):
        return True
    texts = (p.value for p in ast.walk(argument) if isinstance(p, ast.Constant) and isinstance(p.value, str))
    if any(_URL_TEXT.search(text) for text in texts):
        return True
    if depth == 0:
        return False
    names = (p for p in ast.walk(argument) if isinstance(p, ast.Name))
    return any(_is_recording(source, v, depth - 1) for n in names for v in source.scope(n).values(n.id))
