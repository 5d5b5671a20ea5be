"""Tests that the keys of the page stand in one table, and that what they press is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handover_channel.inbox import rendering
from handover_channel.inbox.shortcuts import SHORTCUTS, is_letter, key_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "inbox.md"
TEMPLATES = "\n".join(path.read_text() for path in (rendering.HERE / "templates").glob("*.html"))
SCRIPT = (rendering.HERE / "static" / "keyboard.js").read_text()

LETTERS = [key for each in SHORTCUTS for key in each.keys if is_letter(key)]
PRESSED = sorted({each.does for each in SHORTCUTS if each.does and any(map(is_letter, each.keys))})


def test_no_letter_does_two_things():
    assert len(LETTERS) == len(set(LETTERS))
    assert not any(key.isupper() for key in LETTERS)  # the script compares small ones


@pytest.mark.parametrize("does", PRESSED)
def test_each_letter_moves_in_the_list_or_presses_a_button_that_some_page_has(does):
    movements = re.search(r"const MOVEMENTS = \{(.*?)\}", SCRIPT, re.S)[1]

    assert (f"{does}:" in movements) != (f'data-does="{does}"' in TEMPLATES)


def test_every_button_that_is_named_has_a_key():
    named = set(re.findall(r'data-does="(\w+)"', TEMPLATES))

    assert named <= {each.does for each in SHORTCUTS}


def test_the_first_key_is_what_a_menu_shows():
    assert (key_of("reply"), key_of("next"), key_of(""), key_of("nothing of ours")) == ("r", "e", "", "")


def test_the_document_has_the_same_table():
    text = DOCUMENT.read_text()
    rows = re.findall(r"^\| (<kbd>.*?) \| (.*?) \|$", text[text.index("| keys | do |") :], re.M)
    told = [(tuple(_plain(keys) for keys in given.split(", ")), words) for given, words in rows]

    assert told == [(each.keys, each.text) for each in SHORTCUTS]


def _plain(keys):
    return "+".join(re.findall(r"<kbd>(.*?)</kbd>", keys))
