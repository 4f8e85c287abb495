"""Corrections of what was read back: "no, Thursday", "not two, three", "Dr. Nguyen, not Dr. Patel"."""

from __future__ import annotations

import re

from engine.dialogue import filling, spelling
from engine.dialogue.acts import Heard
from engine.dialogue.clock import in_part
from engine.dialogue.names import resembles
from engine.dialogue.numbers import digits_for_words
from engine.dialogue.services import find_choice, find_service
from engine.dialogue.speaking import sentence
from engine.dialogue.state import Errand, World
from engine.dialogue.values import affirmed, find, said_time

_LEAD = re.compile(r"^(?:(?:oh|um|sorry|actually|no|nope|not quite|yes|but|and|well|wait)\b[,. ]*)+", re.IGNORECASE)
_ADDED = re.compile(
    r"^(?:(?:yes|no|oh|and|also|plus|actually|could you|can you|please|sorry)\b[,. ]*)*?\b(?:also|add|plus|and)\b "
    r"(?P<rest>.+)$",
    re.IGNORECASE,
)
_OF_A_MESSAGE = re.compile(r"\b(?:also|add|tell|say|mention)\b")
_X_NOT_Y = re.compile(
    r"(?:^|[,.;:] |\b(?:no|sorry|it's|is|to|for) )(?P<new>[^,.;:]+?),? (?:and )?not (?P<old>[^,.;!?]+)", re.IGNORECASE
)
_NOT_Y_X = re.compile(
    r"\bnot (?P<old>[^,.;!?]+?)(?:,| but)(?: but)? (?:it's |it is |to |for )?(?P<new>[^,.;!?]+)", re.IGNORECASE
)
_DETERMINER = re.compile(r"^(?:the|my|our|a|an|his|her) ", re.IGNORECASE)
_TITLE = r"Dr|Mr|Mrs|Ms|St"
_LONGEST_NAME = 3
_LONGEST_CHOICE = 8


def correct(errand: Errand, heard: Heard, world: World) -> bool:
    """Take a correction of what was read back; says whether anything changed."""
    before = dict(errand.values)
    errand.asking = None
    rest = affirmed(_LEAD.sub("", heard.text.strip()))
    if not denied(errand, heard, world) and not _number(errand, heard, rest, world):
        filling.take(errand, heard, world)
    if errand.values == before:
        _barely(errand, heard, rest, world)
    return errand.values != before


def _barely(errand: Errand, heard: Heard, rest: str, world: World) -> None:
    """A correction without cue words, tried kind by kind: the first that fits is meant."""
    for attempt in (_words, _addition, _time, _choice, _service, _name):
        if attempt(errand, heard, rest, world):
            return


def _number(errand: Errand, heard: Heard, rest: str, world: World) -> bool:
    """ "Not two, three": the number that was read back is the one that is wrong, though three is a time as well."""
    denied = re.findall(r"\bnot (?:for )?(\d+)\b", digits_for_words(heard.plain))
    for slot in errand.tool.slots:
        if slot.kind != "number" or errand.values.get(slot.name) not in denied:
            continue
        figure = find(slot, rest, filling.setting(errand, slot, world), asked=True)
        if figure is not None:
            errand.values[slot.name] = figure
            return True
    return False


def denied(errand: Errand, heard: Heard, world: World) -> bool:
    """ "No, not Kate Moss, Kate Ross", while something else is asked: another name for the one that is denied."""
    slot = errand.tool.of_kind("name")
    old = errand.values.get(slot.name, "") if slot is not None else ""
    said = re.search(rf"\bnot (?:for )?{re.escape(old)}\b[,.]?", heard.text, re.IGNORECASE) if old else None
    if slot is None or said is None:
        return False
    rest = _LEAD.sub("", f"{heard.text[: said.start()]} {heard.text[said.end() :]}".strip())
    name = find(slot, rest, filling.setting(errand, slot, world), asked=True)
    if name is None or name == old or len(name.split()) > _LONGEST_NAME:
        return False
    errand.values[slot.name] = name
    return True


