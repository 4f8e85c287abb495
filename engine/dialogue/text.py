"""Words: normal forms, tokens, stems and synonyms for comparing what a caller says with what a business wrote."""

from __future__ import annotations

import re

from engine.dialogue.lexicon import MATTERS, in_one_word
from engine.dialogue.memo import remembered

_SPOKEN_FORMS = {
    "won't": "will not",
    "shan't": "shall not",
    "can't": "can not",
    "cannot": "can not",
    "ain't": "is not",
    "let's": "let us",
    "d'you": "do you",
    "o'clock": "oclock",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "have to",
    "lemme": "let me",
    "gimme": "give me",
    "dunno": "do not know",
    "cos": "because",
    "'cause": "because",
    "e-mail": "email",
    "wi-fi": "wifi",
    "blow-dry": "blow dry",
    "blowdry": "blow dry",
    "hair cut": "haircut",
    "good-bye": "goodbye",
    "good bye": "goodbye",
    "good-by": "goodbye",
    "bye-bye": "bye bye",
    "half-past": "half past",
    "to-morrow": "tomorrow",
    "to-day": "today",
    "to-night": "tonight",
    "re-schedule": "reschedule",
    "call-back": "callback",
    "mum's": "mum",
    # As recognisers and writers in a hurry leave the apostrophe out.
    "thats": "that is",
    "whats": "what is",
    "wheres": "where is",
    "whos": "who is",
    "hows": "how is",
    "theres": "there is",
    "its": "it is",
    "im": "i am",
    "id": "i would",
    "ive": "i have",
    "dont": "do not",
    "doesnt": "does not",
    "didnt": "did not",
    "isnt": "is not",
    "arent": "are not",
    "cant": "can not",
    "wont": "will not",
    "couldnt": "could not",
    "wouldnt": "would not",
    "youre": "you are",
    "youve": "you have",
    "theyre": "they are",
    "lets": "let us",
}
_SPOKEN = re.compile(rf"(?<![\w'])(?:{'|'.join(re.escape(form) for form in _SPOKEN_FORMS)})(?![\w'])")
# What apostrophes stand for: "n't" on any verb, and the rest where a pronoun or a question word stands before.
_NOT = re.compile(r"(?<=[a-z])n't\b")
_SHORT = re.compile(
    r"\b(i|you|he|she|it|we|they|that|this|there|here|what|where|who|when|how|why|name|which)'(m|re|s|d|ll|ve)\b"
)
_LONG = {"m": "am", "re": "are", "s": "is", "d": "would", "ll": "will", "ve": "have"}
_WORD = re.compile(r"[a-z0-9][a-z0-9'&-]*|£|\$|€")
# A stop after a title or an initial ends no sentence.
SENTENCE_END = r"(?<=[.?!])(?<!\b[DMS][rst]\.)(?<!\bMrs\.)(?<!\bProf\.)(?<!\b[A-Z]\.)\s+"
_SENTENCE = re.compile(SENTENCE_END)

_SMALL_WORDS = """a an the is are was were be been am do does did have has had i you we they he she it me my your our
their us them him her his hers to of in on at for with from by and or but so if that this these those there
here please can could would will shall should may might must not no yes just some any about what which who whom whose
when how why hello hi hey
okay ok well um uh er erm oh right like want need know tell ask say near nearby around also too then than as up out
get got go going really very much many thanks thank possible possibly maybe perhaps something anything thing one every
each still already kind sort exactly actually wondering wonder away far let all into
having being doing
happen happens happened policy"""
STOP_WORDS = frozenset(_SMALL_WORDS.split())
# "Wants" is as small as "want"; "wills" are another matter than "will".
_SMALL_VERB_WORDS = "like want need know tell ask say get go wonder happen thank"
_SMALL_VERBS = frozenset(_SMALL_VERB_WORDS.split())

