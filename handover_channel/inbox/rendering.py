"""Draws the page's templates, in each of its languages.

1. Everything is escaped; what a person wrote is never markup. There is no inline script and no inline style.
2. A name that a template does not get is an error, not an empty place.
3. Texts are English in the templates and in labels.py; locale/<language>/messages.po has them in every
   other language and is read at start: no build step.
4. Times are seconds since the epoch. The server does not know the browser's time zone: it writes UTC and
   says so in `<time datetime>`, and the page's script shows local time.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, List, Literal, Mapping, Tuple, Union
from urllib.parse import quote, urlencode

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from handover_channel.inbox import labels, shortcuts
from handover_channel.inbox.customer_words import OF_A_SHOP, InWordsOf
from handover_channel.inbox.target_titles import titles_of
from handover_channel.inbox.translation import Translated, translated
from handover_channel.inbox.view_models import WAITING, Filters
from handover_channel.messenger.linked_text import pieces
from handover_channel.rules.languages import LANGUAGES
from handover_channel.rules.search_words import marked
from handover_channel.settings.targets import Target

HERE = Path(__file__).parent

Unit = Literal["day", "hour", "minute"]
#: The units of a duration that people read.
_SECONDS_OF_UNITS: Mapping[Unit, int] = {"day": 86400, "hour": 3600, "minute": 60}
_WITH_SECONDS: Mapping[str, int] = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
#: Conversations that the command bar shows.
MOST_FOUND = 8


class Pages:
    """The templates, ready to be drawn in each language. Safe to share between threads."""

    def __init__(
        self,
        base: str = "/webhooks/inbox",
        *,
        title: str = "",
        customers: str = OF_A_SHOP,
        targets: Mapping[str, Target] = MappingProxyType({}),
        app_names: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """*title*: what the page is called, "" for its own name; *customers*: of `customer_words`.

        *targets*: of handover.yml. *app_names*: of other apps by id, as Meta tells them by and by.
        """
        self._base = base
        self._environments = {
            language: _environment(language, title, customers, targets, app_names) for language in LANGUAGES
        }

    def render(self, template: str, language: str, **context: Any) -> str:
        """Return *template* ("inbox.html") in *language*, English where we do not have that one.

        Every template gets `base` (another one if the caller has it), `language` and `direction`; the rest is
        the caller's: `you`, `list`,
        `thread` and `now` (seconds), and where there is one `error`. Raises jinja2.UndefinedError where
        something is missing.
        """
        language = language if language in LANGUAGES else "en"
        return (
            self._environments[language]
            .get_template(template)
            .render(
                **{"base": self._base, **context},
                language=language,
                direction=LANGUAGES[language].direction,
            )
        )


def translations(language: str) -> NullTranslations:
    """Return the texts of *language*; for English, the texts themselves."""
    catalogue = HERE / "locale" / language / "messages.po"
    if not catalogue.exists():
        return NullTranslations()
    with catalogue.open("rb") as file:
        read = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return Translations(compiled)


def query(filters: Filters, **changes: str) -> str:
    """Return the query string of the list as *filters* narrow it, with *changes*: "?list=mine", or "".

    What is as it is by default is left out.
    """
    wanted: Dict[str, str] = {**vars(filters), **changes}
    if wanted["list"] == WAITING:
        del wanted["list"]
    given = {name: value for name, value in wanted.items() if value}
    return f"?{urlencode(given)}" if given else ""


def segment(text: str) -> str:
    """Return *text* as one segment of a path: thread ids of other channels hold what they like."""
    return quote(text, safe="")


def iso(at: float) -> str:
    """Return seconds since the epoch as HTML's `datetime` wants them."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def initials(name: str) -> str:
    """Return what stands for a picture: the first letters of the first and the last word."""
    words = [word for word in name.split() if word[0].isalnum()]
    letters = [word[0] for word in (words[:1] + words[1:][-1:])]
    return "".join(letters).upper()[:2] or "?"


def hue(name: str) -> int:
    """Return which of eight tints the picture of *name* has: the same in every process."""
    return sum(map(ord, name)) % 8


