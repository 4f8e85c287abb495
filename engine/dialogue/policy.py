"""One step of the conversation: what was heard and where it stands decide what to say and call."""

from __future__ import annotations

import re

import msgspec

from engine.dialogue import answers, errands
from engine.dialogue.acts import Heard
from engine.dialogue.slots import CALLERS_OWN_NUMBER
from engine.dialogue.state import State, World
from engine.dialogue.tools import Tool, by_family, read_result, wanted_family, wanted_other
from engine.realtime.brain import Call, Output, Say

ANYTHING_ELSE = "Is there anything else I can help you with?"
NOT_HEARD = "Sorry, I didn't catch that. Could you say it again?"
NOT_UNDERSTOOD = "Sorry, I didn't quite follow. Could you say that another way?"
_CANNOT = {
    "book": "I can't book appointments on this line.",
    "cancel": "I can't cancel appointments myself.",
    "reschedule": "I can't move appointments myself.",
    "transfer": "I can't put you through from here.",
    "message": "I can't take messages on this line.",
}
# "What happens if I cancel?" asks about an errand instead of ordering it.
_ASKS_ABOUT = re.compile(
    r"^(?:\w+ ){0,2}(?:what (?:is|are|happens|if)|how (?:do|much|long|far|many)|do i (?:need|have)|is there a|if i)\b"
)
_MOST_FAILURES = 3


def on_user(state: State, text: str, world: World) -> list[Output]:
    """The reply to what a caller said; `state` moves on."""
    heard = Heard(text)
    outputs = _reply(state, heard, world)
    said = " ".join(one.text for one in outputs if isinstance(one, Say))
    if said:
        state.said = said
    return outputs


def on_result(state: State, name: str, output: str, world: World) -> list[Output]:
    """The reply to a tool's output."""
    tool = next((one for one in world.tools if one.name == name), None)
    if tool is not None and tool.family == "end":
        return []
    result = read_result(output)
    if not result.ok and state.errand is not None and state.errand.tool.name == name:
        return _say(state, _retry(state, result.message or "That did not work."))
    state.errand = None
    message = result.message or ("That is done." if result.ok else "I'm sorry, that did not work.")
    if state.leaving:
        return [Say(f"{message} {_farewell(world)}"), *_hang_up(world)]
    state.offer = "more"
    return _say(state, message if message.endswith("?") else f"{message} {ANYTHING_ELSE}")


def on_silence(state: State) -> list[Output]:
    """The reply when the agent is asked to speak although it spoke last: the caller has been silent."""
    return [Say(f"Are you still there? {state.said}" if state.errand else "Are you still there?")]


def greeting(world: World) -> str:
    """The words for a call's first moment when the client gave none."""
    at = f" {world.knowledge.business}" if world.knowledge.business else ""
    return f"Hello, thank you for calling{at}. How can I help you?"


def _say(state: State, text: str) -> list[Output]:
    state.said = text
    return [Say(text)]


def _reply(state: State, heard: Heard, world: World) -> list[Output]:
    if state.left and (not heard.plain or (heard.words <= 3 and (heard.thanks or heard.yes or heard.hello))):
        # "Goodbye" came in two breaths, or the line only rustled: the farewell was cut off and is said again.
        return _leave(state, world, "")
    if not heard.plain:
        return [Say(state.said if state.errand and state.said else NOT_HEARD)]
    if heard.repeat and heard.words <= 9:
        return [Say(state.said or greeting(world))]
    if heard.wait and heard.words <= 8 and not heard.question:
        return [Say("Of course, take your time.")]
    if state.errand is not None and not state.errand.called:
        return _in_errand(state, heard, world)
    return _offered(state, heard, world) or _fresh(state, heard, world)


# -- during an errand --------------------------------------------------------------------------------------------------


def _in_errand(state: State, heard: Heard, world: World) -> list[Output]:
    errand = state.errand
    assert errand is not None
    free_text = errand.asking is not None and errand.tool.slot(errand.asking).kind in ("message", "text")
    if heard.forget and not free_text:
        state.errand, state.offer = None, "more"
        return [Say(f"All right, I will leave that. {ANYTHING_ELSE}")]
    if errand.confirming:
        return _confirming(state, heard, world)
    own = _own_number(state, heard, world)
    if own is not None:
        return own
    if errands.take(errand, heard, world):
        errand.failures = 0
        return advance(state, world)
    return _side_step(state, heard, world)


def advance(state: State, world: World) -> list[Output]:
    """Ask for what is missing, else read back, else call."""
    errand = state.errand
    assert errand is not None
    words = errands.problem(errand, world) or errands.next_question(errand, world)
    if words is not None:
        return [Say(words)]
    if errand.tool.confirmed:
        errand.confirming = True
        return [Say(errands.read_back(errand))]
    return _call(state)


