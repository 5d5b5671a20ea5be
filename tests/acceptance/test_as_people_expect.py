"""Ways back as people use them, and a bot that speaks the person's language."""

from __future__ import annotations

import re

import pytest
from stack import buttons_of

pytestmark = pytest.mark.rasa

ARABIC = re.compile("[\u0620-\u064a]")


def _handed_over(person, target="sales_bot"):
    person.says("hello")
    person.settled()
    person.goes_to(target)
    return len(person.heard())


@pytest.mark.parametrize("target", ["inbox", "sales_bot"])
def test_what_else_the_message_asks_is_answered_after_the_return(person, target):
    heard = _handed_over(person, target)

    person.says("back to bot, what are your opening hours?")
    person.settled()

    told, answer = person.heard()[heard:]
    assert told.startswith("The bot is back")
    assert answer.startswith("We are open")
    assert person.control == "bot"


def test_a_second_tap_and_a_second_keyword_are_answered_by_nothing(person):
    heard = _handed_over(person)

    person.taps_menu('/handover_returned{"reason": "button"}')
    person.taps_menu('/handover_returned{"reason": "button"}')
    person.says("back to bot")
    person.settled()

    (told,) = person.heard()[heard:]
    assert told.startswith("The bot is back")
    assert len(person.calls("take_thread_control")) == 1


def test_the_bot_speaks_the_language_that_the_person_writes(person):
    for said in ("hello", "متى تفتحون؟", "مرحبا", "when are you open?"):
        before = len(person.heard())
        person.says(said)
        person.settled()

        (answer,) = person.heard()[before:]
        assert bool(ARABIC.search(answer)) == bool(ARABIC.search(said))
        assert bool(re.search("[a-z]", answer)) != bool(ARABIC.search(said))


def test_the_notice_of_a_handover_and_the_return_are_in_that_language_too(person):
    person.says("أريد التحدث مع موظف")
    person.settled()
    notice = person.sent()[-1]
    assert ARABIC.search(person.heard()[-1])
    assert buttons_of(notice)

    before = len(person.heard())
    person.says("العودة إلى البوت")
    person.settled()

    (told,) = person.heard()[before:]
    assert told == "عاد البوت. كيف أساعدك؟"
