"""What the instructions say to do in a case: "If the caller smells gas, tell them to leave the building"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.dialogue.speaking import sentence
from engine.dialogue.text import concepts

_CASE_FIRST = re.compile(
    r"^(?:(?P<lead>.*?),? so )?(?:if|when|whenever|should|in case of|in the case of|in an?|for|"
    r"on) (?P<case>[^,]+?(?:,? or [^,]+?)?)(?:,| then)? "
    r"(?P<act>(?:please )?(?:transfer|put|connect|forward|hand|tell|inform|advise|say|ask|remind|offer|take|call|"
    r"ring|go|leave|direct|refer|send|give)\b.*)$",
    re.IGNORECASE,
)
_ACT_FIRST = re.compile(
    r"^(?P<act>(?:please )?(?:transfer|put|connect|forward|hand|tell|inform|advise|offer|take|direct|"
    r"refer)\b.+?),? (?:if|when|in case of|for|whenever) (?P<case>.+?)\.?$",
    re.IGNORECASE,
)
_TRANSFER = re.compile(
    r"\b(?:transfer|put (?:the caller|them|callers|it)? ?through|connect|forward|hand (?:the caller|them|over)|"
    r"escalate)\b",
    re.IGNORECASE,
)
_MESSAGE = re.compile(r"\b(?:take|leave|offer) (?:to take )?(?:a |the )?(?:message|callback)\b", re.IGNORECASE)
_TELL = re.compile(
    r"^(?:please )?(?:tell|inform|advise|ask|remind|direct|refer) (?:them|the caller|callers|him or her|people|"
    r"the customer|the patient|the client|the guest) (?P<how>to|that|not to)? ?(?P<what>.+)$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“](?P<words>[^\"”]+)[\"”]")
_WHILE = re.compile(
    r"\b(?:while|when|if|during|outside|out of|after)\b[^,]*?\b(?:(?P<open>open)|(?P<closed>closed|office hours|"
    r"opening hours|business hours|hours))\b",
    re.IGNORECASE,
)
_GENERIC_WORDS = """report mention claim caller call customer client patient guest user someone somebody anyone
person question questions matter thing severe bad serious strong very urgent really ask want need have tell
appointment booking request issue problem while clinic office shop business query enquiry inquiry done finish say"""
_GENERIC = frozenset(_GENERIC_WORDS.split())
_ABOUT_THE_AGENT = re.compile(r"\b(?:you|your|caller is done|goodbye|end_call|finished|nothing else)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """A case and what to do in it: `kind` is transfer, message or tell; `words` what is told, or where to transfer.

    `cases` are alternatives, each a set of concepts that must all but be there; `when` limits it to "open" or "closed".
    """

    kind: str
    words: str
    cases: tuple[frozenset[str], ...]
    when: str = ""


def read_rule(text: str) -> Rule | None:
    """A rule out of one sentence of the instructions, or None."""
    match = _CASE_FIRST.match(text.strip()) or _ACT_FIRST.match(text.strip())
    if match is None or _ABOUT_THE_AGENT.search(match["case"]):
        return None
    case, act = match["case"], match["act"].strip()
    limited = _WHILE.search(f"when {case}" if case.lower().startswith("we are") else case)
    when = "" if limited is None else "open" if limited["open"] else "closed"
    cases = _cases(_WHILE.sub(" ", case) if limited else case)
    kind, words = _action(act, text)
    if kind == "message":
        # "Colour needs a test first, so for colour offer to take a message": the reason is what the caller is told.
        words = sentence(match.groupdict().get("lead") or "")
    return Rule(kind, words, cases, when) if cases and kind else None


def applies(rule: Rule, said: set[str], asking: bool, is_open: bool) -> bool:
    """Whether what was said is such a case. A question on a matter is a weaker sign than a statement."""
    if rule.when and (rule.when == "open") != is_open:
        return False
    return any(
        len(case & said) == len(case) or (not asking and len(case) > 2 and len(case & said) * 3 > len(case) * 2)
        for case in rule.cases
    )


def _cases(text: str) -> tuple[frozenset[str], ...]:
    pieces = re.split(r"\s*(?:,|\bor\b)\s*", text)
    found = (frozenset(word for word in concepts(piece) if word not in _GENERIC) for piece in pieces)
    return tuple(case for case in found if case)


def _action(act: str, whole: str) -> tuple[str, str]:
    quoted = _QUOTED.search(act)
    if quoted and not _TRANSFER.search(act):
        return "tell", sentence(quoted["words"])
    if _TRANSFER.search(act):
        return "transfer", act
    if _MESSAGE.search(act):
        return "message", act
    told = _TELL.match(act)
    if told:
        words = _to_the_caller(told["what"].rstrip("."))
        how = (told["how"] or "").lower()
        return "tell", sentence({"to": f"please {words}", "not to": f"please do not {words}"}.get(how, words))
    return (
        ("tell", sentence(whole)) if re.match(r"(?:please )?(?:call|ring|go|leave)\b", act, re.IGNORECASE) else ("", "")
    )


def _to_the_caller(words: str) -> str:
    for third, second in (
        ("themselves", "yourself"),
        ("they are", "you are"),
        ("they", "you"),
        ("them", "you"),
        ("their", "your"),
    ):
        words = re.sub(rf"\b{third}\b", second, words)
    return words
