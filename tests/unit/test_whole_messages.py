"""A way back as the whole message, and what remains of a message that holds one."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.rules.keywords import Keyword, Keywords
from handover_channel.settings.return_options import ReturnOptions, keywords_of

WORDS = Keywords([Keyword("back to bot"), Keyword("main menu"), Keyword("العودة إلى البوت"), Keyword("客服")])
EXACT = Keywords([Keyword("menu", exact=True)])

EMOJI = [
    "🙏",
    "👍🏽",  # a skin tone
    "❤️",  # a sign of text, shown as an emoji
    "❤",
    "👩‍👩‍👧‍👦",  # a sequence with zero-width joiners
    "🏳️‍🌈",
    "🇸🇦",  # a flag of two letters
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # a flag of tags
    "1️⃣",  # a keycap
    "#️⃣",
    "™️",  # letters to Unicode
    "ℹ️",
    "Ⓜ️",
    "🈁",
    "㊗️",
    "🆗",
    "©️",
    "‼️",
    "↔️",
    ":-)",
]
SYMBOLS = st.one_of(
    st.characters(categories=["So"], min_codepoint=0x2600, max_codepoint=0x27BF),
    st.characters(categories=["So", "Sk"], min_codepoint=0x1F000, max_codepoint=0x1FAFF),
)


@pytest.mark.parametrize("emoji", EMOJI)
@pytest.mark.parametrize("message", ["menu{}", "menu {}", "{}menu", "{} menu {}{}", "¡Menu! {}"])
def test_emoji_around_an_exact_keyword_count_as_punctuation(message, emoji):
    assert EXACT.match(message.replace("{}", emoji)) == "menu"


@given(st.lists(st.one_of(st.sampled_from(EMOJI), SYMBOLS), max_size=6), st.integers(0, 6))
def test_whatever_emoji_stand_around_it_an_exact_keyword_matches(emoji, place):
    assert EXACT.match("".join([*emoji[:place], "Menu", *emoji[place:]])) == "menu"


@pytest.mark.parametrize("emoji", EMOJI)
def test_emoji_beside_a_keyword_do_not_make_another_word_of_it(emoji):
    assert WORDS.match(f"back to bot{emoji}") == "back to bot"
    assert WORDS.match(f"{emoji}back to bot please") == "back to bot"


@pytest.mark.parametrize("emoji", ["🏠", "❤️", "1️⃣", "👍🏽", "🇸🇦", "👩‍👩‍👧‍👦"])
def test_an_emoji_may_be_a_keyword_itself(emoji):
    for exact in (False, True):
        keywords = Keywords([Keyword(emoji, exact)])

        assert keywords.match(f" {emoji} ") == emoji
        assert keywords.match("hello") is None


def test_an_exact_keyword_with_an_emoji_may_be_typed_without_it():
    keywords = Keywords([Keyword("🤖 Back to Bot", exact=True)])

    assert keywords.match("back to bot") == "🤖 Back to Bot"
    assert keywords.match("please back to bot") is None


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        # clauses of their own
        ("back to bot, what are your opening hours?", "what are your opening hours?"),
        ("Back to Bot!\n\nWhat are your opening hours", "What are your opening hours"),
        ("back to bot\nopening hours", "opening hours"),
        ("back to bot - prices?", "prices?"),
        ("back to bot - delivery costs", "delivery costs"),
        ("back to bot 🤖 when are you open? 🙏", "when are you open? 🙏"),
        ("what are your opening hours? back to bot", "what are your opening hours"),
        ("My order is late. Main menu. Where is it?", "My order is late Where is it?"),
        ("ba\u0301ck\u200b to\u00a0BOT: ﬁne prices", "ﬁne prices"),
        ("العوده الى البوت، ما هي أوقات العمل؟", "ما هي أوقات العمل؟"),
        ("الْعَوْدَةُ إلى الـبوت: أين طلبي رقم ١٠٢٣٤", "أين طلبي رقم ١٠٢٣٤"),
        ("客服，营业时间是几点", "营业时间是几点"),
        ("back to bot, main menu, the prices", "the prices"),
        # without punctuation, but a question or many words
        ("back to bot what are your opening hours", "what are your opening hours"),
        ("back to bot any news?", "any news?"),
        ("العودة إلى البوت متى تفتحون المتجر غدا", "متى تفتحون المتجر غدا"),
        # how people ask to go back
        ("please, back to bot", ""),
        ("back to bot, please", ""),
        ("back to bot please", ""),
        ("back to bot, thanks!", ""),
        ("please take me to the MAIN MENU now", ""),
        ("I want to go back to bot", ""),
        ('show me the "main menu" please', ""),
        ("can I go back to bot?", ""),
        ("من فضلك العودة إلى البوت الآن", ""),
        ("我要客服谢谢", ""),
    ],
)
def test_the_rest_is_what_the_message_asks_beside_its_keywords(said, rest):
    assert WORDS.rest(said) == rest
    assert not WORDS.is_all_of(said)


@pytest.mark.parametrize(
    "said", ["back to bot", "BACK to bot!!! 🙏", "back to bot 1️⃣", "back to bot. Main menu?", "«main menu»"]
)
def test_a_message_without_another_word_is_a_way_back_and_nothing_else(said):
    assert WORDS.rest(said) == ""
    assert WORDS.is_all_of(said)


def test_nothing_remains_of_what_an_exact_keyword_matches():
    assert EXACT.rest("menu!") == ""
    assert EXACT.is_all_of("menu!")
    assert not EXACT.is_all_of("menu please")


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_rest_of_a_message_holds_no_keyword_and_no_word_that_was_not_there(before, after):
    rest = WORDS.rest(f"{before} main menu {after}")

    assert WORDS.match(rest) is None
    letters = [char for char in rest if unicodedata.category(char)[0] == "L"]
    assert not [char for char in letters if char not in before + after]


@pytest.mark.parametrize(
    "said", ["back to bot é" * 400, "é" * 3000 + " back to bot", "back to bot " * 90_000]
)
def test_a_hostile_message_costs_little(said):
    began = time.process_time()
    WORDS.rest(said)

    assert time.process_time() - began < 2


def test_the_title_of_the_button_typed_as_the_whole_message_is_a_way_back():
    returning = ReturnOptions(
        button="Zurück zum Bot", more_buttons=("العودة إلى البوت", "🤖 Bot"), keywords=(Keyword("menu"),)
    )
    keywords = keywords_of(returning)

    for said in ("zuruck zum bot", "Zurück zum Bot! 🙏", "العوده الى البوت.", "Bot"):
        assert keywords.match(said), said
        assert keywords.is_all_of(said), said
    for said in ("zurück zum bot bitte", "a bot", "hello"):
        assert not keywords.match(said), said


def test_without_a_button_no_title_is_a_way_back():
    assert keywords_of(ReturnOptions(button=None, keywords=())).match("Back to Bot") is None