def _call(state: State) -> list[Output]:
    errand = state.errand
    assert errand is not None
    errand.confirming = False
    call = errands.call(errand)
    return [Say("One moment, please."), call] if errand.tool.family == "transfer" else [call]


def _confirming(state: State, heard: Heard, world: World) -> list[Output]:
    errand = state.errand
    assert errand is not None
    if errands.correct(errand, heard, world):
        errand.confirming = False
        return advance(state, world)
    if heard.yes and not heard.no:
        state.leaving = heard.goodbye or heard.finished
        return _call(state)
    slot = errands.named_slot(errand, heard)
    if slot is not None and (heard.no or not heard.question):
        errand.values.pop(slot.name, None)
        errand.confirming = False
        return advance(state, world)
    if heard.goodbye:
        return _leave(state, world, "I have not booked anything. " if errand.tool.family == "book" else "")
    if heard.no:
        return [Say("Sorry about that. What should I change?")]
    return _side_step(state, heard, world)


def _own_number(state: State, heard: Heard, world: World) -> list[Output] | None:
    """A yes or no to being called back on the caller's own number."""
    errand = state.errand
    assert errand is not None
    asking = errand.asking and errand.tool.slot(errand.asking).kind == "phone"
    if not asking or not world.number_known:
        return None
    if heard.yes and not heard.no and not any(char.isdigit() for char in heard.text):
        errand.values[str(errand.asking)] = CALLERS_OWN_NUMBER
        return advance(state, world)
    return [Say("What number can we call you back on?")] if heard.no and heard.words <= 3 else None


def _side_step(state: State, heard: Heard, world: World) -> list[Output]:
    """Something else in the middle of an errand: a question, a goodbye, or words that fit nothing."""
    errand = state.errand
    assert errand is not None
    again = errands.read_back(errand) if errand.confirming else errands.next_question(errand, world) or ""
    if heard.goodbye or heard.finished:
        return _leave(state, world, "")
    known = _answers(heard, world, state)
    if known:
        return [Say(f"{known} {again}")]
    errand.failures += 1
    if errand.failures >= _MOST_FAILURES and errand.tool.family != "message":
        state.errand = None
        return _unknown(state, heard, world, "I'm sorry, I'm having trouble understanding.")
    if heard.question and "?" in heard.text:
        return [Say(f"I'm sorry, I don't know that. {again}")]
    return [Say(f"Sorry, I didn't catch that. {again}")]


def _retry(state: State, message: str) -> str:
    errand = state.errand
    assert errand is not None
    errand.called = errand.confirming = False
    timed = [slot.name for slot in errand.tool.slots if slot.kind in ("date", "time", "datetime")]
    errand.asking = timed[0] if timed else None
    if message.rstrip().endswith("?"):
        return message
    return f"{message} {'What other day or time would suit you?' if timed else 'What should I change?'}"


# -- between errands ---------------------------------------------------------------------------------------------------


def _offered(state: State, heard: Heard, world: World) -> list[Output] | None:
    """The answer to "anything else?" or "shall I take a message?"."""
    offer, state.offer = state.offer, None
    if offer is None or wanted_family(heard) is not None:
        return None
    if (heard.goodbye or heard.finished) and "?" not in heard.text:
        return _leave(state, world, "")
    short = heard.words <= 4
    if offer == "message" and heard.yes and not heard.no:
        return _take_message(state, world)
    if offer == "message" and heard.no and not heard.goodbye and short:
        state.offer = "more"
        return [Say(f"All right. {ANYTHING_ELSE}")]
    if (
        offer == "more"
        and (heard.no or (heard.thanks and not heard.yes))
        and not heard.question
        and (short or heard.thanks)
    ):
        return _leave(state, world, "")
    if offer == "more" and heard.yes and heard.words <= 3:
        return [Say("What else can I help you with?")]
    return None


def _take_message(state: State, world: World) -> list[Output]:
    tool = by_family(world.tools, "message")
    if tool is None:
        return [Say(f"I'm sorry, I can't take messages on this line. {ANYTHING_ELSE}")]
    state.errand = errands.begin(tool, "", world)
    about = next((slot.name for slot in tool.slots if slot.kind == "message"), None)
    if about and state.offered_text:
        state.errand.values[about] = state.offered_text
    return advance(state, world)


def _fresh(state: State, heard: Heard, world: World) -> list[Output]:
    family = wanted_family(heard)
    if (heard.goodbye or heard.finished) and family is None and "?" not in heard.text:
        return _leave(state, world, "")
    wishes = [Heard(part) for part in answers.pieces(heard.text)]
    wishes = [part for part in wishes if wanted_family(part) is not None] or [heard]
    about = all(part.question and _ASKS_ABOUT.search(part.plain) for part in wishes)
    if about and (known := _answers(heard, world, state)):
        return [Say(known)]
    if family is not None:
        return _wanted(state, heard, world, family)
    other = wanted_other(heard, world.tools)
    if other is not None:
        return _start(state, other, heard.text, world)
    return _talk(state, heard, world)