def mark(text: str) -> str:
    """Return *text* as a part of an id: the same in every process."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def zone(hours: float) -> str:
    """Return a time zone of so many hours beside UTC: "UTC+3", "UTC-3:30"."""
    whole, minutes = divmod(round(abs(hours) * 60), 60)
    return f"UTC{'-' if hours < 0 else '+'}{whole}{f':{minutes:02}' if minutes else ''}"


def time_at(at: float, hours: float) -> str:
    """Return the time of day there, at that moment: "09:05"."""
    return datetime.fromtimestamp(at + hours * 3600, timezone.utc).strftime("%H:%M")


def _environment(
    language: str,
    title: str,
    customers: str,
    targets: Mapping[str, Target],
    app_names: Mapping[str, str],
) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(str(HERE / "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    texts = translations(language)
    if customers != OF_A_SHOP:
        texts = InWordsOf(texts, language, customers)
    # The i18n extension adds this method to the class.
    environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(
        iso=iso, segment=segment, initials=initials, hue=hue, **_formats(language, texts)
    )
    environment.filters.update(pieces=pieces, mark=mark, marked=marked, time_at=time_at, zone=zone)
    titles = titles_of(targets, language, texts.gettext)
    environment.filters["target_title"] = lambda name: titles.get(name) or app_names.get(name) or name
    environment.filters.update(_refusals(texts, titles))
    environment.filters["named"] = lambda name: (
        texts.gettext(labels.WHO.get(name, "")) if name in labels.WHO else name
    )
    environment.globals.update(query=query, wording=labels, LANGUAGES=LANGUAGES, MOST_FOUND=MOST_FOUND)
    environment.globals.update(
        SHORTCUTS=shortcuts.SHORTCUTS, is_letter=shortcuts.is_letter, key_of=shortcuts.key_of
    )
    environment.globals["inbox_title"] = title or texts.gettext("Inbox")
    return environment


def _refusals(texts: NullTranslations, titles: Mapping[str, str]) -> Dict[str, Any]:
    """Return what words refusals for whoever is signed in."""

    @pass_context
    def told_apart(context: Context, text: str) -> Translated:
        you = context.get("you")
        return translated(text, texts, titles, is_admin=bool(you and you.is_admin))

    @pass_context
    def told(context: Context, text: str) -> str:
        return " ".join(filter(None, told_apart(context, text)))

    return {"told": told, "told_apart": told_apart}


def _formats(language: str, texts: NullTranslations) -> Dict[str, Any]:
    locale = Locale.parse(language)

    @lru_cache(maxsize=4096)  # people write in the same minutes
    def in_minute(minute: int) -> str:
        at = datetime.fromtimestamp(minute * 60, timezone.utc)
        return format_datetime(at, "d MMM HH:mm 'UTC'", locale=locale)

    def moment(at: float) -> str:
        return in_minute(int(at // 60))

    def lasting(seconds: float, style: str = "long") -> str:
        return together(_whole_units(seconds) or [("none", 0)], style)

    def took(seconds: float) -> str:
        return together(_whole_units(seconds, _WITH_SECONDS) or [("second", 0)], "short")

    def together(units: List[Tuple[str, int]], style: str) -> str:
        first, *rest = (_counted(unit, count, style) for unit, count in units)
        return texts.gettext(labels.TWO_UNITS) % {"first": first, "second": rest[0]} if rest else first

    def day(at: Union[date, str], style: str = "d MMM y") -> str:
        known = date.fromisoformat(at) if isinstance(at, str) else at
        return format_date(known, style, locale=locale)

    def _counted(unit: Any, count: int, style: str) -> str:
        if style == "short":
            return texts.gettext(labels.SHORT_UNITS[unit]) % {"num": count}
        if unit == "none":
            return texts.gettext(labels.NO_TIME)
        whole = timedelta(seconds=count * _SECONDS_OF_UNITS[unit])
        return format_timedelta(whole, granularity=unit, threshold=10**6, locale=locale)

    def number(value: int) -> str:
        return format_decimal(value, locale=locale)

    def locale_name(name: str) -> str:
        known = name.replace("-", "_")
        for each in (known, known.partition("_")[0]):  # Meta's own "ar_AR" is nobody else's
            with suppress(UnknownLocaleError, ValueError):
                return str(Locale.parse(each).get_display_name(locale) or name)
        return name

    return {
        "moment": moment,
        "lasting": lasting,
        "took": took,
        "day": day,
        "number": number,
        "locale_name": locale_name,
    }


def _whole_units(seconds: float, units: Mapping[Any, int] = _SECONDS_OF_UNITS) -> List[Tuple[str, int]]:
    """Return a duration, rounded down, in its largest unit and the next: [("hour", 1), ("minute", 31)]."""
    found: List[Tuple[str, int]] = []
    left = int(max(seconds, 0.0))
    for unit, size in units.items():
        count, left = divmod(left, size)
        if count:
            found.append((unit, count))
        elif found:
            break
    return found[:2]
