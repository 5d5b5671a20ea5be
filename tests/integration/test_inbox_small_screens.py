"""Room to read and write on small screens and at high zoom, measured in a real browser, in both languages.

Zoom makes a window smaller in its own pixels: 1280 x 800 at 200 % is 640 x 400, at 400 % it is 320 x 200.
"""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa
from integration.test_inbox_keyboard import (  # noqa: F401 - fixtures
    ROW,
    assert_accessible,
    browser,
    inbox,
    row,
    window,
)
from playwright.sync_api import expect

from handover_channel.store.schema import threads

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

#: Window -> pixels that messages have at least: as it is opened, and while a reply is written.
ROOM = {
    "phone with its keyboard": ((375, 400), 310, 270),
    "phone": ((375, 667), 340, 340),
    "phone on its side": ((667, 375), 285, 245),
    "200 %": ((640, 400), 310, 270),
    "400 %": ((320, 200), 115, 75),
}
SHORT = ((375, 400), (640, 400), (320, 200))


def sized(size, locale="en-GB"):
    return {"viewport": {"width": size[0], "height": size[1]}, "locale": locale}


def height(page, part):
    return page.locator(part).bounding_box()["height"]


def assert_nothing_is_wider(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
def test_there_is_room_to_read_and_to_write(window, locale):  # noqa: F811
    for what, (size, opened, writing) in ROOM.items():
        page = window("/thread/1", **sized(size, locale))
        assert height(page, "#log") >= opened, what
        assert_nothing_is_wider(page)

        page.locator("#reply-text").click()
        page.keyboard.type("We send you a new one")

        assert height(page, "#log") >= writing, what
        for part in ("#reply-text", "#reply button.primary", "#thread-name"):
            expect(page.locator(part)).to_be_in_viewport(ratio=1)
        assert_nothing_is_wider(page)
        page.context.close()


@pytest.mark.parametrize("size", SHORT)
def test_where_there_is_little_height_the_rest_of_the_head_is_behind_a_button(inbox, window, size):  # noqa: F811
    page = window("/thread/1", **sized(size))
    button = page.get_by_role("button", name="Tags, time limit and more")
    expect(page.locator(".head .tags")).to_be_hidden()
    assert height(page, ".head") <= 44

    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".head .silence")).to_contain_text("There is no time limit.")
    page.locator("#new-tag").fill("wet")
    page.locator("#new-tag").press("Enter")
    expect(page.locator("li.tag")).to_contain_text("wet")
    assert_nothing_is_wider(page)
    page.keyboard.press("Escape")  # out of the field
    page.keyboard.press("Escape")

    expect(page.locator(".head .tags")).to_be_hidden()
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("t")
    expect(page.locator("#new-tag")).to_be_focused()


def test_the_composer_is_one_line_until_it_is_used_and_while_something_is_in_it_it_is_whole(window):  # noqa: F811
    page = window("/thread/1", **sized((375, 400)))
    assert height(page, "#composer") <= 40
    expect(page.locator("#reply button.primary")).to_be_hidden()

    page.locator("#reply-text").click()
    page.locator("label[for=mode-remark]").click()
    page.keyboard.type("she is a good customer")
    page.locator("#remark button.primary").click()
    expect(page.locator("#entries .remark")).to_contain_text("she is a good customer")

    page.locator("label[for=mode-reply]").click()
    page.locator("#reply-text").fill("half a sentence")
    page.locator("#log").focus()
    expect(page.locator("#reply button.primary")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
def test_the_list_can_be_walked_through_at_little_height(window, locale):  # noqa: F811
    page = window("/", **sized((320, 200), locale))
    for _ in range(4):
        page.keyboard.press("j")

    expect(page.locator("#list .item").last).to_be_in_viewport()
    assert_nothing_is_wider(page)


# --- the tabs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
def test_tabs_with_the_highest_counts_stand_in_one_row_of_their_column(inbox, window, locale):  # noqa: F811
    now = time.time()
    values = {**ROW, "active_at": now, "changed_at": now, "person_at": int(now * 1000), "waiting_since": now}
    many = [
        {**values, "id": f"{assignee}{number}", "assignee": assignee}
        for assignee in ("", "sara")
        for number in range(100, 220)
    ]
    with inbox.store.writing() as connection:
        connection.execute(sa.insert(threads), many)
    for width in (1280, 1000, 720, 375, 320):
        page = window("/", **sized((width, 800), locale))
        column = page.locator(".side").bounding_box()
        tabs = page.locator(".tabs > *")
        boxes = [tab.bounding_box() for tab in tabs.all()]

        assert {box["y"] for box in boxes} == {boxes[0]["y"]}, width
        assert min(box["x"] for box in boxes) >= column["x"], width
        assert max(box["x"] + box["width"] for box in boxes) <= column["x"] + column["width"], width
        assert sum(text.count("+") for text in tabs.all_inner_texts()) >= 2  # 99+
        page.context.close()


def test_lists_that_are_seldom_looked_into_are_behind_more_which_says_which_one_is_shown(window):  # noqa: F811
    page = window("/", **sized((375, 667)))
    more = page.locator(".tabs summary")
    expect(more).to_have_text("More")

    more.click()
    assert_accessible(page)
    page.locator("[data-list=bot]").click()

    expect(more).to_have_text("Bot")
    expect(more).to_have_attribute("aria-current", "true")
    expect(page.locator("[data-list=bot]")).to_be_hidden()
    expect(page.get_by_text("No conversations with the bot.")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
def test_what_stands_in_the_field_of_tags_is_not_cut(window, locale):  # noqa: F811
    page = window("/thread/1", **sized((1280, 800), locale))

    room = page.locator("#new-tag").evaluate(
        """field => {
          const style = getComputedStyle(field), pen = document.createElement("canvas").getContext("2d");
          pen.font = style.font;
          const inside = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
          return inside - pen.measureText(field.placeholder).width;
        }"""
    )

    assert room >= 0


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
def test_axe_finds_nothing_where_there_is_little_height(window, locale):  # noqa: F811
    page = window("/thread/1", **sized((375, 400), locale))
    assert_accessible(page)
    page.locator("#reply-text").click()
    assert_accessible(page)
    page.locator("[data-unfolds]").click()
    assert_accessible(page)
