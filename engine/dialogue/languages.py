"""Whether somebody speaks another language, or asks whether one is spoken here."""

from __future__ import annotations

import re

from engine.dialogue.memo import remembered

_LANGUAGES = """english spanish french german italian portuguese polish dutch turkish arabic chinese mandarin
cantonese japanese korean russian ukrainian hindi urdu punjabi bengali greek romanian hungarian czech swedish
norwegian danish finnish welsh hebrew vietnamese thai persian farsi albanian bulgarian croatian serbian slovak
lithuanian latvian swahili somali tagalog gujarati tamil"""
_NAME = "|".join(_LANGUAGES.split())
_ASKED = re.compile(
    rf"\b(?:speak|speaks|spoken|talk|understand|know|in|anyone|anybody|somebody|someone|"
    rf"you)\b(?: \w+){{0,3}}? (?P<name>{_NAME})\b(?! (?:food|lesson|class|wine|polish|style|blind|beer))|"
    rf"^(?P<bare>{_NAME})(?: please)?$"
)
_OTHER = re.compile(r"\b(?:another|other|different|foreign|my) languages?\b|\bwhat languages?\b")
# Small words that English does not share; two of them, or one in a short utterance, are another language.
_WORDS = {
    "hola buenos buenas dias tardes noches gracias quiero quisiera puedo puede hablar habla hablas español cita una "
    "para por favor mañana "
    "necesito tengo está usted cuánto cuanto donde dónde sí señor señora hablo inglés ingles español espanol "
    "reservar qué como cómo los las del",
    "bonjour bonsoir merci je voudrais veux parlez parler vous français rendez prendre rendez-vous est-ce que s'il "
    "plaît plait avez une les des "
    "pour oui demain combien où avec suis pouvez besoin d'un d'une allez bien au revoir ne pas parle anglais suis gens",
    "hallo guten tag morgen danke ich möchte mochte brauche einen eine termin bitte sprechen sie deutsch haben wir "
    "können konnen und der die das "
    "nicht heute wann wie viel kostet ist für fur mit auf wiedersehen hätte hatte gern gerne kein keinen englisch "
    "spreche",
    "buongiorno buonasera ciao grazie vorrei posso parlare parla italiano appuntamento per favore domani quanto "
    "costa dove sono un una prenotare "
    "ho bisogno avete della siete parlo inglese non",
    "olá ola bom dia boa tarde obrigado obrigada eu gostaria quero marcar consulta falar fala português você voce "
    "amanhã amanha quanto custa preciso não nao uma",
    "dzień dzien dobry dziękuję dziekuje chcę chce chciałbym chciałabym umówić umowic wizytę wizyte czy mówi mowi po "
    "polsku proszę prosze jutro ile kosztuje tak nie jest",
    "goedemorgen goedemiddag dank ik wil graag een afspraak maken spreekt u nederlands alstublieft morgen hoeveel "
    "het kan heb niet zijn",
    "merhaba günaydın teşekkür ederim randevu almak istiyorum türkçe biliyor musunuz lütfen yarın ne kadar bir evet "
    "hayır",
}
_FOREIGN = [frozenset(words.split()) for words in _WORDS]
# Words that these lists share with English, with names or with what callers say anyway.
_ENGLISH_WORDS = """die das is per dove costa no on in a an me to so was war will man hat den sie tag morgen un una
una des les los las del bien au como sono ho der und ist mit auf tak nie po ne bir een kan het zijn dia boa tarde eu
por para une ciao bom ola hallo u ik wil morgen wie viel heute"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_STRONG = [words - _ENGLISH for words in _FOREIGN]
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")


@remembered
def foreign(text: str) -> bool:
    """Whether a text is in another language: in another script, or with several of its small words."""
    letters = [char for char in text if char.isalpha()]
    if letters and sum(1 for char in letters if not _LATIN.match(char)) * 2 > len(letters):
        return True
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", text.lower().replace("’", "'"))
    if not words:
        return False
    for strong, every in zip(_STRONG, _FOREIGN, strict=True):
        sure, maybe = sum(word in strong for word in words), sum(word in every for word in words)
        if sure and (maybe >= 2 or len(words) <= 2) and maybe * 3 >= len(words):
            return True
    return False


def asked_language(plain: str) -> str | None:
    """The language that somebody asks to speak (in normal text); empty when none is named, None when none is asked."""
    match = _ASKED.search(plain)
    if match and re.search(
        r"\b(?:speak|spoken|talk|understand|know|in|anyone|anybody|someone|somebody|language)\b|^\w+(?: please)?$",
        plain,
    ):
        return match["name"] or match["bare"]
    return "" if _OTHER.search(plain) else None
