"""Answers to what is neither a wish nor a question on the business: greetings, who speaks, rudeness, other languages,
and the requests that an honest receptionist turns down."""

from __future__ import annotations

import re

from engine.dialogue.acts import Heard
from engine.dialogue.languages import asked_language, foreign
from engine.dialogue.speaking import listed
from engine.dialogue.state import World
from engine.dialogue.text import normal

HELP = "How can I help you?"
_INJECTION = re.compile(
    r"\b(?:(?:ignore|disregard|forget|override|bypass) (?:\w+ ){0,4}(?:instructions?|prompts?|rules|guidelines|"
    r"you (?:were|have been) told|training|programming)|"
    r"(?:system|initial|hidden|original|secret|your) (?:prompt|message|instructions?|rules|programming|guidelines|"
    r"configuration|settings)|"
    r"(?:developer|debug|admin|god|jailbreak|test) mode|jailbreak|you are now (?:a|an|in|the|called|free|dan|my)|"
    r"(?:pretend|act|behave|roleplay|role play) (?:to be|you are|as if|as though|as an?|like (?:a|an|you))|"
    r"from now on you|new instructions|"
    r"(?:what|which) (?:were|are|have) you (?:been )?(?:told|instructed|programmed)|what (?:instructions|"
    r"rules) (?:do|were|have) you|"
    r"(?:repeat|print|read|tell me|reveal|show|recite|output) (?:\w+ ){0,4}(?:prompt|instructions|everything above|"
    r"words above|text above)|"
    r"api key|your (?:source )?code|access (?:code|token)s?)\b"
)
_PERSON_OF = (
    r"(?:(?:mr|mrs|ms|miss|dr) \w+|my (?:wife|husband|partner|girlfriend|boyfriend|ex|boss|friend|neighbour|neighbor|"
    r"colleague|sister|brother|mother|father|mum|dad)|\w+)"
)
_OTHERS = re.compile(
    r"\b(?:other|another|previous|last|next|your|any) (?:customers?|clients?|patients?|callers?|guests?|people|"
    r"person)(?:'s)?\b.*|"
    rf"\b(?:when|what time|what day|is|are|was|did|does|has|have|whether|if|about|see|"
    rf"tell me) (?:\w+ ){{0,3}}{_PERSON_OF}'s? (?:\w+ )?(?:appointment|booking|reservation|details|number|address|"
    rf"record|records|phone|results?)\b|"
    rf"\b(?:did|does|has|have|is|was) {_PERSON_OF} (?:\w+ )?(?:come|been|booked|have|got|visit|call|called|coming|"
    rf"a (?:customer|client|patient|regular))(?: \w+){{0,3}}(?: appointment| booking| in| there| today| yesterday|"
    rf" tomorrow| here|$)"
)
_WHO_ELSE = re.compile(
    r"\bwho (?:else )?(?:is|was|has|have|are) (?:\w+ ){0,2}?(?:booked|coming|in(?! charge)|there|next|before|after|"
    r"seeing|seen|got|"
    r"your (?:\w+ )?(?:customers?|clients?|patients?))\b|\b(?:list|names?|details|"
    r"numbers?) of (?:[\w']+ ){0,3}?(?:customers?|"
    r"clients?|patients?|callers?|appointments?|bookings?)\b"
)
_PRIVATE_DETAIL = re.compile(
    r"\b\w+'s? (?:home |personal |private |mobile |cell |phone |telephone |direct )+(?:number|address|phone|email|"
    r"details)\b|"
    r"\b(?:home address|personal (?:number|email|phone|details)|mobile number|private number|phone number|"
    r"telephone number|number|address) (?:of|for) (?!the (?:salon|shop|business|clinic|practice|restaurant|office)|"
    r"you|my|me)\w+|"
    r"\bwhere (?:does|do) (?!this|the|you|i|we)\w+ live\b|"
    r"\bhow old is (?!the\b|this\b|it\b|your (?:shop|place|building))"
)
_NOT_OTHERS = (
    "my",
    "our",
    "your",
    "the",
    "it",
    "this",
    "that",
    "there",
    "i",
    "we",
    "you",
    "today",
    "tomorrow",
    "an",
    "a",
    "any",
    "what",
    "let",
    "here",
)
_CARD = re.compile(
    r"\b(?:card number|my card is|credit card (?:number|details)|cvv|cvc|security code|sort code|account number|"
    r"expiry date)\b|\b(?:\d[ -]?){15,16}\b"
)
_ABILITY = re.compile(
    r"\b(?:what (?:can|do) you do|what (?:else )?can you (?:help|do)|how can you help|what are you (?:able|for)|"
    r"what (?:are my )?options)\b"
)
_CLOCK = re.compile(
    r"\b(?:what time is it|what is the time|what day is it|what day is today|what is (?:the|today's) date|"
    r"what is today)\b"
)
_FLATTERY = re.compile(
    r"\b(?:you are (?:very |so |really )?(?:nice|kind|helpful|great|lovely|sweet|funny|good|the best|amazing|"
    r"brilliant)|i (?:love|like) you|well done|good job|nice voice)\b"
)
_WEATHER = re.compile(
    r"\b(?:lovely|nice|terrible|awful|horrible|rainy|cold|hot|beautiful|gorgeous) (?:day|weather|out)\b|"
    r"\bweather\b.*\b(?:is not it|today|terrible|lovely|awful)\b"
)
_UNHAPPY = re.compile(
    r"\b(?:frustrat\w+|annoy\w+|angry|fed up|upset|furious|disappointed|unacceptable|disgusting|terrible (?:service|"
    r"experience)|awful|waste of time|"
    r"been waiting|waited (?:for )?(?:ages|hours|\d+)|third time|second time i|keep (?:calling|ringing)|hate (?:this|"
    r"these))\b"
)
_WANTED = {
    "book": "book an appointment", "availability": "see what is free", "reschedule": "move an appointment",
    "cancel": "cancel an appointment",
    "message": "take a message", "transfer": "put you through",
}  # fmt: skip


