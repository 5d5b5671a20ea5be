from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handover_channel.messenger.events import (
    INSTAGRAM_INBOX_APP_ID,
    OUR_METADATA,
    PAGE_INBOX_APP_ID,
    Attachment,
    ControlPassed,
    ControlRequested,
    ControlTaken,
    MessageEchoed,
    MessageReceived,
    Noted,
    OptedIn,
    PostbackReceived,
    Referred,
    RolesChanged,
    Unrecognised,
)
from handover_channel.messenger.return_button import BUTTON_PAYLOAD
from handover_channel.rules.control import Control, State
from handover_channel.rules.event_meaning import Meaning, Situation, meaning_of
from handover_channel.rules.keywords import Keyword, Keywords

OURS, OTHER = "1234567890", "2222"
DAY = 24 * 3600.0
MUTED = [control for control in Control if control is not Control.BOT]
KEYWORDS = Keywords([Keyword("back to bot"), Keyword("العودة إلى البوت")])


def situation(
    control=Control.BOT, *, stay_muted=False, refused=False, backlog=False, stale=False, silence=60.0
):
    return Situation(
        state=State(control),
        app_id=OURS,
        keywords=KEYWORDS,
        stay_muted=stay_muted,
        release_refused=refused,
        is_backlog=backlog,
        is_stale=stale,
        active_at=1000.0,
        received_at=1000.0 + silence,
    )


def event(of, /, *, standby=False, **facts):
    return of(thread="9001", page="1717", timestamp=5, standby=standby, **facts)


def text(said="hello", **facts):
    return event(MessageReceived, mid="m", text=said, **facts)


def tap(payload="/buy", **facts):
    return event(PostbackReceived, mid="m", title="Buy", payload=payload, **facts)


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (text(), Meaning.TURN),
        (text("back to bot"), Meaning.TURN),
        (text(BUTTON_PAYLOAD), Meaning.TURN),
        (text("", attachments=(Attachment("image", "https://x"),)), Meaning.TURN),
        (text("", attachments=(Attachment("location"),)), Meaning.TURN),
        (text("Yes", payload="/yes"), Meaning.TURN),
        (text(""), Meaning.KEEP),
        (tap(), Meaning.TURN),
        (tap(""), Meaning.TURN),
        (tap(None), Meaning.KEEP),
        (tap(BUTTON_PAYLOAD), Meaning.TURN),
        (text(standby=True), Meaning.ON_STANDBY),
        (text("Yes", payload="/yes", standby=True), Meaning.ON_STANDBY),
        (tap(standby=True), Meaning.KEEP),
        (tap(None, standby=True), Meaning.KEEP),
    ],
)
def test_while_the_bot_has_control(said, meaning):
    assert meaning_of(said, situation()) is meaning


@pytest.mark.parametrize("said", [text(), text("back to bot"), tap(), tap(BUTTON_PAYLOAD)])
def test_what_was_written_before_the_return_is_kept_and_not_answered(said):
    assert meaning_of(said, situation(backlog=True)) is Meaning.KEEP


@pytest.mark.parametrize("said", [text(), text("back to bot"), tap(), tap(BUTTON_PAYLOAD)])
def test_what_comes_too_late_is_not_answered(said):
    assert meaning_of(said, situation(stale=True)) is Meaning.STALE


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("control", MUTED)
@pytest.mark.parametrize("standby", [False, True])
@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (tap(BUTTON_PAYLOAD), Meaning.BUTTON),
        (tap('/handover_returned{"reason":"button"}'), Meaning.BUTTON),
        (text("Back", payload=BUTTON_PAYLOAD), Meaning.BUTTON),
        (text("Please, BACK TO BOT now"), Meaning.KEYWORD),
        (text("العوده الى البوت"), Meaning.KEYWORD),
        (text("back to bot", payload="SALES_MENU"), Meaning.KEEP),
        (text("back to bot", payload=""), Meaning.KEEP),
        (text("back to bot", payload="/order_status"), Meaning.KEEP),
        (text("back to bot", payload='/handover_returned{"reason": "keyword"}'), Meaning.KEEP),
        (event(PostbackReceived, title="back to bot", payload="back to bot"), Meaning.KEEP),
        (tap("/buy"), Meaning.KEEP),
        (tap(None), Meaning.KEEP),
    ],
)
def test_the_ways_back_hold_whoever_has_control_and_on_standby_too(control, standby, stale, said, meaning):
    said = replace(said, standby=standby)

    assert meaning_of(said, situation(control, stale=stale)) is meaning
    assert meaning_of(said, situation(control, backlog=True, stay_muted=True)) is meaning