def _words(errand: Errand, heard: Heard, rest: str, world: World) -> bool:
    """ "Dr. Nguyen, not Dr. Patel" in a text that was taken down: one for the other."""
    plain = re.sub(rf"\b({_TITLE})\. ", r"\1 ", heard.text)
    for match in (found for pattern in (_X_NOT_Y, _NOT_Y_X) if (found := pattern.search(plain))):
        new = re.sub(r"^(?:no|sorry|it's|it is|i said|to|for)\b,? ", "", match["new"].strip(), flags=re.IGNORECASE)
        if _replaced(errand, match["old"].strip(), new):
            return True
    return False


def _replaced(errand: Errand, old: str, new: str) -> bool:
    """One for the other; "the right one" is the right of whatever the other was."""
    old, new = _DETERMINER.sub("", old), _DETERMINER.sub("", new)
    new = re.sub(r"\bone$", old.split()[-1], new) if old else new
    words = [re.escape(word) for word in old.split()]
    said = re.compile(r"\b" + r"\.? ".join(words) + r"\b", re.IGNORECASE)
    for slot in errand.tool.slots:
        value = errand.values.get(slot.name, "")
        if slot.kind in filling.FREE and said.search(value):
            errand.values[slot.name] = said.sub(new.replace("\\", ""), value)
            return True
    return False


def _addition(errand: Errand, heard: Heard, rest: str, world: World) -> bool:
    """ "Also tell her I am sorry" adds to a message; "yes, and hurry up" only agrees."""
    slot, added = errand.tool.of_kind("message"), _ADDED.search(heard.text)
    if slot is None or added is None or errand.tool.family != "message" or heard.words <= 3:
        return False
    if heard.yes and not _OF_A_MESSAGE.search(heard.plain):
        return False
    more = find(slot, added["rest"], filling.setting(errand, slot, world)) or sentence(added["rest"])
    errand.values[slot.name] = f"{errand.values.get(slot.name, '')} {more}".strip()
    return True


def _time(errand: Errand, heard: Heard, rest: str, world: World) -> bool:
    slot = errand.tool.of_kind("time", "new") or errand.tool.of_kind("time")
    if slot is None:
        return False
    said = said_time(rest, filling.setting(errand, slot, world), heard.words <= 4)
    if said is not None:
        errand.said[slot.name] = in_part(said, errand.part)
        filling.settle_times(errand, world)
    return said is not None


def _choice(errand: Errand, heard: Heard, rest: str, world: World) -> bool:
    """ "Not full, basic": another of a schema's choices, by a part of its name."""
    for slot in errand.tool.slots:
        if slot.kind != "choice" or slot.name not in errand.values or heard.words > _LONGEST_CHOICE:
            continue
        chosen = find_choice(slot.choices, rest, asked=True)
        if chosen is not None and chosen != errand.values[slot.name]:
            errand.values[slot.name] = chosen
            return True
    return False


def _service(errand: Errand, heard: Heard, rest: str, world: World) -> bool:
    slot = errand.tool.of_kind("service")
    if slot is None or not re.match(r"(?:it's |it is |for |just )?(?:a|an) [a-z]", rest):
        return False
    thing = find_service(rest, True)
    if thing is not None:
        errand.values[slot.name] = thing
    return thing is not None


def _name(errand: Errand, heard: Heard, rest: str, world: World) -> bool:
    slot = errand.tool.of_kind("name")
    if slot is None:
        return False
    if (word := spelling.with_letter(rest)) is not None:
        filling.put(errand, slot, word)
        return True
    spelled = bool(spelling.spelled(rest))
    meant = heard.no or spelled or resembles(errand.values.get(slot.name, ""), rest)
    if not meant or not (rest[:1].isupper() or spelled):
        return False
    name = find(slot, rest, filling.setting(errand, slot, world), asked=True)
    if name is None or len(name.split()) > _LONGEST_NAME:
        return False
    filling.put(errand, slot, name)
    return True
