"""What kind of thing a caller just did: agreed, refused, left, greeted, asked."""

from __future__ import annotations

import re

from engine.dialogue.text import normal

_YES = re.compile(
    r"^(?:(?:oh|um|uh|ah|well|okay|ok) )?(?:yes|yeah|yep|yup|yea|ya|sure|correct|right|exactly|"
    r"perfect|absolutely|definitely|of course|indeed|"
    r"please do|go ahead|sounds good|that is (?:right|correct|fine|great|good|perfect|it|okay|ok|"
    r"lovely)|that would be (?:great|good|lovely|fine|perfect)|"
    r"okay|ok|fine|great|lovely|brilliant|super|all right|alright|it is|that works|works for me|"
    r"uh huh|mm hmm|mhm|i would|please)\b"
)
_NO = re.compile(
    r"^(?:(?:oh|um|uh|ah|well|sorry|actually) )*(?:no|nope|nah|not really|not quite|not exactly|"
    r"that is (?:wrong|not right|not correct|incorrect)|wrong|incorrect|not today|i do not)\b"
)
_GOODBYE = re.compile(
    r"\b(goodbye|bye|good night|see you|talk to you later|speak soon|have a (?:good|nice|great|"
    r"lovely) (?:day|one|evening|afternoon|weekend)|hang up)\b"
)
_FINISHED = re.compile(
    r"\b(that is all|that will be all|that is everything|that is it(?: thank| for|$)|nothing else|"
    r"no that is it|nothing more|i am (?:done|all set|good)|all done|"
    r"no more questions|all good|that is fine thank)\b"
)
_THANKS = re.compile(r"\b(thanks|thank you|cheers|much appreciated|ta)\b")
_HELLO = re.compile(
    r"^(?:(?:hello|hi|hey|hiya|good morning|good afternoon|good evening|howdy|there|is anyone there|"
    r"anybody there|are you there|can you hear me) ?)+$"
)
_REPEAT = re.compile(
    r"\b((?:say|repeat) (?:that|it)(?: again)?|say again|repeat that|repeat please|could you repeat|"
    r"can you repeat|what did you say|come again|"
    r"pardon(?: me)?|i did not (?:catch|hear|get) that|did not hear you|one more time|once more|"
    r"sorry what)\b|^(?:sorry|what|pardon|huh|eh)$"
)
_PERSON = re.compile(
    r"\b((?:speak|talk|put me through|transfer|connect)(?: me| to| with| through)* (?:to |"
    r"with )?(?:a |an |the |your |some|my )?(?:\w+ )?"
    r"(?:person|human|someone|somebody|manager|owner|agent|operator|receptionist|staff|boss|team|"
    r"representative|stylist)|real person|human being|"
    r"(?:put me through|transfer me|connect me)(?: to| with)?)\b"
)
_FORGET = re.compile(
    r"\b(never ?mind|forget (?:it|that|about it)|changed my mind|do not bother|leave it|cancel that|"
    r"stop that|no booking|not any more|do not want (?:to|it|that))\b"
)
_MACHINE = re.compile(
    r"\b(are you (?:a |an )?(?:robot|machine|real|human|person|computer|bot|ai|real person)|"
    r"am i (?:speaking|talking) to (?:a |an )?(?:robot|machine|computer|person|human|bot))\b"
)
_HOW_ARE_YOU = re.compile(r"\bhow are you(?: doing)?(?: today)?$|\bhow is it going\b")
_WHO = re.compile(
    r"\b(who is this|who am i (?:speaking|talking) (?:to|with)|what is your name|"
    r"is this (?:the )?\w+ \w+|have i (?:reached|called))\b"
)
_WAIT = re.compile(
    r"\b(hold on|hang on|wait a (?:second|minute|moment)|one (?:second|moment|minute|sec)|"
    r"just a (?:second|moment|minute|sec)|bear with me|let me (?:check|think|see))\b"
)
_RUDE = re.compile(
    r"\b(fuck\w*|shit\w*|bullshit|bastards?|bitch\w*|arseholes?|assholes?|idiots?|stupid|useless|damn|"
    r"crap|bloody|wank\w*|piss off|moron)\b"
)
_ASKING = re.compile(
    r"^(?:(?:and|so|but|also|okay|ok|well|hello|hi|hey|um|please|sorry|yes|no|thanks|thank you|great|"
    r"good morning|good afternoon) )*"
    r"(?:what|when|where|who|which|why|how|is|are|do|does|did|can|could|will|would|may|should|have you|has|any|am i)\b"
    r"|\b(?:tell me|i would like to know|i want to know|wondering|i have a question|do you know|"
    r"know (?:if|whether|how|what|when|where))\b"
)


class Heard:
    """One utterance, with its normal form and the acts in it."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.plain = normal(text)
        self.yes = bool(_YES.search(self.plain))
        self.no = bool(_NO.search(self.plain))
        self.goodbye = bool(_GOODBYE.search(self.plain))
        self.finished = bool(_FINISHED.search(self.plain))
        self.thanks = bool(_THANKS.search(self.plain))
        self.hello = bool(_HELLO.search(self.plain))
        self.repeat = bool(_REPEAT.search(self.plain))
        self.person = bool(_PERSON.search(self.plain))
        self.forget = bool(_FORGET.search(self.plain))
        self.machine = bool(_MACHINE.search(self.plain))
        self.how_are_you = bool(_HOW_ARE_YOU.search(self.plain))
        self.who = bool(_WHO.search(self.plain))
        self.wait = bool(_WAIT.search(self.plain))
        self.rude = bool(_RUDE.search(self.plain))
        self.question = "?" in text or bool(_ASKING.search(self.plain))

    @property
    def words(self) -> int:
        """How many words were said."""
        return len(self.plain.split())
