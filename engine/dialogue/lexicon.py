"""Everyday English that means the same in other words: phrases for one word, and words of one matter.

Only common English: nothing of any business.
"""

from __future__ import annotations

import re

# Several words for one, in normal text. What is matched has a fixed number of words, so nothing can backtrack.
_PHRASES = {
    "cancel": "call off|calling off|back out|pull out",
    "refund": r"(?:get|getting|give|gave|got|have|want) (?:\w+ ){1,2}back if|money back|pay me back|get reimbursed",
    "cost": (
        r"(?:set|sets|setting) (?:me|us|you|one) back|rip off|how expensive|how cheap|how pricey|pay for (?:a|an|the)|"
        r"what do i owe|going rate|price range|price tag"
    ),
    "advance": "up front|in advance|ahead of time|before hand|pay first|put down",
    "remove": "get rid of|take off|take out|getting rid of",
    "collect": (
        r"pick (?:me |us |it |them |him |her |things |something )?up|picks (?:you |them |it )?up|picked up|picking up|"
        r"fetch|fetched|come for"
    ),
    "walkin": (
        r"(?:just )?(?:turn|show|rock) up|walk in|walk ins|without (?:an appointment|booking|a booking)|drop in|pop in|"
        r"no appointment"
    ),
    "wear": "put on|dress code|dressed in|clothes on",
    "late": "running behind|not on time|held up|behind schedule",
    "toilet": "bath room|rest room|wash room|ladies room|gents",
    "child": r"little (?:one|ones|boy|girl)|age group|young people|school age",
    "guarantee": "stand behind|goes wrong again|break again|breaks again|broken again",
    "rent": "hire out|hire a|hire an|hire one|let out|to hire|for hire",
    "join": "sign up|signing up|enrol|enroll|become a member|register with",
    "owner": "in charge|runs the place|the person responsible",
    "guest": (
        r"(?:bring|take|with) (?:a|my|someone|some) (?:friend|friends|mate|mates|partner|visitor)|"
        r"(?:friend|mate|partner|visitor) (?=come|join|use|train)"
    ),
    "return": r"(?:bring|take|send|give|bringing|taking|sending) (?:it |them |that |these |those |one )?back",
    "instalment": "pay monthly|spread the cost|pay later|payment plan|in stages|bit by bit|pay in bits",
    "secondhand": "second hand|pre owned|pre loved|used ones",
    "insurance": "health cover|health plan|private cover|medical cover",
    "vegetarian": "plant based|meat free|without meat|no meat",
    "accessible": "get around|manage stairs|climb stairs|mobility scooter|pushchair|buggy|pram",
    "discount": "(?:money|percent|per cent) off|half price|cheaper if|save money|any offers|special offers?",
    "gift": "birthday present|christmas present|as a present|as a gift",
    "loyalty": "loyalty card|points card|regular customer|regular customers",
    "night": "out of hours|after hours|middle of the night",
}
# What only says on what occasion something is asked: "any discount if I buy ten?".
_OCCASION = re.compile(r"\bif (?:i|we) (?:buy|bought|book|take|took|get|order)\b")
_PHRASE = {head: re.compile(rf"\b(?:{phrases})\b") for head, phrases in _PHRASES.items()}

# "Have our wills done" asks for wills, not whether they are ready.
_HAVE_DONE = re.compile(r"\b(have|get|having|getting|want|need) ((?:(?!done\b)\w+ ){1,4})done\b")

# Words of one matter: asked with one, answered with another.
_LINES = """
warranty guarantee guaranteed cover
hire rent rental lease borrow loan
referral refer letter gp doctor note
wear clothe clothes clothing dress outfit shoe shoes
insurance insurer insured policy claim
arrest arrested crime criminal police court offence
deposit advance prepay upfront secure hold
refund refunded reimburse return
remove removal
collect pick fetch pickup
licence license permit
will testament inheritance probate estate
divorce separation marriage family custody
immigration visa asylum
stair accessible floor
discount together package bundle block bulk pair
keep store storage hold collect
fix mend repair repaired
sell secondhand
parts part spare component
id identification passport identity document proof photo
drink alcohol wine beer
food eat meal snack lunch dinner breakfast
wait delay queue
smoke smoking vape vaping
noise noisy loud quiet
minor child under
safe safety
send post ship deliver mail
exchange return swap
guest visitor
towel towels linen
heat heating heater
swim pool swimming
music band concert
allergy allergic gluten intolerance nut allergies
pierce pierced piercing
photo photograph picture
learn beginner teach taught teacher lesson course
exam test check examine inspection examination
report result results
medicine medication prescription drug tablet
sick ill unwell fever
vaccine vaccination jab injection
clean cleaning wash
house home property flat
first initial
instalment finance monthly
membership member join
student students
senior pensioner retired
qualified certified licensed trained accredited registered
luggage bag suitcase
key lock
cheque check
receipt invoice bill
feedback review complaint
"""
MATTERS = tuple(frozenset(line.split()) for line in _LINES.strip().split("\n"))
"""Groups of such words."""

# Words that come with any question: they say nothing of what it is about.
_GENERIC_WORDS = """
accept accepted require required manage provide arrange sort deal handle happen help wonder guess suppose think reckon
believe hope mean understand start begin finish end keep put set bit lot bunch heap load represent act sign cope
couple few several more less guy guys folk someone somebody everyone everybody everything friend mate mum mom dad
mother father husband wife partner brother sister boyfriend girlfriend boss colleague neighbour love lovely nice good
great fine big small little best better quick quickly certain whole own either both only even though although actually
basically literally honestly apparently obviously somewhere anywhere whatever whichever somehow instead else problem
issue question matter case way stuff thing rule chance idea hear heard see seen saw read try tried ask asked told said
say ring rang done made had been gone come went allow able possible necessary sure maybe likely always never often
sometimes usually again once twice yet myself yourself himself herself itself me someone's people's per after before
while until since during without within between against among plus because however therefore anyway kindly alright
moment recently lately soon later first next over down off back under more most cheap trouble bother worth give given
set move need have include included cover get take full half two three one other another different same kind
sort type"""
GENERIC = frozenset(_GENERIC_WORDS.split())


def in_one_word(plain: str) -> str:
    """Normal text with a word put where several words say it: "get rid of" becomes "remove"."""
    plain = _HAVE_DONE.sub(r"\1 \2", _OCCASION.sub(" ", plain))
    for head, phrase in _PHRASE.items():
        plain = phrase.sub(head, plain)
    return plain
