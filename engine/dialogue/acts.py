"""What kind of thing a caller just did: agreed, refused, left, greeted, asked. What they want is `wishes`' business."""

from __future__ import annotations

import re
from functools import cached_property

from engine.dialogue.text import normal, sentences

# What stands before the word that counts: "oh, erm, well, yes".
_LEAD_WORDS = "oh|ooh|um|uh|ah|er|erm|hmm|mm|well|okay|ok|so|and|right|sorry|actually|like|look|wait|honestly"
_LEAD = rf"(?:(?:{_LEAD_WORDS}) )*"
_FINE = r"(?:right|correct|fine|great|good|perfect|it|okay|ok|lovely|all right|alright|spot on|true|the one|wonderful)"
_YES = re.compile(
    rf"^{_LEAD}(?:yes|yeah|yeh|yep|yup|yea|ya|aye|sure|correct|right|exactly|perfect|absolutely|definitely|certainly|"
    r"affirmative|agreed|confirmed|of course|indeed|totally|by all means|why not|please do|do it|do that|book it|"
    r"go ahead|go for it|go on|sounds (?:good|great|right|fine|perfect|lovely)|looks (?:good|right|fine)|"
    rf"(?:that|it|this|everything|all of that|that all) (?:is|was|sounds) (?:all |just |absolutely |exactly |"
    rf"quite )?{_FINE}|"
    rf"that (?:would|will) (?:be {_FINE}|do|work)|okay|ok|fine|great|lovely|brilliant|super|excellent|wonderful|cool|"
    r"grand|awesome|spot on|bang on|all right|alright|all good|that works|works for me|"
    r"suits me|uh huh|mm hmm|mhm|mm|i would|i think so|i believe so|i guess so|i suppose so|if you (?:could|would|can)|"
    r"please|you got it|confirm|no problem|not a problem|happy with that)\b|"
    r"\b(?:is|are|sounds|would be|will be|works) (?:absolutely |just |all )?(?:fine|good|perfect|great|okay|ok|lovely)"
    r"(?: with me| for me| by me| thanks| thank you)*$|"
    rf"^{_LEAD}(?:it is|it does|i do|i am|i did|i will|we do|she is|he is)(?: please| thanks| thank you| indeed)?$|"
    rf"\bno,? (?:that|it|everything) (?:is|sounds) (?:all )?(?:right|correct|fine|great|perfect|lovely)\b|"
    r"\b(?:that is (?:right|correct)|yes please|yes)$"
)
_NO = re.compile(
    rf"^{_LEAD}(?:no|nope|nah|naw|not really|not quite|not exactly|not yet|never|negative|hardly|"
    r"(?:that|it|this) (?:is|was) (?:wrong|not (?:right|correct|it|what)|incorrect)|wrong|incorrect|not today|"
    r"i (?:do|did|am|would|will) not|i would rather not|do not|not for now|not now|not (?:that|on|at|for|the)|"
    r"that does not)\b"
)
_NO_BUT_YES = re.compile(
    r"^(?:no )+(?:(?:that|it|everything) (?:is|sounds) (?:all )?(?:right|correct|fine|great|perfect|lovely)|problem)\b"
)
_GOODBYE = re.compile(
    r"\b(goodbye|bye|good night|see you|see ya|ta ta|cheerio|talk to you later|speak soon|take care|"
    r"have a (?:good|nice|great|lovely|wonderful) (?:day|one|evening|afternoon|weekend|night|rest)|"
    r"(?:i will|going to|i have to|i must|i should) (?:hang up|go now|run|let you go|ring off)|hang up|got to go|"
    r"have to go)\b"
)
_FINISHED = re.compile(
    r"\b(that is (?:all|everything)"
    r"(?! (?:correct|right|fine|good|great|perfect|okay|ok|lovely|true)\b)|"
    r"that will be (?:all|everything|it)|that would be (?:all|it)|that was (?:all|it|"
    r"everything)|"
    r"that is it(?: thanks?| for| from| then| now| cheers|$)|^nothing$|nothing else|nothing more|"
    r"nothing (?:for now|today|thank)|i am (?:done|all set|all good|good thank|good for now|good$)|we are (?:done|"
    r"all set|good)|"
    r"all done|all set|no more questions|that is fine thank|that is me|that covers (?:it|everything)|all i (?:needed|"
    r"wanted))\b"
)
_THANKS = re.compile(
    r"\b(thanks|thank you|thank|cheers|much appreciated|appreciate it|ta|very kind|you have been great)\b"
)
_GREETINGS = (
    r"hello|hi|hey|hiya|good morning|good afternoon|good evening|morning|afternoon|evening|howdy|greetings|there|"
    r"(?:is )?(?:anyone|anybody|someone|somebody) (?:there|here)|(?:are )?you (?:still )?there|still there|"
    r"can you hear me|do you hear me|am i (?:still )?(?:through|connected)|are you listening|testing"
)
_HELLO = re.compile(rf"^(?:(?:{_GREETINGS}|yes|okay|um|sorry|frontdesk) ?)*\b(?:{_GREETINGS})$")
_REPEAT = re.compile(
    r"\b((?:say|repeat|read|run|go over|go through) (?:that|it|this|those|them)(?: back| past me| by me)?(?: again|"
    r" once more| one more time)?(?: to me)?|"
    r"say again|repeat (?:please|the|what|everything|all|yourself)|(?:could|can|would) you (?:please )?(?:repeat|say)|"
    r"(?:what|when|which|who|how much) did you (?:just )?say|what was that|pardon(?: me)?|beg your pardon|"
    r"(?:did not|could not|can not|do not) (?:quite |really )?(?:catch|hear|get)(?: that| you| it| what| any| a word|"
    r" all)|missed that|"
    r"one more time|once more|once again|sorry what|what sorry|you (?:cut out|broke up|are breaking up|went quiet)|"
    r"(?:speak|talk|say it|go|slow)(?: a (?:bit|little))?(?: more)? (?:up|slowly|slower|louder|down)|too fast|louder|"
    r"slower)\b|"
    r"^(?:sorry|what|pardon|huh|eh|come again|again|again please|excuse me|excuse me what|say what|sorry come again|"
    r"what do you mean|how do you mean|what was the question|what did you ask)$"
)
_PERSON_WORDS = (
    r"person|human|human being|someone|somebody|anyone|anybody|manager|owner|agent|operator|receptionist|staff|boss|"
    r"team|"
    r"representative|supervisor|colleague|adviser|advisor|member of staff"
)
_PERSON = re.compile(
    rf"\b((?:speak|talk|chat|put (?:me|us) through|transfer|connect|get|give|pass)(?: me| us| to| with| through|"
    rf" over)* "
    rf"(?:a |an |the |your |some |my )?(?:\w+ )?(?:{_PERSON_WORDS})(?! else)|(?:real|actual|live) (?:person|human)|"
    rf"human being|"
    r"(?:put (?:me|us) through|transfer (?:me|us|my call|this call|the call)|connect me|pass me over|"
    r"patch me through)(?: to| with)?)\b|"
    r"\b(?:could|can|may|might|like to|want to|need to|rather|prefer to|let me|wanted to|hoping to|possible to)(?: i)? "
    r"(?:please )?(?:speak|talk|chat) (?:to|with) (?!you\b|an? (?:robot|machine|computer|bot))\w+|"
    r"\bwho (?:can|do|could|should|would) i (?:talk|speak|complain)\b|"
    rf"\b(?:minutes?|words?|chat|moment|speak|meeting) with (?:the |your |a )(?:{_PERSON_WORDS})\b|"
    rf"^(?:a |the )?(?:human|person|{_PERSON_WORDS})(?: please)?$|"
    rf"^(?:hello |hi )?is (?:the |your )?\w+ (?:there|around|in|about)(?: please| today| at all)?$|"
    r"\bdo not want to (?:talk|speak) to (?:a |an |this |some )?(?:\w+ )?(?:robot|machine|bot|computer)\b"
)
_FORGET = re.compile(
    r"\b(never ?mind|forget (?:it|that|about it|about that|the whole)|do not bother|(?<!i )(?<!did )leave (?:it|"
    r"that)(?= for| then| there$| please|$)|cancel that|"
    r"scrap that|drop it|"
    r"stop that|no booking|not any ?more|do not (?:want|need) (?:to|it|that|one|an)\b(?! cancel)|do not worry|"
    r"do not (?:book|do) (?:it|that|anything)|abort|let us not|rather not(?: actually| thanks| thank you| now)?$|"
    r"decided against|no longer (?:want|need|"
    r"interested))\b"
)
_CHANGED_MIND = re.compile(r"\b(changed my mind|change my mind|thought better|second thoughts?)\b")
_LATER = re.compile(
    r"\b((?:i will|i can|can i|let me|i would|i am going to|i need to|i have to|better) "
    r"(?:\w+ )?(?:call|ring|phone|get|come|check|think|ask|talk|speak)(?: you)? "
    r"(?:back|later|again|about it|it over|with|to my|my)(?: later)?|think (?:about it|it over)|back to you|"
    r"another time maybe|not (?:right )?now)\b"
)
_AGAIN = re.compile(r"\b(start (?:again|over|afresh|from the (?:start|beginning|top))|begin again|from scratch)\b")
_MACHINE = re.compile(
    r"\b(are you (?:a |an |actually |really |just |some (?:sort|kind) of )*(?:robot|machine|real|human|person|"
    r"computer|bot|ai|"
    r"chat ?bot|artificial|automated|recording|answering machine|chatgpt|siri|alexa)|"
    r"am i (?:speaking|talking|chatting) (?:to|with) (?:a |an |the |some )*(?:\w+ )?(?:robot|machine|computer|person|"
    r"human|bot|ai|recording)|"
    r"is (?:this|that|it) (?:a |an |just |actually |one of those )*(?:\w+ )?(?:robot|machine|recording|computer|bot|"
    r"bots|ai|"
    r"human|person|answering machine|voicemail|automated|chatbot)|"
    r"you (?:are|sound like|must be|seem like) (?:not )?(?:just )?(?:a |an |some )*(?:\w+ )?(?:robot|machine|"
    r"computer|bot|ai|recording|human|person|real))\b"
)
_HOW_ARE_YOU = re.compile(
    r"\bhow (?:are|r) (?:you|things)(?: doing| going| keeping)?(?: today| this (?:morning|afternoon|evening))?(?=$|"
    r" (?:i|i am|can|could|my)\b)|"
    r"\bhow is (?:it going|your day|everything)\b|\bhow do you do\b|\byou all right$"
)
_WHO = re.compile(
    r"\b(who is (?:this|that|it|calling|speaking)|who are you|who am i (?:speaking|talking) (?:to|with)|"
    r"what is your name|do you have a name|"
    r"(?:is this|is that|am i through to|do i have)(?: the)? [\w' &-]+$|have i (?:reached|called|got (?:the|through))|"
    r"(?:what|which) (?:company|business|place|shop|salon|clinic|practice|restaurant) is (?:this|that|it))\b"
)
_WAIT = re.compile(
    r"\b(hold on|hang on|wait(?: a)?(?: second| minute| moment| sec|$)|(?:one|two|a|just a|give me a|gimme a) "
    r"(?:second|seconds|moment|minute|minutes|sec|secs|mo|tick)|bear with me|"
    r"let me (?:just )?(?:check|think|see|look|find|get|grab|ask)|hold the line)\b"
)
_RUDE = re.compile(
    r"\b(fuck\w*|shit\w*|bullshit|bastards?|bitch\w*|arseholes?|assholes?|idiots?|idiotic|stupid|useless|damn|"
    r"dumb|crap|bloody|wank\w*|piss(?:ed)? off|moron|ridiculous|rubbish|pathetic|ffs|wtf|for \w+(?:'s| s)? sake|"
    r"bloody hell|what the hell|hate you|shut up|screw you|bollocks)\b"
)
_WRONG_NUMBER = re.compile(
    r"\b(wrong (?:number|place|person)|misdial\w*|dialled the wrong|dialed the wrong|called by mistake)\b"
)
_UNWANTED = re.compile(
    r"\b(not interested|stop calling|do not (?:call|ring|phone) (?:me|us|here)(?: again| any ?more)?|take me off|"
    r"remove (?:me|my number)|"
    r"off your list|no cold calls)\b"
)
_ASKING = re.compile(
    # No word twice among these: what can be read in two ways, any number of times, would backtrack without end.
    rf"^(?:(?:{_LEAD_WORDS}|but|also|hello|hi|hey|please|yes|no|thanks|thank you|great|there|just|quickly|"
    r"good morning|good afternoon|good evening|then|now) )*"
    r"(?:what|when|where|whereabouts|who|whose|which|why|how|is|are|do|does|did|can|could|will|would|may|should|"
    r"have you|has|any|"
    r"am i)\b"
    r"|\b(?:tell me|i would like to know|i want to know|i wanted to know|wondering|wanted to ask|want to ask|"
    r"i have a (?:quick )?question|"
    r"do you know|curious|any idea|know (?:if|whether|how|what|when|where)|(?:can|could|would) you)\b"
)


