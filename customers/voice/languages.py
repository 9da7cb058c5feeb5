"""Which language a text is in, told by its letters alone."""

from __future__ import annotations

import re

LANGUAGES = ("zh", "en")
UNKNOWN = "und"  # the code of ISO 639 for undetermined

_HAN = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U0003134f]")
_KANA_OR_HANGUL = re.compile(r"[぀-ヿ가-힯ᄀ-ᇿ]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]+")
_OTHER = re.compile(r"[Ѐ-ӿ֐-׿؀-ۿऀ-ॿ฀-๿]")
_ASIDE = re.compile(r"(?:https?://|www\.)\S+|@\w+|\[[a-z]+\]")
_A_WORD_IS = 2  # Han characters: about what a Latin word says


def language_of(text: str) -> str:
    """zh, en, or und where it is another script or no letters at all.

    Han characters count half a word each, Latin words one, so that a brand's Latin name leaves a Chinese sentence
    Chinese. Latin text is taken for English: other languages of that script are not told apart.
    """
    text = _ASIDE.sub(" ", text)
    han = len(_HAN.findall(text)) / _A_WORD_IS
    words = len(_LATIN.findall(text))
    foreign = len(_KANA_OR_HANGUL.findall(text)) + len(_OTHER.findall(text))
    if (not han and not words) or foreign > han + words:
        return UNKNOWN
    return "zh" if han >= words else "en"
