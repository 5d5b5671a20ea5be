"""Speaks the languages of the inbox page on the command line: `--language`."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from handover_channel.inbox.translation import Translated
    from handover_channel.sentences import Sentence


class Language(str, Enum):
    """What a command speaks."""

    ENGLISH = "en"
    ARABIC = "ar"


def translating(language: Language) -> Callable[[Sentence], Translated]:
    """Return what words a sentence in *language*; what others said (Meta) stands apart, in their words."""
    from handover_channel.inbox.rendering import translations
    from handover_channel.inbox.translation import translated

    texts = translations(language.value)
    return lambda text: translated(text, texts)
