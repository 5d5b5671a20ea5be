"""Agents read of targets and apps what they are called, not how they are spelled in a file or at Meta."""

from __future__ import annotations

import dataclasses

import pytest
from play import HOOTSUITE, SALES_BOT, TARGETS
from test_inbox_rendering import NOW, YOU, item, list_view, thread_view

from handover_channel.errors import HandoverRefused
from handover_channel.inbox.rendering import Pages, translations
from handover_channel.inbox.target_titles import titles_of
from handover_channel.inbox.view_models import ControlChange, Filters
from handover_channel.messenger.events import INSTAGRAM_INBOX_APP_ID, PAGE_INBOX_APP_ID

SHOP = {"en": "Shop & more", "ar": "المتجر"}


def targets(**titles):
    return {each.name: dataclasses.replace(each, title=titles.get(each.name, {})) for each in TARGETS}


def titles(language="en", **given):
    return titles_of(targets(**given), language, translations(language).gettext)


def drawn(pages, language="en", **given):
    context = {"you": YOU, "now": NOW, "list": list_view(), "thread": None, "after": "", **given}
    return pages.render("inbox.html", language, **context)


@pytest.mark.parametrize(
    ("name", "english", "arabic"),
    [
        ("inbox", "Inbox", "صندوق الوارد"),
        ("page_inbox", "Page inbox", "صندوق وارد الصفحة"),
        (PAGE_INBOX_APP_ID, "Page inbox", "صندوق وارد الصفحة"),
        (INSTAGRAM_INBOX_APP_ID, "Page inbox", "صندوق وارد الصفحة"),
        ("sales_bot", "Shop & more", "المتجر"),
        (SALES_BOT, "Shop & more", "المتجر"),
        ("patient", "Patient", "Patient"),
        (HOOTSUITE, "Hootsuite", "Hootsuite"),
        ("", "the bot", "البوت"),
    ],
)
def test_a_target_is_called_by_its_title_by_our_word_for_its_kind_or_by_its_name_in_words(
    name, english, arabic
):
    assert (titles("en", sales_bot=SHOP)[name], titles("ar", sales_bot=SHOP)[name]) == (english, arabic)


def test_a_title_goes_before_our_own_words():
    desk = {"en": "Front desk", "ar": "الاستقبال"}

    found = titles("ar", inbox=desk, page_inbox=desk)

    assert [found[name] for name in ("inbox", "page_inbox", PAGE_INBOX_APP_ID)] == ["الاستقبال"] * 3


@pytest.mark.parametrize(("language", "title"), [("en", "Shop &amp; more"), ("ar", "المتجر")])
def test_dividers_facts_chips_and_menus_have_the_title(language, title):
    pages = Pages(targets=targets(sales_bot=SHOP))
    change = ControlChange("c", 1.0, "bot", "app", "sales_bot", "handed_over", "bot")
    view = list_view(
        item(control="app", target="sales_bot"), filters=Filters(target="sales_bot"), targets=["sales_bot"]
    )

    thread = thread_view(change, control="app", target="sales_bot")
    for html in (drawn(pages, language, list=view), drawn(pages, language, thread=thread)):
        assert html.count(title) >= 2
        assert ">sales_bot" not in html


def test_an_app_that_is_no_target_is_called_as_meta_calls_it_once_that_is_known():
    names = {}
    pages = Pages(app_names=names)
    view = list_view(item(control="app", target="5555"))
    assert "5555" in drawn(pages, list=view)

    names["5555"] = "Hoot & Co"

    assert "Hoot &amp; Co" in drawn(pages, list=view)


@pytest.mark.parametrize(("language", "title"), [("en", "Shop &amp; more"), ("ar", "المتجر")])
def test_refusals_have_the_title(language, title):
    refused = HandoverRefused(
        "thread %(thread)s is already with %(target)r", thread="7001", target="sales_bot"
    )

    pages = Pages(targets=targets(sales_bot=SHOP))

    assert title in pages.render("problem.html", language, text=refused.text)
