"""docs/troubleshooting.md has every message of the code, and what to do about it, as people read them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from messages import CLOSE, OPEN, PLACES, messages, shown, tables, with_tables
from source_texts import Source, called

from handover_channel.store import database_errors

TEXT = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def written(code):
    """What `say` in *code*, a module of its own, may say."""
    module = Source("sentences.py")
    module.tree = ast.parse(code)
    module.texts, module.functions, module.imports = {}, {}, {}
    *_, (call, scope) = ((call, scope) for call, scope in module.calls() if called(call) == "say")
    return [text.replace(OPEN, "<").replace(CLOSE, ">") for text in scope.filled(call.args[0], call.keywords)]


def test_the_tables_are_those_of_the_code():
    assert with_tables(TEXT, tables()) == TEXT, "make docs writes it"


def test_each_refusal_of_sqlite_that_has_a_remedy_is_listed():
    for said, remedy in database_errors.SQLITE_REMEDIES.items():
        assert f"\n- `{said}`: {remedy}.\n" in TEXT


def test_every_place_where_messages_are_met_has_some():
    places = {each.place for each in messages()}

    assert set(PLACES) <= places


#: What was asked for is so already.
ANSWERS = re.compile("is already with|has no time limit")


def test_every_message_says_what_to_do():
    assert not [
        f"{each.place}: {shown(each.text)}"
        for each in messages()
        if not each.remedy and not ANSWERS.search(each.text)
    ]


# --- what is read from the code -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("say('thread %(thread)s is away', thread=row.id)", ["thread <thread> is away"]),
        ("say('%(most)s at most', most=7)", ["7 at most"]),
        ("say(f'{path} is no {kind!r} of {target.name}')", ["<path> is no <kind> of <name>"]),
        ("say(f'one of {\", \".join(names)}')", ["one of <names>"]),
        (
            "def f(left):\n    why = 'early' if left else 'late'\n    say(f'too {why}')",
            ["too early", "too late"],
        ),
        ("def f():\n    a = 'one'\n    b(1)\n    a = 'two'\n    say(a)", ["two"]),
        ("def f(x):\n    a = 'one'\n    if x:\n        a = 'two'\n    say(a)", ["one", "two"]),
        ("def f(a):\n    say(f'with {a}')", ["with <a>"]),
        ("say('100% sure')", ["100% sure"]),
    ],
)
def test_what_a_call_may_say_is_read_from_the_source(code, texts):
    assert written(code) == texts


def test_a_cell_shows_what_markdown_would_swallow():
    assert shown(f"{OPEN}name{CLOSE} | [x] <b> `a_b` _a_ a_b *Save*") == (
        r"*name* \| \[x\] \<b> `a_b` \_a\_ a_b *Save*"
    )


# --- what must be among them ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "is missing | write the id of this bot's Meta app",
        "both serve /webhooks/facebook/webhook |",
        "was never seen |",
        "username or password is wrong |",
        "no action server answers at",
        "must be text | write it in quotes",
        "handover does not run on Windows",
        "2018278",
    ],
)
def test_words_that_people_see_are_found(words):
    assert words in TEXT
