"""The language of a message, by its letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.rules.written_language import language_of

SCRIPTS = {"ARABIC": "ar", "LATIN": "en"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("hello", "en"),
        ("HÉLLO!", "en"),
        ("مرحبا", "ar"),
        ("أريد iPhone Pro Max", "ar"),
        ("iPhone متوفر؟", "ar"),
        ("where is order 10234?", "en"),
        ("10234", None),
        ("١٠٢٣٤", None),
        ("A10234", None),
        ("ali@shop.example", None),
        ("www.shop.example/chair", None),
        ("https://shop.example", None),
        ("هذا بريدي: ali@shop.example", "ar"),
        ("👍 ❤️ 1️⃣", None),
        ("", None),
        ("/order_status", None),
        ('/handover_returned{"reason": "button"}', None),
        ("/hello there", "en"),
        ("Привет", None),
        ("你好", None),
    ],
)
def test_the_letters_of_its_words_tell_the_language(text, language):
    assert language_of(text, SCRIPTS) == language


def test_scripts_and_languages_are_the_bots_own():
    assert language_of("Привет", {"CYRILLIC": "ru", "LATIN": "de"}) == "ru"
    assert language_of("Grüß Gott", {"CYRILLIC": "ru", "LATIN": "de"}) == "de"


@given(st.text())
def test_no_message_breaks_it(text):
    assert language_of(text, SCRIPTS) in (None, "en", "ar")