@pytest.mark.parametrize("control", MUTED)
def test_the_payload_of_the_button_typed_by_a_person_is_text(control):
    said = text(BUTTON_PAYLOAD, standby=True)

    assert meaning_of(said, situation(control)) in (Meaning.KEEP, Meaning.PERHAPS_LOST)


def test_a_button_whose_title_is_a_keyword_is_no_keyword():
    said = event(PostbackReceived, title="back to bot", payload=None, standby=True)

    assert meaning_of(said, situation(Control.APP)) is Meaning.KEEP


@pytest.mark.parametrize(
    ("control", "standby", "stay_muted", "silence", "meaning"),
    [
        (Control.APP, False, False, 60, Meaning.PERHAPS_RELEASED),
        (Control.APP, False, False, DAY - 1, Meaning.PERHAPS_RELEASED),
        (Control.APP, False, False, DAY, Meaning.LAPSED),
        (Control.APP, False, False, 9 * DAY, Meaning.LAPSED),
        (Control.APP, True, False, 60, Meaning.KEEP),
        (Control.APP, True, False, 9 * DAY, Meaning.KEEP),
        (Control.APP, False, True, 60, Meaning.KEEP),
        (Control.APP, False, True, 9 * DAY, Meaning.KEEP),
        (Control.BESIDE, False, False, 9 * DAY, Meaning.KEEP),
        (Control.INBOX, False, False, 9 * DAY, Meaning.KEEP),
        (Control.INBOX, True, False, 60, Meaning.PERHAPS_LOST),
        (Control.BESIDE, True, False, 60, Meaning.KEEP),
        (Control.PASSING, False, False, 9 * DAY, Meaning.KEEP),
    ],
)
def test_only_ownership_lapses_and_only_a_message_to_us_shows_it(
    control, standby, stay_muted, silence, meaning
):
    now = situation(control, stay_muted=stay_muted, silence=silence)

    assert meaning_of(text(standby=standby), now) is meaning


@pytest.mark.parametrize("control", list(Control))
def test_a_tap_says_nothing_about_who_has_control(control):
    meaning = meaning_of(tap("/buy"), situation(control, silence=9 * DAY))

    assert meaning is (Meaning.TURN if control is Control.BOT else Meaning.KEEP)


@pytest.mark.parametrize("control", list(Control))
@pytest.mark.parametrize("standby", [False, True])
@pytest.mark.parametrize(
    ("echo", "meaning"),
    [
        ({"app_id": OURS}, Meaning.NOTHING),
        ({"metadata": OUR_METADATA + "7"}, Meaning.OUR_ECHO),
        ({"app_id": OURS, "metadata": OUR_METADATA + "7"}, Meaning.OUR_ECHO),
        # another bot on the page that uses this package as well
        ({"app_id": OTHER, "metadata": OUR_METADATA + "7"}, Meaning.ECHO_OF_OTHERS),
        ({"app_id": OTHER}, Meaning.ECHO_OF_OTHERS),
        ({"app_id": PAGE_INBOX_APP_ID}, Meaning.ECHO_OF_OTHERS),
        # Meta's own AI, by its flag or by its metadata
        ({"app_id": PAGE_INBOX_APP_ID, "ai_generated": True}, Meaning.META_AI),
        ({"app_id": PAGE_INBOX_APP_ID, "metadata": '{"source":"axon"}'}, Meaning.META_AI),
        ({"app_id": INSTAGRAM_INBOX_APP_ID, "metadata": '{"source": "axon", "v": 2}'}, Meaning.META_AI),
        ({"metadata": '{"source":"axon"}'}, Meaning.META_AI),
        ({"app_id": OTHER, "ai_generated": True}, Meaning.META_AI),
        ({"app_id": OURS, "ai_generated": True}, Meaning.NOTHING),
        ({"app_id": OTHER, "metadata": '{"source":"axon"}'}, Meaning.ECHO_OF_OTHERS),
        ({"app_id": PAGE_INBOX_APP_ID, "metadata": '{"source":"desk"}'}, Meaning.ECHO_OF_OTHERS),
        ({"app_id": PAGE_INBOX_APP_ID, "metadata": '["source", "axon"]'}, Meaning.ECHO_OF_OTHERS),
        ({"app_id": PAGE_INBOX_APP_ID, "metadata": "axon"}, Meaning.ECHO_OF_OTHERS),
        ({"app_id": PAGE_INBOX_APP_ID, "metadata": "[" * 5000}, Meaning.ECHO_OF_OTHERS),
        ({}, Meaning.ECHO_OF_OTHERS),
        ({"metadata": "theirs " + OUR_METADATA}, Meaning.ECHO_OF_OTHERS),
    ],
)
def test_our_own_echo_is_known_by_app_id_or_metadata(control, standby, echo, meaning):
    assert meaning_of(event(MessageEchoed, standby=standby, **echo), situation(control)) is meaning


