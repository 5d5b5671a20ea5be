"""Lists the languages of the inbox page: what each calls itself, and which way it is written."""

from __future__ import annotations

from typing import Mapping, NamedTuple


class Language(NamedTuple):
    """A language of the page; inbox/locale has its texts, where it is not English."""

    title: str  #: in its own words
    direction: str  #: as HTML's `dir`


#: By their codes in `lang` and `Accept-Language`.
LANGUAGES: Mapping[str, Language] = {"en": Language("English", "ltr"), "ar": Language("العربية", "rtl")}
