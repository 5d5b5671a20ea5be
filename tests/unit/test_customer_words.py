"""The page speaks of customers, guests or patients, in each language."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("babel")

from test_inbox_rendering import BASE, YOU, Document, list_view
from test_inbox_translation import catalogue

from handover_channel.inbox.customer_words import OF_A_HOTEL, OF_A_PRACTICE, OF_A_SHOP, WORDS_FOR, InWordsOf
from handover_channel.inbox.rendering import Pages, translations
from handover_channel.rules.languages import LANGUAGES
from handover_channel.settings import inbox as inbox_settings


def test_each_word_that_can_be_set_is_known_in_each_language():
    assert tuple(WORDS_FOR) == inbox_settings.CUSTOMER_WORDS
    assert all(set(words) == set(LANGUAGES) for words in WORDS_FOR.values())


@pytest.mark.parametrize("wanted", [OF_A_HOTEL, OF_A_PRACTICE])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_customer_is_left_in_any_text_where_guests_or_patients_are_wanted(language, wanted):
    texts = InWordsOf(translations(language), language, wanted)
    told = [texts.gettext(ids[0]) for ids in catalogue("ar") if len(ids) == 1]
    told += [texts.ngettext(*ids, number) for ids in catalogue("ar") if len(ids) == 2 for number in (1, 2, 3)]

    customer, word = WORDS_FOR[OF_A_SHOP][language], WORDS_FOR[wanted][language]
    assert [text for text in told if re.search("|".join(customer), text, re.IGNORECASE)] == []
    assert len([text for text in told if word.one in text.lower()]) > 20


def test_the_words_take_their_place_within_words_that_they_are_joined_to():
    arabic = InWordsOf(translations("ar"), "ar", OF_A_HOTEL)

    assert arabic.gettext("Customers") == "الضيوف"
    assert arabic.gettext("Customer") == "الضيف"
    assert any("للضيف" in arabic.gettext(ids[0]) for ids in catalogue("ar"))


def test_what_people_wrote_is_never_touched():
    given = list_view(filters=list_view().filters)
    shown = given.items[0].__class__(**{**vars(given.items[0]), "preview": "I am a customer of yours"})
    page = Pages(BASE, customers=OF_A_HOTEL).render(
        "inbox.html", "en", you=YOU, list=list_view(shown), thread=None, now=1.0
    )

    assert "I am a customer of yours" in page


def test_the_title_stands_in_the_tab_and_above_the_list_as_text():
    pages = Pages(BASE, title="<b>Blick</b>")
    inbox = pages.render("inbox.html", "ar", you=YOU, list=list_view(), thread=None, now=1.0)

    assert Document(inbox).text.count("<b>Blick</b>") == 3  # title, heading, above the list
    assert "<b>Blick" not in inbox
    assert "<b>Blick</b>" in Document(pages.render("sign_in.html", "en", you=None, next="")).text