_SYNONYMS = {
    "cost": (
        "cheaper cheapest pricey damage price costs prices charge charges charged fee fees expensive cheap pound "
        "pounds dollar "
        "dollars euro "
        "£ $ €"
    ),
    "address": "whereabouts located location where directions direction street road situated find based postcode",
    "phone": "telephone number numbers",
    "email": "mail emails",
    "card": "cards credit debit visa mastercard contactless",
    "pay": "payment payments paying paid pays",
    "park": "parking carpark parked",
    "accessible": "wheelchair access disabled accessibility disabled step-free stepfree ramp lift elevator",
    "child": "children kid kids kids' baby babies toddler toddlers young son daughter",
    "pet": "pets dog dogs cat cats puppy puppies kitten kittens rabbit rabbits animal animals",
    "bill": "billing bills invoice invoices",
    "pain": "hurt hurts hurting ache aches aching painful sore agony toothache",
    "emergency": (
        "emergencies danger dangerous bleeding breathing choking seizure poison poisoned poisoning dying collapsed "
        "unconscious swallowed"
    ),
    "bleed": "bleeds bled",
    "wifi": "internet wireless",
    "gift": "voucher vouchers gifts",
    "cut": "haircut haircuts cuts trim trims",
    "dry": "drying",
    "colour": "color colouring coloring dye dyeing colours colors tint",
    "staff": (
        "stylist stylists hairdresser hairdressers team dentist dentists vet vets doctor doctors mechanic mechanics "
        "barber barbers therapist therapists"
    ),
    "toilet": "restroom bathroom loo toilets",
    "website": "online site web webpage",
    "late": "lateness delayed",
    "cancel": "cancellation cancelling cancelled cancellations canceling",
    "service": "services offer offers treatments treatment provide",
    "discount": "discounts reduction reductions deal deals",
    "bus": "train station tube metro underground tram transport",
    "owner": "manager boss",
    "ready": "done finished fixed completed complete",
    "area": "areas suburb suburbs region regions town towns",
    "outside": "outdoors outdoor terrace patio garden",
    "inside": "indoors indoor",
    "taxi": "cab cabs taxis",
    "beach": "sea seaside ocean beaches",
    "stair": "stairs steps upstairs",
    "sell": "buy buying purchase selling sold sells",
    "come": "coming comes came",
    "deliver": "delivery deliveries delivering delivered",
    "vegetarian": "vegan veggie vegetarians vegans",
}
MATTER_HEADS = frozenset(_SYNONYMS)
"""The concepts that several words share: each a matter of its own."""
_CANONICAL = {word: head for head, words in _SYNONYMS.items() for word in words.split()}


@remembered
def normal(text: str) -> str:
    """Lower case, plain apostrophes, contractions written out, nothing but words and single spaces."""
    plain = text.lower().replace("’", "'").replace("‘", "'").replace("–", "-").replace("—", " ")
    plain = _SPOKEN.sub(lambda match: _SPOKEN_FORMS[match[0]], plain)
    plain = _SHORT.sub(lambda match: f"{match[1]} {_LONG[match[2]]}", _NOT.sub(" not", plain))
    return " ".join(_WORD.findall(plain))


def sentences(text: str) -> list[str]:
    """The sentences of what somebody said, without empty ones."""
    return [piece.strip() for piece in _SENTENCE.split(text) if re.search(r"\w", piece)]


@remembered
def concept(word: str) -> str:
    """What a word stands for: its synonym group's head, else its stem."""
    if word in _CANONICAL:
        return _CANONICAL[word]
    base = stem(word)
    return _CANONICAL.get(base, base)


def stem(word: str) -> str:
    """A crude English stem: enough to make plurals and verb forms meet."""
    word = word.removesuffix("'s").removesuffix("'")
    if word.endswith("s") and len(word) >= 6 and word[-2] not in "sui" and not word.endswith("es"):
        word = word[:-1]
    for ending, least, instead in (("ies", 5, "y"), ("ing", 6, ""), ("ed", 5, ""), ("es", 5, "e"), ("s", 4, "")):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            base = word.removesuffix(ending) + instead
            return base[:-1] if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lse" else base
    return word


def concepts(text: str) -> list[str]:
    """The meaningful words of a text as concepts, in order, each once."""
    return list(_concepts(text))


@remembered
def _concepts(text: str) -> tuple[str, ...]:
    spread = in_one_word(normal(text).replace("-", " ").replace("&", " "))
    words = (word for word in spread.split() if word not in STOP_WORDS or word in _CANONICAL)
    return tuple(dict.fromkeys(one for one in map(concept, words) if one not in _SMALL_VERBS))


def _near() -> dict[str, frozenset[str]]:
    near: dict[str, set[str]] = {}
    for matter in MATTERS:
        words = {concept(word) for word in matter}
        for word in words:
            near.setdefault(word, set()).update(words - {word})
    return {word: frozenset(words) for word, words in near.items()}


_NEAR = _near()


def near(word: str) -> frozenset[str]:
    """The concepts of the same matter as one: "warranty" is near "guarantee"."""
    return _NEAR.get(word, frozenset())
