"""The natural language of a wish, by its script and its commonest words; code and quoted text are passed over."""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 800
"""Characters that are looked at."""

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7a3\u1100-\u11ff]")),
    ("zh", re.compile(r"[\u3400-\u9fff]")),
    ("uk", re.compile(r"[іїєґІЇЄҐ]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("bn", re.compile(r"[\u0980-\u09ff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)
"""A script counts when a tenth of the letters are its own; kana before the signs that Japanese shares with Chinese."""
_SHARE = 0.1

_COMMON = {
    "en": "the a an is are to of and in that it this for with on as not be from can please should which what you i",
    "es": "el los las un una es son de del y en que por para con no se esta este como más al lo pero si función",
    "fr": "le les des un une est sont et en que qui pour dans avec ne pas sur ce cette il au aux je vous du fonction",
    "de": "der die das ein eine ist sind und in zu den von mit nicht auf für dem des im wie ich sie bitte wenn wird",
    "pt": "o os as um uma é são e em que para com não se do da dos das no na por mais este esta como você função",
    "it": "il lo gli un una è sono di e in che per con non si del della dei nel questa questo come più al ma funzione",
    "nl": "de het een is zijn van en in dat op te voor met niet deze dit als aan bij er naar ook maar je functie",
    "pl": "i w na nie to jest się z do że jak ale przez dla o tak czy po są który tej tego proszę funkcję",
    "tr": "bir ve bu için ile de da ne mi çok olarak gibi daha var değil olan lütfen her sonra kadar işlev",
    "vi": "và của là có không cho một các được này trong với để khi từ hãy hàm những thì",
    "id": "yang dan di ke dari untuk ini itu dengan tidak adalah pada saya dalam akan bisa tolong fungsi buat agar",
}
_TONGUES: dict[str, tuple[str, ...]] = {
    word: tuple(tongue for tongue, words in _COMMON.items() if word in words.split())
    for word in {word for words in _COMMON.values() for word in words.split()}
}


@lru_cache(maxsize=512)
def tongue(text: str) -> str:
    """The language as ISO 639-1 ("en", "zh", "es", ...); "" where too little is said to tell."""
    plain = _CODE.sub(" ", text[:LONGEST]) if "`" in text else text[:LONGEST]
    if plain.isascii() or not (found := _by_script(plain)):
        return _by_words(plain)
    return found


def _by_script(plain: str) -> str:
    letters = sum(map(str.isalpha, plain))
    for name, script in _SCRIPTS:
        count = len(script.findall(plain))
        # A sign of Chinese or a syllable says as much as a few letters do.
        if count and count * (3 if name in ("ja", "zh", "ko") else 1) >= _SHARE * letters * (
            0.3 if name == "uk" else 1
        ):
            return name
    return ""


def _by_words(plain: str) -> str:
    votes: dict[str, int] = {}
    for word in plain.lower().split():
        for name in (telling := _TONGUES.get(word.strip(".,;:!?\"'()¿¡"), ())):
            votes[name] = votes.get(name, 0) + 6 // len(telling)  # a word of one language says more than one of three
    best = sorted(votes.values())[-2:]
    if not best or best[-1] < 6 or best[:-1] == best[-1:]:
        return ""
    return max(votes, key=votes.__getitem__)
