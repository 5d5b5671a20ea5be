"""The ways back: durations, the button's payload, and keywords in the languages people write."""

from __future__ import annotations

import json
import string
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handover_channel.messenger.return_button import BUTTON_PAYLOAD, is_button
from handover_channel.rules.durations import parse_duration
from handover_channel.rules.keywords import Keyword, Keywords, fold
from handover_channel.rules.return_reasons import ReturnReason

A_NUMBER_AND_A_UNIT = (
    'write a number and a unit, such as "30 minutes", "12 hours" or "2 days" '
    "(seconds, minutes, hours, days or weeks)"
)


def matched(keyword: str, message: str, *, exact: bool = False) -> bool:
    return Keywords([Keyword(keyword, exact)]).match(message) == keyword


# The button


def test_the_payload_of_the_button_is_the_intent_with_the_reason_as_entity():
    intent, brace, entities = BUTTON_PAYLOAD.partition("{")

    assert intent == "/handover_returned"
    assert json.loads(brace + entities) == {"reason": ReturnReason.BUTTON.value}


@pytest.mark.parametrize(
    "payload", [BUTTON_PAYLOAD, '/handover_returned{"reason":"button"}', f" {BUTTON_PAYLOAD}\n"]
)
def test_the_button_is_known_however_its_payload_is_spaced(payload):
    assert is_button(payload)


@pytest.mark.parametrize(
    "payload",
    [None, "", "/handover_returned", '/handover_returned{"reason": "agent"}', "/restart", "Back to Bot"],
)
def test_any_other_payload_is_not_the_button(payload):
    assert not is_button(payload)


def test_the_reasons_are_those_that_bots_are_written_for():
    reasons = "keyword button time_limit agent passed_back lapsed released no_answer"

    assert [reason.value for reason in ReturnReason] == reasons.split()


# Durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45 seconds", 45),
        ("1 second", 1),
        ("30 minutes", 1800),
        ("12 hours", 43200),
        ("1.5 hours", 5400),
        ("2 days", 172800),
        ("1 week", 604800),
        ("365 days", 31536000),
        ("  2   Days ", 172800),
        ("30s", 30),
        ("30min", 1800),
        ("12h", 43200),
        ("2d", 172800),
        ("2w", 1209600),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("", A_NUMBER_AND_A_UNIT),
        ("12", A_NUMBER_AND_A_UNIT),
        ("soon", A_NUMBER_AND_A_UNIT),
        ("hours", A_NUMBER_AND_A_UNIT),
        ("-5 minutes", A_NUMBER_AND_A_UNIT),
        ("30 m", A_NUMBER_AND_A_UNIT),
        ("2 months", A_NUMBER_AND_A_UNIT),
        ("1 hour 30 minutes", A_NUMBER_AND_A_UNIT),
        ("12:30", A_NUMBER_AND_A_UNIT),
        ("1e3 days", A_NUMBER_AND_A_UNIT),
        ("9" * 400 + " days", A_NUMBER_AND_A_UNIT),
        ("0 hours", "a duration is 1 second at least"),
        ("0.5 seconds", "a duration is 1 second at least"),
        ("366 days", "a duration is 365 days at most"),
        ("999999999 weeks", "a duration is 365 days at most"),
    ],
)
def test_any_other_duration_is_refused_with_what_is_accepted(text, accepted):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - its text is compared below
        parse_duration(text)

    assert str(refusal.value) == accepted


@given(st.text())
def test_no_text_breaks_the_reading_of_a_duration(text):
    try:
        duration = parse_duration(text)
    except ValueError:
        return

    assert timedelta(seconds=1) <= duration <= timedelta(days=365)


# Folding


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("MAIN Menu", "main menu"),
        ("Straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("İPTAL", "iptal"),
        ("KAPI", "kapı"),
        ("ｍａｉｎ　ｍｅｎｕ", "main menu"),
        ("menú", "menu"),
        ("me\u0301nu", "menu"),
        ("Łódź", "lodz"),
        ("Ёлка", "елка"),
        ("  main \t\n  menu ", "main menu"),
        ("main\u00a0menu", "main menu"),
        ("main\u200b me\u00adnu\u200f", "main menu"),
        ("\u2067main\u2069 menu", "main menu"),
        ("let’s talk", "let's talk"),
        ("let´s talk", "let's talk"),
        ("back–to—bot", "back-to-bot"),
        ("❤\ufe0f", "❤"),
        ("العَوْدَةُ", "العودة"),
        ("القائمـــة", "القائمة"),
        ("أهلا إلى آخر ٱلباب", "اهلا الى اخر الباب"),
        ("القائمه الرئيسيه", "القائمة الرئيسية"),
        ("الرئيسيه", "الرييسيه"),
        ("مسؤول", "مسوول"),
        ("العودة إلي", "العوده الى"),
        ("فارسی کتاب", "فارسي كتاب"),
        ("٠١٢٣٤٥٦٧٨٩", "0123456789"),
        ("۰۱۲۳۴۵۶۷۸۹", "0123456789"),
        ("می\u200cخواهم", "میخواهم"),
    ],
)
def test_what_people_take_for_the_same_words_folds_to_the_same(typed, same):
    assert fold(typed) == fold(same)


