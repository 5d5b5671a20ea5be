"""Tests what `handover status` says first, over all states that a row can be in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from play import DAY, HOUR, START

from handover_channel.cli.language import Language
from handover_channel.cli.status import texts
from handover_channel.errors import GraphError
from handover_channel.rules.control import TRANSITIONS, Control, State, bot_may_speak
from handover_channel.rules.languages import LANGUAGES
from handover_channel.rules.reasons_in_words import REASONS
from handover_channel.rules.why_silent import Facts, MetaSays, Whose, explain
from handover_channel.sentences import Sentence, restored

TIMES = st.floats(min_value=-1e12, max_value=1e19, allow_nan=False)
MAYBE = st.none() | TIMES
WORDS = st.text(max_size=20)
METAS = st.builds(
    MetaSays,
    st.sampled_from(Whose),
    st.sampled_from(["", "2222", "263902037430900"]),
    MAYBE,
    st.just(restored("out")),
)
FACTS = st.builds(
    Facts,
    thread=WORDS,
    state=st.builds(
        State,
        control=st.sampled_from(Control),
        owner=st.sampled_from(["", "2222", "3333"]),
        target=st.sampled_from(
            ["", "inbox", "sales_bot", "2222", "another_app", "263902037430900", "50% off"]
        ),
    ),
    now=TIMES,
    reason=st.sampled_from(["", *REASONS, "unheard-of"]) | WORDS,
    who=WORDS,
    changed_at=TIMES,
    on_messenger=st.booleans(),
    until=MAYBE,
    button=WORDS,
    keywords=st.lists(WORDS, max_size=3).map(tuple),
    stay_muted=st.booleans(),
    active_at=TIMES,
    assignee=WORDS,
    waiting_since=MAYBE,
    no_answer_at=MAYBE,
    settle_at=MAYBE,
    again_at=MAYBE,
    refusal=WORDS.map(restored),
    attempts=st.integers(0, 100),
    meta=METAS,
    owner_name=WORDS,
    findings=st.lists(WORDS.map(Sentence), max_size=2).map(tuple),
    given_up=st.integers(0, 200),
    waiting=st.integers(0, 200),
    oldest_at=MAYBE,
)


def ids(facts):
    return [each.id for each in explain(facts)]


def facts(control=Control.APP, target="sales_bot", **more):
    owner = "2222" if control is Control.APP else ""
    known = {"reason": "handed_over", "changed_at": START, "active_at": START, "now": START + HOUR}
    return Facts(**{"thread": "7001", "state": State(control, owner, target), **known, **more})


def paragraph(of, language="en"):
    return " ".join(texts([each.sentence for each in explain(of)], Language(language)))


@given(FACTS)
def test_who_has_control_is_said_once_and_as_the_row_says(facts):
    said = [each for each in ids(facts) if each.startswith("control.")]

    assert said == [f"control.{facts.state.control.value}"]
    assert ("is silent:" in str(explain(facts)[0].sentence)) != bot_may_speak(facts.state.control)


@given(FACTS)
def test_an_end_is_only_named_where_there_is_one(facts):
    ends = {each for each in ids(facts) if each.startswith("ends.")}
    control = facts.state.control

    if Control.BOT not in TRANSITIONS[control].values() or control is Control.BOT:
        assert not ends
    assert ("ends.time_limit" in ends) == (
        facts.until is not None and control not in (Control.BOT, Control.PASSING)
    )
    assert not ends & {"ends.passed_back", "ends.lapse"} or control is Control.APP
    assert "ends.agent" not in ends or control is Control.INBOX
    assert "ends.button" not in ends or (facts.button and facts.on_messenger)


@given(FACTS)
def test_what_meta_says_is_said_if_it_was_asked_and_never_counts_as_the_row(facts):
    said = [each for each in ids(facts) if each.startswith("meta.") and each != "meta.until"]

    assert said == ([] if facts.meta.whose is Whose.NOT_ASKED else [f"meta.{facts.meta.whose.value}"])


@given(FACTS)
def test_a_meta_that_could_not_be_asked_makes_nothing_wrong(facts):
    if facts.meta.whose in (Whose.NO_ANSWER, Whose.NOT_ASKED):
        assert "wrong.differs" not in ids(facts)


@given(FACTS, st.sampled_from(sorted(LANGUAGES)))
def test_every_sentence_can_be_read_in_every_language(facts, language):
    said = explain(facts)
    found = texts([each.sentence for each in said], Language(language))

    assert len(found) == len(said)
    assert all(text for each, text in zip(said, found) if each.id != "wrong.finding")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("control", list(Control))
@pytest.mark.parametrize("whose", list(Whose))
def test_no_english_is_left_in_arabic_but_names(language, control, whose):
    of = facts(
        control, until=START + DAY, button="B", keywords=("k",), meta=MetaSays(whose, "2222", START + DAY)
    )

    said = paragraph(of, language)
    assert "7001" in said
    assert ("has control" in said or "silent" in said) == (language == "en")


def test_the_paragraph_of_a_thread_with_another_bot():
    of = facts(
        until=START + 3 * HOUR,
        button="Back to Bot",
        keywords=("back to bot", "main menu"),
        meta=MetaSays(Whose.OTHER, "2222", START + DAY),
        owner_name="sales_bot",
    )

    assert paragraph(of) == (
        "The bot is silent: sales_bot has control of thread 7001, since 2023-11-14 22:13 UTC (1 hour ago). "
        "Handed over to sales_bot. The time limit ends it at 2023-11-15 01:13 UTC (in 2 hours). "
        'The customer can tap the button "Back to Bot". '
        'The customer can write one of 2 keywords, such as "back to bot". '
        "You can return it by `handover return 7001`, if Meta allows it. "
        "It can be passed back by sales_bot. "
        "If nothing happens in it until 2023-11-15 22:13 UTC, the customer's next message is the bot's. "
        "Meta says that sales_bot has control. "
        "That ends at 2023-11-15 22:13 UTC if nothing happens in the conversation."
    )


def test_what_meta_refused_is_said_with_its_remedy_and_its_words():
    refusal = GraphError("(#27) No.", remedy=Sentence("do it")).text
    of = facts(refusal=refusal, attempts=3, again_at=START + 2 * HOUR)

    assert {"wrong.refused", "ends.again"} <= set(ids(of))
    assert 'Meta has refused 3 times to give control back: do it. "(#27) No."' in paragraph(of)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"until": START}, "wrong.overdue"),
        ({"given_up": 2}, "wrong.given_up"),
        ({"waiting": 1, "oldest_at": START}, "wrong.waiting"),
        ({"findings": (Sentence("x"),)}, "wrong.finding"),
        ({"meta": MetaSays(Whose.NOBODY)}, "wrong.differs"),
        ({"meta": MetaSays(Whose.OURS)}, "wrong.differs"),
        ({"meta": MetaSays(Whose.OTHER, "9999")}, "wrong.differs"),
        ({"control": Control.BOT, "target": "", "meta": MetaSays(Whose.HIDDEN)}, "wrong.differs"),
        ({"control": Control.INBOX, "target": "inbox", "meta": MetaSays(Whose.OTHER, "9")}, "wrong.differs"),
    ],
)
def test_what_is_wrong_is_said(more, wrong):
    assert [each for each in ids(facts(**more)) if each.startswith("wrong.")] == [wrong]


@pytest.mark.parametrize(
    "more",
    [
        {"until": START + 2 * HOUR},
        {"waiting": 1, "oldest_at": START + HOUR - 5},
        {"meta": MetaSays(Whose.OTHER, "2222")},
        {"meta": MetaSays(Whose.HIDDEN)},
        {"meta": MetaSays(Whose.NOBODY), "stay_muted": True},
        {"control": Control.BOT, "target": "", "meta": MetaSays(Whose.OURS)},
        {"control": Control.BOT, "target": "", "meta": MetaSays(Whose.NOBODY)},
    ],
)
def test_what_is_right_is_not_called_wrong(more):
    assert not [each for each in ids(facts(**more)) if each.startswith("wrong.")]


def test_a_bot_that_has_control_and_is_silent_is_a_matter_for_the_doctor():
    assert ids(facts(Control.BOT, "", reason=""))[-1] == "hint.elsewhere"