@pytest.mark.parametrize("control", list(Control))
@pytest.mark.parametrize(
    ("kind", "new_owner", "meaning"),
    [
        (ControlPassed, OURS, Meaning.GAINED),
        (ControlPassed, OTHER, Meaning.LOST),
        (ControlPassed, "", Meaning.GAINED),
        (ControlTaken, OTHER, Meaning.LOST),
        (ControlTaken, OURS, Meaning.GAINED),
        (ControlTaken, "", Meaning.LOST),
    ],
)
def test_who_has_control_is_read_from_the_ids_not_from_the_name_of_the_event(
    control, kind, new_owner, meaning
):
    assert meaning_of(event(kind, new_owner=new_owner), situation(control)) is meaning
    assert meaning_of(event(kind, new_owner=new_owner, standby=True), situation(control)) is meaning


@pytest.mark.parametrize("control", list(Control))
@pytest.mark.parametrize(
    ("other", "meaning"),
    [
        (event(ControlRequested, requested_by=OTHER), Meaning.REQUESTED),
        (event(Referred), Meaning.CONTEXT),
        (event(OptedIn), Meaning.CONTEXT),
        (event(Noted, kind="read"), Meaning.REACHED),
        (event(Noted, kind="delivery"), Meaning.REACHED),
        (event(Noted, kind="reaction"), Meaning.SHOWN),
        (event(Noted, kind="message_edit", detail={"text": "back to bot"}), Meaning.EDITED),
        (event(Noted, kind="policy_enforcement"), Meaning.NOTHING),
        (event(RolesChanged), Meaning.NOTHING),
        (event(Unrecognised), Meaning.NOTHING),
    ],
)
def test_the_other_events_mean_the_same_whoever_has_control(control, other, meaning):
    assert meaning_of(other, situation(control)) is meaning


def automatic(control=Control.BOT, *, app_id=PAGE_INBOX_APP_ID, owner="", after=2000, within=5000):
    now = replace(situation(control), person_at=1_000_000, automatic_within=within)
    echo = event(MessageEchoed, app_id=app_id)

    return meaning_of(
        replace(echo, timestamp=now.person_at + after), replace(now, state=State(control, owner))
    )


@pytest.mark.parametrize("app_id", [PAGE_INBOX_APP_ID, INSTAGRAM_INBOX_APP_ID])
@pytest.mark.parametrize("after", [0, 1, 4999, 5000])
def test_what_a_meta_inbox_says_within_seconds_of_the_person_with_nobody_at_the_desk_is_automatic(
    app_id, after
):
    assert automatic(app_id=app_id, after=after) is Meaning.AUTOMATIC_REPLY
    assert automatic(Control.INBOX, app_id=app_id, after=after) is Meaning.AUTOMATIC_REPLY
    assert automatic(Control.APP, owner=OTHER, app_id=app_id, after=after) is Meaning.AUTOMATIC_REPLY


@pytest.mark.parametrize("after", [-1, 5001, 60_000])
def test_what_a_meta_inbox_says_later_is_said_by_people(after):
    assert automatic(after=after) is Meaning.ECHO_OF_OTHERS
    assert automatic(after=1000, within=500) is Meaning.ECHO_OF_OTHERS


@pytest.mark.parametrize(
    ("control", "owner"),
    [(Control.BESIDE, ""), (Control.APP, PAGE_INBOX_APP_ID), (Control.PASSING, INSTAGRAM_INBOX_APP_ID)],
)
def test_where_people_of_a_meta_inbox_may_have_the_thread_a_fast_answer_is_theirs(control, owner):
    assert automatic(control, owner=owner) is Meaning.ECHO_OF_OTHERS


