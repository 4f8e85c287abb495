"""Logs never carry a prompt, a secret or a phone number in the clear."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.source import Source
from integrity.syntax import last_name, log_level, word_set, words

# An `upgrade_prompt` asks a person; these speak to a model.
_WHOSE_PROMPT = (
    "system|business|call|base|full|final|agent|assistant|whatsapp|inbound|outbound|session|initial|voice|developer|"
    "cached|custom|llm|ai|model|user"
)
_KINDS = (
    ("a prompt", re.compile(rf"(?:\w*_)?(?:instructions|(?:{_WHOSE_PROMPT})_prompt)\Z|prompt\Z")),
    ("a secret", re.compile(r"(?:\w*_)?(?:password|passwd|secret|api_?key|auth_?token|access_?token|credentials)\Z")),
    ("a phone number", re.compile(r"(?:\w*_)?(?:phone|phone_?number|phone_e164|msisdn)\Z")),
    ("a phone number", re.compile(r"(?:from|to|caller|callee|contact|customer|twilio)_(?:number|e164)\Z")),
)
# A call that turns the value into something that may be seen.
_SAFE_CALLS = word_set(
    "mask masked redact redacted obfuscate hash digest sha256 hexdigest fingerprint len bool type id isinstance count "
    "last4 shorten version"
)


class SensitiveLog(Rule):
    """Reports a log call that is given a value by a name that says prompt, secret or phone number.

    Let pass: a value inside a masking, hashing or measuring call, and names that describe it (`prompt_hash`,
    `api_key_id`).
    """

    id = "sensitive-log"
    title = "Prompt, secret or phone number written to a log"
    why = "Logs are copied, shipped and read by people who may see neither a caller's number nor a customer's prompt."
    remedy = "Log a length and a hash, a masked number (the last digits), or an id; never the value."
    bad = (
        Example('logger.info(f"prompt: {system_prompt}")'),
        Example('log.info("call.answered", caller=call.from_number)'),
        Example('self._log.warning("login failed for %s", settings.twilio_auth_token)'),
        Example('log.debug("session", instructions=session["instructions"])'),
    )
    good = (
        Example('logger.info("prompt.built", length=len(system_prompt), prompt_hash=prompt_hash)'),
        Example('log.info("call.answered", caller=mask_phone(call.from_number))'),
        Example('log.info("prompt.cache", key=prompt_version, tokens=usage.prompt_tokens)'),
    )
    hint = re.compile(r"prompt|instructions|passw|secret|key|token|credentials|phone|msisdn|_number|_e164", re.I)

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        for call in source.all(ast.Call):
            level = log_level(call)
            if level is None:
                continue
            for value in (*call.args, *(k.value for k in call.keywords if k.arg not in {"exc_info", "extra"})):
                yield from (
                    Hit(node, f"this {level} line writes {kind}: `{name}`") for node, name, kind in _seen(value)
                )


def _seen(value: ast.expr) -> Iterator[tuple[ast.AST, str, str]]:
    """Sensitive values whose own text reaches the line; the first of each chain `a.b.c` from outside decides."""
    if isinstance(value, ast.Call):
        if not _SAFE_CALLS & set(words(last_name(value.func))):
            for part in (*value.args, *(k.value for k in value.keywords)):
                yield from _seen(part)
        return
    if isinstance(value, ast.Name | ast.Attribute | ast.Subscript):
        name = _key(value) or last_name(value)
        yield from ((value, name, kind) for kind, pattern in _KINDS if pattern.match(name.lower()))
        return
    if isinstance(value, ast.IfExp):
        yield from (*_seen(value.body), *_seen(value.orelse))
        return
    if not isinstance(value, ast.Compare | ast.Lambda | ast.UnaryOp):
        for child in ast.iter_child_nodes(value):
            if isinstance(child, ast.expr):
                yield from _seen(child)


def _key(value: ast.expr) -> str:
    key = value.slice if isinstance(value, ast.Subscript) else None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