def _wanted(state: State, heard: Heard, world: World, family: str) -> list[Output]:
    tool = by_family(world.tools, family)
    if tool is None:
        return _unknown(state, heard, world, _CANNOT[family])
    parts = answers.pieces(heard.text)
    asked = [part for part in parts if wanted_family(Heard(part)) is None and Heard(part).question]
    known = [found[0] for part in asked if (found := answers.answer(part, world)) is not None]
    told = " ".join(part for part in parts if part not in asked or not known)
    reply = _start(state, tool, told, world)
    if known and isinstance(reply[0], Say):
        return [Say(f"{' '.join(known)} {reply[0].text}"), *reply[1:]]
    return reply


def _start(state: State, tool: Tool, text: str, world: World) -> list[Output]:
    state.errand = errands.begin(tool, text, world)
    reply = advance(state, world)
    if isinstance(reply[0], Say) and tool.family in ("book", "message") and reply[0].text.startswith("What"):
        return [Say(f"Certainly. {reply[0].text}"), *reply[1:]]
    return reply


def _talk(state: State, heard: Heard, world: World) -> list[Output]:
    small = _small_talk(heard, world)
    known = _answers(heard, world, state)
    if known:
        state.misses = 0
        return [Say(known)]
    if small:
        return [Say(small)]
    if heard.forget:
        state.offer = "more"
        return [Say(f"All right. {ANYTHING_ELSE}")]
    if heard.question:
        return _unknown(state, heard, world, "I'm sorry, I don't know that.")
    if heard.thanks:
        state.offer = "more"
        return [Say(f"You're welcome. {ANYTHING_ELSE}")]
    if heard.no and heard.words <= 4:
        return _leave(state, world, "")
    state.misses += 1
    if state.misses >= 2:
        return _unknown(state, heard, world, "I'm sorry, I still don't follow.")
    return [Say(NOT_UNDERSTOOD)]


def _small_talk(heard: Heard, world: World) -> str | None:
    name = world.knowledge.business
    if heard.machine:
        return f"I'm the automated assistant{f' of {name}' if name else ''}. How can I help you?"
    if heard.who:
        speaker = f"{name}, the automated assistant speaking" if name else "the automated assistant"
        return f"This is {speaker}. How can I help you?"
    if heard.how_are_you:
        return "I'm very well, thank you. How can I help you?"
    if heard.hello:
        return "Hello, I'm here. How can I help you?"
    if heard.rude:
        return "I'm sorry that this is frustrating. Tell me what you need, and I will do my best."
    if heard.yes and heard.words <= 3:
        return "How can I help you?"
    return None


def _answers(heard: Heard, world: World, state: State) -> str | None:
    """What the instructions answer, question by question; an unanswered one among several is named as such."""
    parts = answers.pieces(heard.text)
    asked = [part for part in parts if Heard(part).question] or parts
    found = [answers.answer(part, world) for part in asked]
    known = [one for one in found if one is not None]
    if not known:
        return answers.more_hours(heard, state.topic, world)
    state.topic = known[-1][1]
    words = " ".join(dict.fromkeys(one[0] for one in known))
    lost = any(
        one is None and Heard(part).question and len(part.split()) > 2 for part, one in zip(asked, found, strict=True)
    )
    return f"{words} I'm afraid I don't know about the rest." if lost and len(asked) > 1 else words


def _unknown(state: State, heard: Heard, world: World, why: str) -> list[Output]:
    state.misses = 0
    if by_family(world.tools, "message") is None:
        return [Say(f"{why} Is there something else I can help you with?")]
    state.offer, state.offered_text = "message", heard.text
    return [Say(f"{why} Shall I take a message for the team?")]


# -- leaving -----------------------------------------------------------------------------------------------------------


def _leave(state: State, world: World, before: str) -> list[Output]:
    state.errand, state.left = None, True
    return [Say(f"{before}{_farewell(world)}"), *_hang_up(world)]


def _farewell(world: World) -> str:
    name = world.knowledge.business
    return f"Thank you for calling{f' {name}' if name else ''}. Goodbye."


def _hang_up(world: World) -> list[Output]:
    tool = by_family(world.tools, "end")
    if tool is None:
        return []
    values = {slot.name: "The caller said goodbye." for slot in tool.slots if slot.required or slot.kind == "reason"}
    return [Call(tool.name, msgspec.json.encode(values).decode())]