def refusal(heard: Heard, world: World) -> str | None:
    """Words for what must not be done or told, whatever else is under way."""
    plain = heard.plain
    if _INJECTION.search(plain):
        return (
            f"I'm sorry, I can't share or change how I work. I am here to help with "
            f"{world.knowledge.business or 'this business'}."
        )
    if _about_others(heard):
        return "I'm sorry, I can't give out information about other people."
    if _CARD.search(plain) and not re.search(r"\bdo you (?:take|accept|need)\b|\bcan i pay\b", plain):
        return "Please don't give me any card or account details: I can't take payments."
    return None


def _about_others(heard: Heard) -> bool:
    plain = heard.plain
    if _WHO_ELSE.search(plain):
        return True
    if _PRIVATE_DETAIL.search(plain) and not re.search(r"^(?:my|our|yes|no)\b|\b(?:is my|my name|i am|your)\b", plain):
        return True
    match = _OTHERS.search(plain) if heard.question else None
    if match is None or re.search(r"\b(?:my|our) (?:\w+ )?(?:appointment|booking|reservation)\b", plain):
        return False
    owner = re.search(r"(\w+)'s", match[0])
    if owner and owner[1] in _NOT_OTHERS:
        return False
    named = re.search(r"\b(?:did|does|has|have|is|was) (\w+)", match[0])
    if owner is None and named and (named[1] in _NOT_OTHERS and "my " not in match[0]):
        return False
    if owner is None and re.match(r"(?:other|another|previous|last|next|your|any) ", match[0]):
        return bool(
            re.search(
                r"\b(?:who|name|said|say|asked|number|details|booked|want|wanted|told|information|list|appointments?|"
                r"bookings?)\b",
                plain,
            )
        )
    return (
        owner is not None
        or any(
            word[:1].isupper() and word.lower() == (named[1] if named else "")
            for word in re.findall(r"\w+", heard.text)
        )
        or "my " in match[0]
    )


def foreign_words(heard: Heard, world: World) -> str | None:
    """The honest answer to another language, in English."""
    if foreign(heard.text):
        return "I'm sorry, I only speak English."
    named = asked_language(heard.plain)
    if named is None:
        return None
    if named == "english":
        return "Yes, I speak English."
    return (
        f"I'm sorry, I only speak English, not {named.capitalize()}." if named else "I'm sorry, I only speak English."
    )


def small_talk(heard: Heard, world: World) -> str | None:
    """Friendly words, without the question that comes back to the matter."""
    name = world.knowledge.business
    if heard.machine:
        return f"I'm the automated assistant{f' of {name}' if name else ''}, not a person."
    if heard.who and _asks_who(heard, world):
        return f"This is {name}, the automated assistant speaking." if name else "This is the automated assistant."
    if heard.how_are_you:
        return "I'm very well, thank you."
    if heard.hello:
        return "Hello, I'm here."
    if _ABILITY.search(heard.plain):
        return abilities(world)
    if _CLOCK.search(heard.plain):
        now = world.context.now
        return f"It is {now:%A} {now.day} {now:%B}, {now:%H:%M}."
    if heard.rude or _UNHAPPY.search(heard.plain):
        return "I'm sorry that this is frustrating."
    if _FLATTERY.search(heard.plain):
        return "Thank you, that is kind of you."
    return "It is, isn't it?" if _WEATHER.search(heard.plain) and not heard.question else None


def _asks_who(heard: Heard, world: World) -> bool:
    """ "Is this Harbour Hair?" asks who answers; "is this the best time?" does not."""
    asked = re.search(r"\b(?:is this|is that|am i through to|do i have)(?: the)? (?P<what>[\w' &-]+)$", heard.plain)
    if asked is None:
        return True
    return bool(set(asked["what"].split()) & set(normal(world.knowledge.business).split()))


def abilities(world: World) -> str:
    """What the session's tools let the agent do, and answering questions."""
    families = {tool.family for tool in world.tools}
    able = [words for family, words in _WANTED.items() if family in families]
    about = world.knowledge.business or "the business"
    return f"I can {listed([f'answer questions about {about}', *able])}."
