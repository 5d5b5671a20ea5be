"""The section `return` of handover.yml."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handover_channel.rules.keywords import Keyword
from handover_channel.settings import yaml_file
from handover_channel.settings.return_options import MAX_KEYWORDS, ReturnOptions, read
from handover_channel.settings.section import Section


def returning_and_problems(text):
    values, unreadable = yaml_file.parse(text, {})
    section = Section("handover.yml", values or {}, [], "return")

    assert unreadable == []
    return read(section), section.problems


def test_without_a_section_all_three_ways_are_open():
    twelve_hours = timedelta(hours=12)

    assert returning_and_problems("") == (
        ReturnOptions(twelve_hours, "Back to Bot", (Keyword("back to bot"),)),
        [],
    )


def test_every_way_can_be_set():
    returning, problems = returning_and_problems("""
        time_limit: 30 minutes
        button: "الرجوع إلى البوت 🤖"
        keywords: [main menu, no, 0, {text: bot, match: exact}, {text: menu, match: word}, {text: back}]
    """)

    assert problems == []
    assert returning == ReturnOptions(
        timedelta(minutes=30),
        "الرجوع إلى البوت 🤖",
        (
            Keyword("main menu"),
            Keyword("no"),
            Keyword("0"),
            Keyword("bot", exact=True),
            Keyword("menu"),
            Keyword("back"),
        ),
    )


def test_a_list_of_titles_is_one_for_each_language_in_order():
    returning, problems = returning_and_problems("button: [Back to Bot, Zurück zum Bot, العودة إلى البوت]")

    assert problems == []
    assert returning.button == "Back to Bot"
    assert returning.more_buttons == ("Zurück zum Bot", "العودة إلى البوت")


def test_what_is_wrong_with_a_title_of_the_list_is_said_once():
    _, problems = returning_and_problems("button: [Back to Bot, BACK TO BOT, off]")

    assert problems == [
        'handover.yml: return.button[2] is "BACK TO BOT", which counts the same as one before it: '
        "leave it out",
        'handover.yml: return.button[3] is "off": write false for no button',
    ]


@pytest.mark.parametrize("off", ["false", "null", ""])
def test_every_way_can_be_switched_off(off):
    text = f"time_limit: {off}\nbutton: {off}\nkeywords: {off}"

    assert returning_and_problems(text) == (ReturnOptions(None, None, ()), [])


def test_a_title_of_twenty_characters_fits():
    assert returning_and_problems(f"button: {'b' * 20}")[1] == []


def test_fifty_keywords_fit():
    returning, problems = returning_and_problems(f"keywords: [{', '.join(map(str, range(50)))}]")

    assert problems == []
    assert len(returning.keywords) == MAX_KEYWORDS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "button: Take me back to the bot now",
            'button is "Take me back to the bot now" (27 characters); Messenger allows 20: shorten it',
        ),
        ('button: ""', "button is empty: write up to 20 characters, or false for no button"),
        ("button: Off", 'button is "Off": write false for no button'),
        ("button: true", "button is true, which is no text: write it in quotes"),
        ("buttons: Back", "buttons is not a setting: did you mean button?"),
        (
            "time_limit: 12",
            'time_limit is "12": write a number and a unit, such as "30 minutes", "12 hours" or "2 days" '
            "(seconds, minutes, hours, days or weeks)",
        ),
        ("time_limit: 400 days", 'time_limit is "400 days": a duration is 365 days at most'),
        ("keywords: menu", "keywords must be a list: write each item on a line of its own, after a dash"),
        (
            f"keywords: [{', '.join(map(str, range(51)))}]",
            "keywords has 51 keywords; 50 are allowed: leave out 1",
        ),
        ('keywords: [menu, ""]', "keywords[2] is empty: write a word, or leave the item out"),
        ('keywords: ["\\u200b"]', "keywords[1] is empty: write a word, or leave the item out"),
        ("keywords: [null]", "keywords[1] is empty: write a word, or leave the item out"),
        ("keywords: [{match: exact}]", "keywords[1] is empty: write a word, or leave the item out"),
        ("keywords: [true]", "keywords[1] is true, which is no text: write it in quotes"),
        ("keywords: [[menu]]", "keywords[1] must be text: write it in quotes"),
        ("keywords: [{text: bot, match: regex}]", 'keywords[1].match is "regex": write one of word, exact'),
        ("keywords: [{text: bot, match: exactly}]", 'keywords[1].match is "exactly": did you mean exact?'),
        ("keywords: [{text: bot, exact: true}]", "keywords[1].exact is not a setting: did you mean text?"),
        (
            "keywords:\n- ${BACK}",
            "keywords[1] needs the environment variable BACK, which is not set: "
            "set it, or write the value here",
        ),
        (
            "keywords: [main menu, bot, Main  MENÚ]",
            'keywords[3] is "Main MENÚ", which counts the same as "main menu" before it: '
            "leave one of them out",
        ),
        (
            "keywords: [القائمة, {text: القائمه, match: exact}]",
            'keywords[2] is "القائمه", which counts the same as "القائمة" before it: leave one of them out',
        ),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(text, problem):
    assert returning_and_problems(text)[1] == [f"handover.yml: return.{problem}"]
