"""What a call was about, in two to four sentences taken from what was really said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.dialogue.acts import Heard
from engine.dialogue.answers import pieces
from engine.dialogue.speaking import listed, sentence
from engine.dialogue.text import sentences
from engine.dialogue.wishes import wanted_family

_LINE = re.compile(
    r"^\s*(?:[\[(]?\d[\d:.,\s–-]*s?[\])]?\s*)?(?:[-*]\s*)?(?P<who>[A-Za-z][A-Za-z ()]{1,24}?)\s*:\s*(?P<text>.+)$"
)
_CALLER = re.compile(r"\b(caller|customer|user|client|guest|patient)\b", re.IGNORECASE)
_AGENT = re.compile(r"\b(agent|assistant|receptionist|frontdesk|front desk|ai|bot|business)\b", re.IGNORECASE)
_BOOKED = re.compile(
    r"\b(booked|confirmed|is booked|appointment is set|reserved|rescheduled|moved to|cancelled)\b", re.IGNORECASE
)
_NOT_DONE = re.compile(r"\b(not|n't|can't|cannot|could not|unable|sorry)\b", re.IGNORECASE)
_READ_BACK = re.compile(r"^so (?:that is|you would like)\b.*", re.IGNORECASE)
_MESSAGE_BACK = re.compile(r"\bI will pass on this message\b.*", re.IGNORECASE)
_MESSAGE_SAVED = re.compile(
    r"\bmessage (?:was|is|has been) (?:saved|taken|passed|noted|sent)\b|\bpass (?:it|that) on\b", re.IGNORECASE
)
_UNKNOWN = re.compile(r"\bI(?:'m| am)? (?:sorry,? I )?(?:don't|do not) (?:know|have)\b", re.IGNORECASE)
_ERRANDS = {
    "book": "to book an appointment",
    "cancel": "to cancel an appointment",
    "reschedule": "to move an appointment",
    "message": "to leave a message",
    "transfer": "to speak to a person",
}
_MOST_QUESTIONS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript; `caller` is None when the transcript does not say who spoke."""

    text: str
    caller: bool | None


@dataclass(slots=True)
class CallSummary:
    """✅ OWNER of a call's summary: every field is taken from the transcript, or empty."""

    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    errands: list[str] = field(default_factory=list)
    appointment: str = ""
    message: str = ""
    unanswered: list[str] = field(default_factory=list)
    outcome: str = ""

    @property
    def reason(self) -> str:
        """Why they called."""
        asked = [f'asked "{question.rstrip(".")}"' for question in self.questions[:_MOST_QUESTIONS]]
        wanted = [f"wanted {one}" for one in self.errands]
        return sentence(f"The caller {listed([*asked, *wanted])}") if asked or wanted else ""

    def text(self) -> str:
        """Two to four sentences."""
        told = listed([f'"{answer.rstrip(".")}"' for answer in self.answers[:_MOST_QUESTIONS]])
        said = [
            self.reason,
            sentence(f"They were told {told}") if told else "",
            self.appointment or self.message,
            self.outcome,
        ]
        kept = [one for one in said if one]
        return " ".join(kept) if kept else "Nothing that could be understood was said in this call."


def read_lines(transcript: str) -> list[Line]:
    """A transcript's lines, with their speaker where it is named."""
    lines: list[Line] = []
    for raw in transcript.splitlines():
        named = _LINE.match(raw)
        if named and (_CALLER.search(named["who"]) or _AGENT.search(named["who"])):
            lines.append(Line(named["text"].strip(), bool(_CALLER.search(named["who"]))))
        elif raw.strip():
            lines.append(Line(raw.strip(), None))
    return lines


def summarise(lines: list[Line]) -> CallSummary:
    """The summary of a call; honest about what was asked and not answered, wanted and not done."""
    result = CallSummary()
    for at, line in enumerate(lines):
        if line.caller is not False:
            _note_caller(result, line, lines[at + 1 :])
        if line.caller is not True:
            _note_agent(result, line.text)
    result.outcome = _outcome(result, lines)
    return result


def _note_caller(result: CallSummary, line: Line, after: list[Line]) -> None:
    for piece in pieces(line.text):
        heard = Heard(piece)
        family = wanted_family(heard)
        if family in _ERRANDS and (line.caller or not heard.text.endswith("?")):
            wish = _ERRANDS[family]
            if wish not in result.errands:
                result.errands.append(wish)
        elif (
            heard.question
            and heard.words > 2
            and (line.caller or heard.text.endswith("?"))
            and not _is_prompt(piece, line)
        ):
            result.questions.append(piece)
            _note_answer(result, piece, after)


def _is_prompt(piece: str, line: Line) -> bool:
    """The agent's own questions, where nobody says who speaks."""
    return line.caller is None and bool(
        re.search(r"\b(help you|is that right|would you like|would suit|name is it)\b", piece, re.IGNORECASE)
    )


def _note_answer(result: CallSummary, question: str, after: list[Line]) -> None:
    reply = next((line for line in after if line.caller is not True), None)
    if reply is None or (after and after[0].caller):
        return
    told = [piece for piece in sentences(reply.text) if not piece.endswith("?")]
    if _UNKNOWN.search(reply.text):
        result.unanswered.append(question)
    elif told and told[0] not in result.answers:
        result.answers.append(told[0])


def _note_agent(result: CallSummary, text: str) -> None:
    for piece in sentences(text):
        if _BOOKED.search(piece) and not _NOT_DONE.search(piece) and not piece.endswith("?"):
            result.appointment = sentence(piece)
        message = _MESSAGE_BACK.search(piece)
        if message:
            result.message = sentence(f"A message was read back: {message[0].split('message', 1)[1].strip()}")
        elif _MESSAGE_SAVED.search(piece):
            result.message = result.message.replace("was read back", "was taken") or "A message was taken."


def _outcome(result: CallSummary, lines: list[Line]) -> str:
    spoken = " ".join(line.text for line in lines)
    if not result.appointment and any("appointment" in wish for wish in result.errands):
        proposed = any(_READ_BACK.match(line.text) for line in lines)
        return "An appointment was read back but not confirmed." if proposed else "No appointment was made."
    if result.unanswered and not result.message:
        return sentence(f'The question "{result.unanswered[0]}" was not answered')
    if Heard(lines[-1].text).goodbye if lines else False:
        return "The call ended with a goodbye."
    return "The call ended without a goodbye." if spoken else ""
