"""Says who writes to the page in the word of the trade: the customers of a shop, a hotel's guests, patients.

Every text of the page speaks of customers; another word takes their place in the texts themselves, before
anything is filled in: what people wrote, and names, are never touched. In Arabic each is
masculine with a broken plural, as عميل is, so that no sentence around it changes.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, NamedTuple

from babel.support import NullTranslations


class Word(NamedTuple):
    """One, and several."""

    one: str
    several: str


OF_A_SHOP, OF_A_HOTEL, OF_A_PRACTICE = "customers", "guests", "patients"

#: Setting -> language -> word.
WORDS_FOR: Mapping[str, Mapping[str, Word]] = {
    OF_A_SHOP: {"en": Word("customer", "customers"), "ar": Word("عميل", "عملاء")},
    OF_A_HOTEL: {"en": Word("guest", "guests"), "ar": Word("ضيف", "ضيوف")},
    OF_A_PRACTICE: {"en": Word("patient", "patients"), "ar": Word("مريض", "مرضى")},
}


class InWordsOf(NullTranslations):
    """The texts of *texts*, about guests or patients."""

    def __init__(self, texts: NullTranslations, language: str, wanted: str) -> None:
        super().__init__()
        self._texts = texts
        self._words = dict(zip(WORDS_FOR[OF_A_SHOP][language], WORDS_FOR[wanted][language]))
        self._found = re.compile("|".join(sorted(self._words, key=len, reverse=True)), re.IGNORECASE)

    def gettext(self, message: str) -> str:
        """Return the text of *message*."""
        return self._found.sub(self._other, self._texts.gettext(message))

    def ngettext(self, singular: str, plural: str, num: Any) -> str:
        """Return the text about so many."""
        return self._found.sub(self._other, self._texts.ngettext(singular, plural, num))

    def _other(self, found: re.Match[str]) -> str:
        word = self._words[found[0].lower()]
        return word.capitalize() if found[0][0].isupper() else word
