"""What a caller wants done: which kind of errand is in their words, whether or not there is a tool for it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.dialogue.acts import Heard

_THINGS = (
    "appointment booking reservation slot haircut cut trim table consultation checkup check-up cleaning viewing lesson "
    "massage session visit repair service fitting test treatment facial manicure course class room place space spot"
)
_BOOKABLE = f"(?:{'|'.join(_THINGS.split())})s?"
_WHAT_IS_BOOKED = (
    r"(?:appointments?|bookings?|reservations?|visit|slot|table|it|that|one|haircut|session|check-?up|time|day|date|"
    r"things?|lessons?|class|meeting|consultation|viewing|treatment|delivery|collection|room|stay|trip|service|tests?|"
    r"massage|repair)"
)
_HAS = r"(?:my|our|the|an|his|her|their|this|that|\w+'s)"
_SOMEBODY = (
    r"(?:(?:dr|doctor|mr|mrs|ms|miss) \w+|him|her|them|the (?!time|day|difference)\w+(?: \w+(?:er|or|ist|ian))?"
    r"|(?!me\b|you\b|us\b)[a-z]+)"
)
_WISH = (
    r"(?:(?:would|'d) (?:like|love|prefer)|want(?:ed)?|need|hoping|looking|trying|after|wish|calling|ringing|phoning|"
    r"like|here|able|possible|can i|could i|can we|could we|may i|let me|please|get me|help me|want you|need you|"
    r"just|is it)"
)

_CANCEL = re.compile(
    rf"\b(?:cancel(?:ling|ing)?|call off|get rid of|withdraw)\b(?: \w+)*? {_WHAT_IS_BOOKED}\b|\b(?:cancel|call off)\b|"
    rf"\b{_WISH}\b.*\bcancel(?:ling|ing)?\b"
)
_NOT_CANCEL = re.compile(r"\b(?:cancellation|cancellations|cancelled|canceled)\b")
_RESCHEDULE = re.compile(
    r"\b(?:reschedul\w*|rebook\w*|rearrang\w*|postpon\w*)\b|"
    r"\bput (?:it|that|(?:my|the|our) \w+) (?:back|forward|off|to)\b|"
    r"\b(?:mov(?:e|ing)|chang(?:e|ing)|bring|push|shift|switch|swap|alter|delay|modify)\b(?: \w+'?s?){0,8}?"
    rf" {_WHAT_IS_BOOKED}\b|"
    rf"\b{_HAS} {_WHAT_IS_BOOKED} (?:\w+ ){{0,6}}(?:moved|changed|rescheduled|brought|pushed|switched|put back)\b|"
    r"\b(?:come|do it|make it|have it|be seen) (?:\w+ ){0,3}(?:instead|another day|a different day|another time|"
    r"a different time)\b|"
    r"\b(?:another|a different|new) (?:day|time|date) for (?:my|our|the)\b"
)
_NOT_RESCHEDULE = re.compile(
    r"\b(?:chang\w*|put) (?:my|your) (?:mind|name|number|address|card|details)\b|\bput (?:me|it|us|that) (?:down|in|"
    r"under|through)\b"
)
_MESSAGE = re.compile(
    r"\b(?:leav(?:e|ing)|take|pass(?:ing)? on|give|send|relay|drop)(?: (?:him|her|them|you|me|anna|the \w+|"
    r"[a-z]+))? (?:a |the |this |my |another )?(?:quick |short |little )?"
    r"(?:message|note|word)\b|\bmessage for|"
    rf"\b(?:tell|inform|remind|let) {_SOMEBODY} (?:know |that |i |we |about |to |my |it |he |she |his |her )|"
    r"\b(?:can|could|would|will) you (?:please )?(?:tell|inform|remind) (?!me\b|us\b)\w+|\btell (?:him|her|them) \w+|"
    rf"\blet {_SOMEBODY} know\b|"
    r"\b(?:call|ring|phone|get back to|contact) (?:me|us) (?:back|later|please|when|on|about|at|as soon)\b|"
    r"\bgive me a (?:call|ring|bell|callback)\b|\b(?:a|request a|want a|like a|need a|arrange a) (?:callback|"
    r"call back|return call)\b|"
    r"\b(?:get|have|ask|want|need|could|can|would) (?:someone|somebody|anyone|him|her|them|you|the \w+|"
    r"[a-z]+) (?:to |please )?(?:call|ring|phone|contact|email|get back to|reply to) (?:me|us)\b|"
    r"\b(?:could|can|would|will|please) (?:you )?(?:please )?ask (?!you\b|a question|about|something)\w+ (?:if|"
    r"whether|to|for|when|why|about)\b|"
    r"\bpass (?:that|this|it) on\b|\b(?:make|file|lodge|register|raise) a complaint\b|\bto complain\b|\b(?:a|my|"
    r"have) complaint\b|"
    r"\bleave (?:some |a )?feedback\b"
)
_BOOK = re.compile(
    r"^(?:(?:an?|hi|hello|hey|another|new|yes|just) )*(?:\w+ )?(?:appointment|booking|reservation)(?: please| for .*|"
    r" on .*)?$|"
    r"\b(?:can|could|would|will) (?:you|someone|somebody|anyone|anybody|the (?!price|cost)\w+|(?:dr|"
    r"doctor) \w+) (?:please )?"
    r"(?:see|look at|take a look|fit|squeeze|check|come (?:out|and|over|round|to)) (?!if|what|whether|how)|"
    r"^(?:(?:and|also|yes|then|okay|please|now) )*another (?:[\w-]+ ){0,3}for\b|"
    r"\b(?:get|be|getting|have|been) (?:\w+ ){0,2}?booked (?:in|for|on|up)\b|"
    r"\b(?:(?<!the )(?<!a )(?<!my )(?<!your )(?<!that )(?<!already )(?:book(?! club|shop)|reserve)\b|booking (?:a|an|"
    r"for|in|my)|"
    r"make (?:a|an|another|my) (?:new |quick )?(?:appointment|booking|reservation)|(?:fit|squeeze|slot|pencil|get|"
    r"put) (?:me|us|him|her|my \w+) (?:in|down)\b|"
    r"come in (?:for|on|at|and|to have|to get)|(?:sign|put) (?:me |my \w+ |us )?up for|"
    rf"(?:get|have|schedule|arrange|need|want|like|love|fancy|set up|after|make|organise|organize|(?:calling|ringing|"
    rf"phoning|"
    rf"looking|asking|ask|here) for) (?:a|an|another|"
    rf"to (?:get|have|make|arrange|schedule|book) an?|some|the (?:next|first|"
    rf"earliest)) (?:[\w-]+ ){{0,4}}?{_BOOKABLE}\b|"
    r"schedule (?:a|an|my|something|for)|"
    r"(?:get|have|need|getting|having) my (?:\w+ ){0,3}?(?:haircut|cut|done|coloured|colored|seen|checked|cleaned|"
    r"serviced|"
    r"fixed|repaired|looked at|trimmed|fitted|tested|washed|styled)\b|"
    r"(?:need|want|like|hoping|trying|have) to (?:see|be seen by|get in (?:to see|with)|come (?:in|and see))\b(?! if|"
    r" what| whether| how)|"
    r"table for (?!how)|"
    r"(?:(?:^|okay|ok|then|please|yes|right|great|fine) )?i will take (?:the|that|it|an?|\d|\w+day|tomorrow)\b)"
)
_AVAILABLE = re.compile(
    r"\b(?:(?:what|which|any|the) (?:\w+ )?(?:times?|slots?|appointments?|days?|openings?|availability|"
    r"tables?) (?:\w+ ){0,4}?(?:free|available|left|you have|you got|you offer|going spare)\b|"
    r"(?:when|what) (?:is|are|would be) (?:your |the )?(?:next|earliest|soonest|first) (?:available|free|possible|"
    r"opening|slot|appointment|availability|time|table|one)|"
    r"when (?:could|can|would|might) (?:you|i|we) (?:be able to )?(?:fit|see|come|get|do|squeeze|have|be seen|book)|"
    r"(?:earliest|soonest|first|next) (?:time |day |slot |appointment )?(?:that )?(?:you|i|we) (?:can|could|would) "
    r"(?:see|fit|squeeze|do|get|book|have|be seen)\b|"
    r"(?:anything|something|availability|space|slots?|appointments?|openings?|times?) (?:\w+ )?(?:free|available|"
    r"left)\b|"
    r"(?:do you have|have you got|is there|are there) (?:an?|any) (?:\w+ ){0,2}"
    r"(?:slots?|appointments?|openings?|gaps?)\b|"
    r"(?:anything|something) (?:sooner|earlier|later|else (?:on|for|this|next|tomorrow|today))\b|"
    r"\b(?:check|see|know) (?:if|whether|for) .*\b(?:free|available|availability|space|slots?)\b|"
    r"(?:any|some) (?:availability|slots?|appointments?|openings?|space|gaps?|times?|free|available)\b|"
    r"what (?:do you have|have you got|availability|is (?:available|free))|(?:are you|is \w+) (?:free|available|"
    r"busy) (?:on|at|for|this|next|tomorrow|today|in)\b|"
    r"is (?:[\w: ]+ )?(?:still free|available|taken|open for booking)\b|how (?:busy|booked|soon|early)\b|fully booked)"
)
_ANYTHING = re.compile(
    r"\b(?:do you have|have you got|is there|got|are there|do you do|any chance of) (?:anything|something|any|a|an|"
    r"some|space|room)(?: \w+){0,4}? (?:on|for|at|tomorrow|today|this|next|tonight|around|after|before)\b"
)
_UNABLE = re.compile(
    r"\b(?:can not|will not be able to|not able to|unable to|not going to|will not|not gonna) (?:\w+ )?(?:make|come|"
    r"attend|be there|keep)(?: it| in| that| my| the| to|\b)(?!.*\b(?:work|hear)\b)"
)
_REFUSED = re.compile(
    r"\b(?:do|did|would|will) not (?:want|need|like|wish|mean|ask)(?: you)? to (?:book|cancel|move|change|reschedule|"
    r"leave)\b"
)
_DESIRE = re.compile(
    r"\b(?:(?:would|'d) like|wants?|needs?|looking for|after|hoping for|hoping to|fancy|come (?:in|by|over|along)|"
    r"can i|could i|may i|(?:can|could|would) (?:you|someone|somebody|anyone) (?:please )?"
    r"(?:fix|mend|repair|do|sort|see|look at|"
    r"take|have|fit|squeeze|service|clean|replace|change|check)|"
    r"any chance of|are you free|do you have|can we|could we|may we)\b"
)
# "What happens if I cancel?" asks about an errand instead of ordering it.
_ASKS_ABOUT = re.compile(
    r"^(?:\w+ ){0,3}?(?:what (?:is|are|happens|if|about if)|how (?:do|does|much|long|far|many|late)|do i (?:need|have)|"
    r"is there a|are there|if i|will i|would i|am i|does it|is it (?:possible|free|okay|ok) )\b|"
    r"\b(?:if|when|whether|once|after|before) (?:i|we|you|they) (?:\w+ )?(?:cancel|book|move|change|reschedule|leave)|"
    r"\b(?:policy|fee|charge|penalty|deposit|notice)\b|\bhow (?:do|can|would|should) (?:i|we|people|customers|you)\b"
)
_FAMILIES: Mapping[str, re.Pattern[str]] = {
    "cancel": _CANCEL,
    "reschedule": _RESCHEDULE,
    "message": _MESSAGE,
    "availability": _AVAILABLE,
    "book": _BOOK,
}


def wanted_family(heard: Heard, dated: bool = False) -> str | None:
    """The kind of errand in what was said; `dated` when it names a day or a time, which makes "any space?" one."""
    plain = heard.plain
    if _REFUSED.search(plain):
        return None
    if heard.person and not re.search(r"\b(?:take|leave) (?:a |the )?message\b", plain):
        return "transfer"
    for family, pattern in _FAMILIES.items():
        if pattern.search(plain) and not _excepted(family, plain):
            return family
    return "availability" if dated and _ANYTHING.search(plain) else None


def desires(heard: Heard) -> bool:
    """Whether something is wished for at all: with a day or a time it is a booking, whatever it is called."""
    return bool(_DESIRE.search(heard.plain)) and not _REFUSED.search(heard.plain)


def unable_to_come(heard: Heard) -> bool:
    """ "I can't make my appointment": it must be moved or cancelled, and the caller has not said which."""
    return bool(_UNABLE.search(heard.plain))


def asks_about(heard: Heard) -> bool:
    """Whether a wish is only spoken about: a question on terms, not an order."""
    return heard.question and bool(_ASKS_ABOUT.search(heard.plain))


def _excepted(family: str, plain: str) -> bool:
    if family == "cancel":
        return bool(_NOT_CANCEL.search(plain)) and not re.search(r"\bcancel(?:ling|ing)?\b", plain)
    if family == "reschedule":
        return bool(_NOT_RESCHEDULE.search(plain))
    return False