class Heard:
    """One utterance, with its normal form and the acts in it; each is looked for when it is first asked about."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.plain = normal(text)

    def _is(self, pattern: re.Pattern[str]) -> bool:
        return bool(pattern.search(self.plain))

    @property
    def words(self) -> int:
        """How many words were said."""
        return len(self.plain.split())

    @cached_property
    def yes(self) -> bool:
        """Agreement; "no, that's fine" is one."""
        return self._is(_YES)

    @cached_property
    def only_yes(self) -> bool:
        """Agreement and nothing else."""
        match = _YES.match(self.plain)
        return match is not None and not re.sub(
            r"\b(?:please|thanks|thank you|then)\b|\s", "", self.plain[match.end() :]
        )

    @cached_property
    def no(self) -> bool:
        """Refusal or contradiction."""
        return self._is(_NO) and not self._is(_NO_BUT_YES)

    @cached_property
    def goodbye(self) -> bool:
        """Words of parting."""
        return self._is(_GOODBYE)

    @cached_property
    def finished(self) -> bool:
        """Nothing more is wanted."""
        return self._is(_FINISHED)

    @cached_property
    def thanks(self) -> bool:
        """Thanks."""
        return self._is(_THANKS)

    @cached_property
    def hello(self) -> bool:
        """Nothing but a greeting, or asking whether somebody is there."""
        return self._is(_HELLO)

    @cached_property
    def repeat(self) -> bool:
        """Asking to hear it again, slower or louder."""
        return self._is(_REPEAT)

    @cached_property
    def machine(self) -> bool:
        """Asking whether this is a person."""
        return self._is(_MACHINE)

    @cached_property
    def person(self) -> bool:
        """Wanting to speak to a person."""
        found = any(_PERSON.search(normal(piece)) for piece in sentences(self.text))
        return (found or self._is(_PERSON)) and not self.machine

    @cached_property
    def forget(self) -> bool:
        """Dropping what was under way."""
        return self._is(_FORGET)

    @cached_property
    def changed_mind(self) -> bool:
        """Announcing a change, which may come with what is wanted instead."""
        return self._is(_CHANGED_MIND)

    @cached_property
    def later(self) -> bool:
        """Putting it off to another call."""
        return self._is(_LATER)

    @cached_property
    def start_again(self) -> bool:
        """Wanting to begin from the beginning."""
        return self._is(_AGAIN)

    @cached_property
    def how_are_you(self) -> bool:
        """Asking how one is."""
        return self._is(_HOW_ARE_YOU)

    @cached_property
    def who(self) -> bool:
        """Asking who answers."""
        return self._is(_WHO)

    @cached_property
    def wait(self) -> bool:
        """Asking for a moment."""
        return self._is(_WAIT)

    @cached_property
    def rude(self) -> bool:
        """Swearing or scolding."""
        return self._is(_RUDE)

    @cached_property
    def wrong_number(self) -> bool:
        """Having called the wrong place."""
        return self._is(_WRONG_NUMBER)

    @cached_property
    def unwanted(self) -> bool:
        """Not wanting to be called."""
        return self._is(_UNWANTED)

    @cached_property
    def question(self) -> bool:
        """A question, by its mark or by its words."""
        return "?" in self.text or self._is(_ASKING)