@pytest.mark.parametrize(
    ("typed", "other"),
    [("मेनू", "मन"), ("かき", "がき"), ("بات", "بنت"), ("ماء", "ما"), ("1\ufe0f\u20e3", "1")],
)
def test_marks_that_make_another_word_stay(typed, other):
    assert fold(typed) != fold(other)


@given(st.text())
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(min_codepoint=0x600, max_codepoint=0x6FF)))
def test_folding_arabic_twice_is_folding_it_once(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=string.printable))
def test_the_short_way_for_ascii_leads_to_the_same(text):
    assert fold(text) == fold(text + "\u200b")


# Keywords

KEYWORDS = [
    "back to bot",
    "main menu",
    "العودة إلى البوت",
    "back-to-bot",
    "c++",
    "🏠",
    "メニュー",
    "मेनू",
    "إلغاء",
    "0",
]


@pytest.mark.parametrize("keyword", KEYWORDS)
@pytest.mark.parametrize("message", ["{}", "{}!", "«{}»", "please, {} ...", "{}\nthanks", "_{}_", "({})؟"])
def test_a_keyword_matches_as_a_word_anywhere_in_the_message(keyword, message):
    assert matched(keyword, message.format(keyword))
    assert matched(keyword, message.format(keyword.upper()))


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        ("bot", "robot"),
        ("bot", "bots"),
        ("bot", "bot2"),
        ("back to bot", "back to bottom"),
        ("main menu", "main the menu"),
        ("main menu", "mainmenu"),
        ("العودة", "والعودة"),
        ("بوت", "البوت"),
        ("मन", "मने"),
        ("0", "10"),
        ("0", "that is 10.0 or 0,5"),
        ("0", "at 1:0, 12/0/0"),
        ("1", "1\ufe0f\u20e3"),
        ("back to bot", ""),
    ],
)
def test_a_part_of_a_word_is_no_match(keyword, message):
    assert not matched(keyword, message)


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        ("bot", "robot or bot"),
        ("客服", "我要客服谢谢"),
        ("เมนู", "ขอเมนูหน่อย"),
        ("bot", "用bot吧"),
        ("🏠", "go🏠now"),
        ("👍", "👍🏽"),
        ("العودة الى البوت", "أريد العوده إلي البوت، شكرا"),
        ("رقم 5", "رقم ٥"),
        ("main menu", "MAIN\u00a0\u200bMENU please"),
    ],
)
def test_a_word_is_found_in_scripts_without_spaces_and_beside_emoji(keyword, message):
    assert matched(keyword, message)


@pytest.mark.parametrize("message", ["menu", "MENU!", " «menu» ", "... menu ...", "¿menu?", "mén\u200bu؟"])
def test_an_exact_keyword_is_the_whole_message_but_for_punctuation(message):
    assert matched("menu", message, exact=True)


@pytest.mark.parametrize(
    "message", ["the menu", "menu please", "menu menu", "menu 2", "menu ½", "🙏", "", "!"]
)
def test_an_exact_keyword_among_other_words_is_no_match(message):
    assert not matched("menu", message, exact=True)


@pytest.mark.parametrize(("keyword", "message"), [("c++", "C++?"), ("?", "??"), ("-b-", "(-b-)")])
def test_an_exact_keyword_may_itself_hold_punctuation(keyword, message):
    assert matched(keyword, message, exact=True)
    assert not matched(keyword, f"{message} x", exact=True)


def test_exact_c_plus_plus_is_not_c():
    assert not matched("c++", "c", exact=True)


def test_the_match_is_the_first_configured_keyword_as_it_was_written():
    keywords = Keywords([Keyword("Main Menu"), Keyword("Menu"), Keyword("bot")])

    assert keywords.match("bot, the main menu!") == "Main Menu"


def test_a_keyword_that_folds_to_nothing_never_matches():
    assert Keywords([Keyword(" \u200b"), Keyword("", exact=True)]).match("anything") is None


def test_without_keywords_nothing_matches():
    assert Keywords([]).match("back to bot") is None


@given(st.text(), st.sampled_from(KEYWORDS), st.booleans())
def test_no_message_breaks_the_search(message, keyword, exact):
    assert Keywords([Keyword(keyword, exact)]).match(message) in (keyword, None)


@given(st.text(), st.text(), st.booleans())
def test_no_keyword_breaks_the_search(keyword, message, exact):
    assert Keywords([Keyword(keyword, exact)]).match(message) in (keyword, None)


PUNCTUATION = st.text(alphabet=" .,;:!?¿¡\"'()[]«»-–…/*_؟،؛。！？\n")
CASES = st.sampled_from([str, str.upper, str.lower, str.swapcase, str.title])


WORDS = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc", "Mn", "Mc", "Me"]), min_size=1, max_size=30
)


@given(WORDS, PUNCTUATION, PUNCTUATION, CASES, st.booleans())
def test_every_keyword_matches_itself_in_any_case_between_any_punctuation(
    keyword, before, after, case, exact
):
    assume(fold(keyword))

    assert matched(keyword, before + case(keyword) + after, exact=exact)