def test_another_app_is_never_taken_for_an_automatic_reply():
    assert automatic(app_id=OTHER) is Meaning.ECHO_OF_OTHERS
    assert automatic(app_id="") is Meaning.ECHO_OF_OTHERS


@pytest.mark.parametrize(
    ("again", "meaning"),
    [
        (tap(BUTTON_PAYLOAD), Meaning.AGAIN),
        (text("Back", payload=BUTTON_PAYLOAD), Meaning.AGAIN),
        (text("back to bot"), Meaning.AGAIN),
        (text("Back to BOT!! 🙏"), Meaning.AGAIN),
        (text("back to bot", standby=True), Meaning.AGAIN),
        (text("back to bot, where is my order?"), Meaning.TURN),
        (text("hello"), Meaning.TURN),
        (text("back to bot", payload="SALES_MENU"), Meaning.TURN),
        (tap("/buy"), Meaning.TURN),
        (text("hello", standby=True), Meaning.ON_STANDBY),
    ],
)
def test_within_seconds_of_the_return_what_is_only_a_way_back_is_answered_by_nothing(again, meaning):
    now = situation()

    assert meaning_of(again, replace(now, returned_at=now.received_at - 5)) is meaning
    if meaning is Meaning.AGAIN and not again.standby:
        assert meaning_of(again, now) is Meaning.TURN


@pytest.mark.parametrize(
    "then",
    [
        {"returned_at": 1054.9},  # more than 5 seconds ago
        {"returned_at": 1060.0, "person_at": 4},  # and something was said since: after the stamp, 0
        {"returned_at": None},
    ],
)
def test_later_or_after_other_words_a_way_back_is_answered(then):
    assert meaning_of(tap(BUTTON_PAYLOAD), replace(situation(), **then)) is Meaning.TURN


def test_a_way_back_that_came_in_while_the_return_was_under_way_is_answered_by_nothing():
    now = replace(situation(), returned_at=1070.0, person_at=5)  # begun once more: the row has seen it

    assert meaning_of(tap(BUTTON_PAYLOAD), now) is Meaning.AGAIN


payloads = st.sampled_from([None, "", "/buy", BUTTON_PAYLOAD])
texts = st.sampled_from(["", "hi", "back to bot", BUTTON_PAYLOAD, "/restart"])
said = st.one_of(
    st.builds(text, texts, payload=payloads, standby=st.booleans()),
    st.builds(tap, payloads, standby=st.booleans()),
)
situations = st.builds(
    situation,
    st.sampled_from(list(Control)),
    stay_muted=st.booleans(),
    backlog=st.booleans(),
    stale=st.booleans(),
    silence=st.sampled_from([0.0, DAY - 1, DAY, 9 * DAY]),
)


@settings(max_examples=60)
@given(said, situations)
def test_the_bot_answers_only_what_is_addressed_to_it_while_it_has_control(event, now):
    if meaning_of(event, now) is Meaning.TURN:
        assert now.state.control is Control.BOT
        assert not event.standby
        assert not now.is_backlog
        assert not now.is_stale


@settings(max_examples=60)
@given(said, situations)
def test_words_on_standby_never_end_a_handover_by_themselves(event, now):
    if event.standby and now.state.control is not Control.BOT:
        ways_back = {Meaning.BUTTON, Meaning.KEYWORD}

        assert meaning_of(event, now) in ways_back | {Meaning.KEEP, Meaning.PERHAPS_LOST}


def test_every_meaning_is_reached():
    reached = {
        meaning_of(event, now)
        for event, now in itertools.product(
            [
                text(),
                text("back to bot"),
                text(standby=True),
                tap(BUTTON_PAYLOAD),
                event(Referred),
                event(Noted),
                event(Noted, kind="read"),
                event(Noted, kind="reaction"),
                event(Noted, kind="message_edit"),
            ]
            + [event(ControlPassed, new_owner=owner) for owner in (OURS, OTHER)]
            + [event(MessageEchoed, ai_generated=True), event(MessageEchoed, app_id=PAGE_INBOX_APP_ID)]
            + [event(MessageEchoed), event(ControlRequested), event(MessageEchoed, metadata=OUR_METADATA)],
            [
                situation(),
                situation(Control.APP),
                situation(Control.INBOX),
                situation(Control.APP, silence=DAY),
                situation(backlog=True),
                situation(stale=True),
                replace(situation(), automatic_within=5000),
                replace(situation(), returned_at=1055.0),
            ],
        )
    }

    assert reached == set(Meaning)
