from __future__ import annotations

import pytest
from play import (
    DAY,
    HOOTSUITE,
    HOUR,
    OURS,
    OUTAGE,
    PSID,
    SALES_BOT,
    STRANGER,
)

from handover_channel.messenger.events import OUR_METADATA
from handover_channel.messenger.return_button import BUTTON_PAYLOAD
from handover_channel.settings.loader import PAGE_INBOX_APP_ID, Grants
from handover_channel.settings.return_options import ReturnOptions
from handover_channel.store import sent_messages
from handover_channel.store.deliveries import RETURNED


def item(play, **part):
    return {
        "sender": {"id": PSID},
        "recipient": {"id": play.page.page_id},
        "timestamp": play.page.stamp(),
        **part,
    }


def echo(play, **message):
    turned = {"sender": {"id": play.page.page_id}, "recipient": {"id": PSID}}
    return {**item(play, message={"is_echo": True, "text": "from the page", **message}), **turned}


def moved(play, kind, new_owner, previous_owner=None, **more):
    told = {"new_owner_app_id": new_owner, "previous_owner_app_id": previous_owner}
    return item(play, **{kind: {**told, **more}})


# --- the bot has control --------------------------------------------------------------------------


def test_what_the_person_says_is_answered_in_order(play):
    for text in ("one", "two", "three"):
        play.person.says(text)

    play.work()

    assert play.turns == ["one", "two", "three"]
    assert play.lines == []


def test_a_link_or_an_opt_in_waits_for_the_next_message(play):
    play.person.comes_by("summer-sale")
    play.person.opts_in("news")

    play.says("hello")
    play.says("and then?")

    assert play.contexts[0]["referral"]["ref"] == "summer-sale"
    assert play.contexts[0]["optin"]["payload"] == "news"
    assert play.contexts[1] == {}


def test_receipts_and_reactions_say_nothing(play):
    play.says("hello")
    mid = play.page.app("bot").says(PSID, "hi").body["message_id"]
    play.person.reads()
    play.person.reacts(mid)

    play.work()

    assert (play.control, play.turns, play.lines, play.log) == ("bot", ["hello"], [], [])


def test_our_own_echo_does_nothing(play):
    play.says("hello")
    play.page.app("bot").says(PSID, "hi")
    play.deliver(echo(play, mid="m_agent", app_id=OURS, text="from the command line"))

    play.work()

    assert (play.control, play.lines, play.log) == ("bot", [], [])


def test_a_tap_on_an_old_button_makes_no_graph_call(play):
    play.hands_over("sales_bot")
    play.says("back to bot")
    play.calls()
    play.clock.passes(60)

    play.person.taps_menu(BUTTON_PAYLOAD, "Back to Bot")
    play.work()

    assert play.calls() == []
    assert play.turns[-1] == BUTTON_PAYLOAD
    assert play.control == "bot"


def test_what_comes_hours_late_is_kept_and_not_answered(play):
    play.person.says("is anybody there?")
    play.receive()
    play.clock.passes(HOUR + 1)

    play.work()
    play.says("hello")

    assert play.turns == ["hello"]
    assert play.lines == [("person", "is anybody there?")]
    assert play.outcomes == ["stale", "answered"]


def test_a_setting_lets_the_bot_answer_however_late(make_play):
    play = make_play(stale_after=None)
    play.person.says("is anybody there?")
    play.receive()
    play.clock.passes(30 * DAY)

    play.work()

    assert play.turns == ["is anybody there?"]


def test_a_clock_that_is_wrong_by_years_makes_nothing_late(play):
    play.deliver({**item(play, message={"mid": "m_old", "text": "hello"}), "timestamp": 1_458_692_752_478})

    play.work()

    assert play.turns == ["hello"]


def test_a_way_back_holds_however_late_it_comes(play):
    play.hands_over("inbox")
    play.person.says("back to bot")
    play.receive()
    play.clock.passes(2 * HOUR)

    play.work()

    assert (play.control, play.reasons) == ("bot", ["keyword"])


def test_the_echo_of_our_message_is_remembered(play):
    play.deliver(echo(play, mid="m_e", app_id=OURS, metadata=OUR_METADATA + "7.0"))

    play.work()

    with play.store.reading() as connection:
        assert sent_messages.find(connection, "7.0")
        assert not sent_messages.find(connection, "7.1")


# --- muted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["inbox", "sales_bot", "page_inbox"])
def test_while_muted_the_persons_words_go_to_the_transcript_alone(play, name):
    play.hands_over(name)

    for text in ("are you there?", "/restart", "/handover_returned"):
        play.says(text)

    assert play.turns == ["a person, please"]
    assert play.lines == [
        ("person", "are you there?"),
        ("person", "/restart"),
        ("person", "/handover_returned"),
    ]


def test_what_the_others_answer_is_in_the_transcript(play):
    play.hands_over("sales_bot")
    play.page.app("sales_bot").says(PSID, "how can I help?")
    play.says("my lamp is broken")

    assert play.lines == [("app", "how can I help?"), ("person", "my lamp is broken")]
    assert play.control == "app"


def test_a_tap_while_muted_is_kept_and_not_answered(play):
    play.hands_over("inbox")

    play.person.taps_menu("/order", "Order")
    play.work()

    assert play.lines == [("person", "Order")]
    assert play.turns == ["a person, please"]


def test_a_picture_while_muted_is_kept_with_its_address(play):
    play.hands_over("inbox")

    play.person.sends("image", "https://example.org/lamp.jpg")
    play.work()

    (line,) = play.thread_control.status(PSID).transcript
    assert [(each.type, each.url) for each in line.attachments] == [("image", "https://example.org/lamp.jpg")]


# --- ways back ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["inbox", "sales_bot", "hootsuite", "page_inbox"])
def test_a_keyword_returns_the_thread(play, name):
    play.hands_over(name)

    play.says("Back to Bot!")

    assert (play.control, play.reasons) == ("bot", ["keyword"])
    assert play.page.owner(PSID) in ("", OURS)
    assert play.turns == ["a person, please"]
    assert ("person", "Back to Bot!") in play.lines


@pytest.mark.parametrize("name", ["inbox", "sales_bot"])
def test_the_button_returns_the_thread(play, name):
    play.hands_over(name)

    play.person.taps_menu(BUTTON_PAYLOAD, "Back to Bot")
    play.work()

    assert (play.control, play.reasons) == ("bot", ["button"])


def test_the_buttons_payload_typed_is_text(play):
    play.hands_over("inbox")

    play.says(BUTTON_PAYLOAD)

    assert play.control == "inbox"
    assert play.lines == [("person", BUTTON_PAYLOAD)]


def test_what_follows_the_way_back_is_for_the_bot_and_what_came_before_is_not(play):
    play.hands_over("inbox")
    for text in ("anybody?", "back to bot", "where is my order?"):
        play.clock.passes(1)
        play.person.says(text)

    play.work()

    assert play.turns == ["a person, please", "where is my order?"]
    assert play.lines == [("person", "anybody?"), ("person", "back to bot")]


def test_the_bot_hears_of_the_return_before_what_the_person_says_next(play):
    play.hands_over("inbox")
    play.person.says("back to bot")
    play.person.says("where is my order?")

    play.work()

    assert play.outcomes[-2:] == ["told", "answered"]


def test_a_way_back_that_meta_refuses_is_kept_and_the_thread_stays_muted(play_without_routing):
    play = play_without_routing
    play.hands_over("sales_bot")

    play.says("back to bot")
    play.says("hello?")

    assert (play.control, play.outcomes[-2:]) == ("app", ["return refused", "kept"])
    assert play.turns == ["a person, please"]
    assert play.notes == []


def test_a_repeated_keyword_gives_one_return(play):
    play.hands_over("sales_bot")
    play.person.says("back to bot")
    play.person.says("back to bot")

    play.work()

    assert play.reasons == ["keyword"]
    assert play.calls().count("take_thread_control") == 1


# --- Meta says who has control --------------------------------------------------------------------


def test_an_app_that_passes_back_returns_the_thread_with_what_it_says(play):
    play.hands_over("sales_bot")

    play.page.app("sales_bot").passes(PSID, OURS, "order 7 done")
    play.work()

    assert play.control == "bot"
    assert play.notes == [(RETURNED, {"reason": "passed_back", "metadata": "order 7 done"})]
    assert play.calls("pass_thread_control") == []
    assert play.log[-1] == ("bot", "passed_back")


def test_what_the_person_wrote_to_the_other_app_is_not_answered_after_it_passes_back(play):
    play.hands_over("sales_bot")
    play.clock.passes(1)
    play.person.says("for the sales bot")
    play.page.app("sales_bot").passes(PSID, OURS)
    play.person.says("for the bot")

    play.work()

    assert play.turns == ["a person, please", "for the bot"]


def test_done_in_the_page_inbox_returns_the_thread(play):
    play.hands_over("page_inbox")

    play.page.inbox.done(PSID)
    play.work()

    assert (play.control, play.reasons) == ("bot", ["passed_back"])


def test_a_pass_that_names_another_app_is_a_loss(play):
    play.says("hello")

    play.deliver(moved(play, "pass_thread_control", HOOTSUITE, OURS))
    play.work()

    assert (play.control, play.row.state.owner, play.row.state.target) == ("app", HOOTSUITE, "hootsuite")


def test_control_taken_by_the_page_inbox_mutes_the_bot(play):
    play.says("hello")
    play.page.app("bot").passes(PSID, OURS)  # owned by the bot, so that the take is announced

    play.page.inbox.moves_to_main(PSID)
    play.work()
    play.says("who are you?")

    assert (play.control, play.row.state.target) == ("app", "page_inbox")
    assert play.log == [("app", "staff_took_over")]
    assert play.turns == ["hello"]
    assert [each["target"] for each in play.mirrored] == ["page_inbox"]


def test_an_event_that_was_overtaken_changes_nothing(play):
    play.says("hello")
    late = moved(play, "take_thread_control", STRANGER, OURS)
    play.deliver(moved(play, "pass_thread_control", OURS, STRANGER))
    play.work()

    play.deliver(late)
    play.work()

    assert play.control == "bot"


def test_a_repeated_loss_tells_the_bot_once(play):
    play.says("hello")
    for _ in range(3):
        play.deliver(moved(play, "take_thread_control", STRANGER, OURS))
    play.work()

    assert len(play.mirrored) == 1
    assert len(play.log) == 1


# --- somebody answers unasked ---------------------------------------------------------------------


def test_an_answer_from_the_page_inbox_mutes_the_bot_and_names_the_owner(play):
    play.says("hello")

    play.page.inbox.replies(PSID, "I will take this")
    play.work()

    assert (play.control, play.row.state.owner, play.row.state.target) == (
        "app",
        PAGE_INBOX_APP_ID,
        "page_inbox",
    )
    assert play.lines == [("app", "I will take this")]
    assert len(play.mirrored) == 1
    assert set(play.deadlines) == {"time_limit"}


def test_an_answer_beside_the_bot_mutes_whatever_the_owner_is(play_without_routing):
    play = play_without_routing
    play.says("hello")

    play.page.app("stranger").says(PSID, "buy my lamps")
    play.work()
    play.says("no")

    assert (play.control, play.row.state.owner) == ("beside", STRANGER)
    assert play.turns == ["hello"]


def test_an_echo_without_an_app_id_mutes_too(play):
    play.says("hello")

    play.deliver(echo(play, mid="m_e"))
    play.work()

    assert (play.control, play.row.state.target) == ("beside", "another_app")


def test_an_answer_beside_the_bot_mutes_also_where_the_owner_cannot_be_asked_for(play):
    play.says("hello")
    play.meta.fails("thread_owner", OUTAGE)

    play.deliver(echo(play, mid="m_e", app_id=STRANGER))
    play.work()

    assert play.control == "beside"


def test_an_echo_from_before_the_return_does_not_mute_again(play):
    play.hands_over("sales_bot")
    late = echo(play, mid="m_late", app_id=SALES_BOT)
    play.says("back to bot")

    play.deliver(late)
    play.work()

    assert play.control == "bot"


def test_a_message_on_standby_mutes_a_bot_that_thought_it_had_control(play):
    play.says("hello")
    play.page.app("bot").passes(PSID, SALES_BOT)  # the row does not know

    play.says("can you see this?")

    assert (play.control, play.row.state.owner) == ("app", SALES_BOT)
    assert play.turns == ["hello"]
    assert play.lines == [("person", "can you see this?")]


def test_a_late_message_on_standby_does_not_mute_where_meta_says_that_we_have_control(play):
    play.says("hello")
    play.page.app("bot").passes(PSID, OURS)

    play.deliver(item(play, message={"mid": "m_s", "text": "late"}), channel="standby")
    play.work()

    assert (play.control, play.turns) == ("bot", ["hello"])
    assert play.lines == [("person", "late")]


def test_a_message_on_standby_mutes_where_meta_says_nothing(play):
    play.says("hello")
    play.meta.fails("thread_owner", OUTAGE)

    play.deliver(item(play, message={"mid": "m_s", "text": "hm"}), channel="standby")
    play.work()

    assert (play.control, play.row.state.target) == ("app", "another_app")


@pytest.mark.parametrize("told", ["what the person writes", "what the app answers"])
def test_an_app_that_took_over_from_the_inbox_unannounced_is_known_by_what_comes_next(play, told):
    play.hands_over("inbox")
    play.page.app("sales_bot").takes(PSID)

    if told == "what the person writes":
        play.says("are you there?")
    else:
        play.page.app("sales_bot").says(PSID, "how can I help?")
        play.work()

    assert (play.control, play.row.state.owner, play.row.state.target) == ("app", SALES_BOT, "sales_bot")
    assert play.lines[-1][1] in ("are you there?", "how can I help?")
    assert play.turns == ["a person, please"]


def test_the_inbox_keeps_a_thread_that_meta_says_is_ours_whatever_comes_on_standby(play):
    play.hands_over("inbox")

    play.deliver(item(play, message={"mid": "m_s", "text": "late"}), channel="standby")
    play.work()

    assert (play.control, play.lines) == ("inbox", [("person", "late")])


def test_the_inbox_keeps_a_thread_where_meta_does_not_say_whose_it_is(play):
    play.hands_over("inbox")
    play.meta.fails("thread_owner", OUTAGE)

    play.deliver(item(play, message={"mid": "m_s", "text": "hm"}), channel="standby")
    play.work()

    assert (play.control, play.lines) == ("inbox", [("person", "hm")])


# --- the owner is gone ----------------------------------------------------------------------------


def test_a_day_after_the_owner_fell_silent_the_person_is_answered(play):
    play.hands_over("sales_bot")
    play.clock.passes(DAY)

    play.says("good morning")

    assert (play.control, play.reasons) == ("bot", ["lapsed"])
    assert play.turns == ["a person, please", "good morning"]
    assert play.outcomes[-3:] == ["", "told", "answered"]
    assert "take_thread_control" not in play.calls()


def test_a_released_thread_is_answered(play):
    play.hands_over("sales_bot")
    play.page.app("sales_bot").releases(PSID)

    play.says("are you still there?")

    assert (play.control, play.reasons) == ("bot", ["released"])
    assert play.turns == ["a person, please", "are you still there?"]


def test_a_message_to_us_is_kept_where_meta_still_names_the_owner(play):
    play.hands_over("sales_bot")

    play.deliver(item(play, message={"mid": "m_x", "text": "sent to both"}))
    play.work()

    assert (play.control, play.lines) == ("app", [("person", "sent to both")])


def test_a_message_to_us_is_kept_where_the_owner_cannot_be_asked_for(play):
    play.hands_over("sales_bot")
    play.page.app("sales_bot").releases(PSID)
    play.meta.fails("thread_owner", OUTAGE)

    play.says("hello?")

    assert (play.control, play.lines) == ("app", [("person", "hello?")])


@pytest.mark.parametrize("gone", ["lapsed", "released"])
def test_a_target_that_stays_muted_waits_for_its_time_limit(play, gone):
    play.hands_over("hootsuite")
    if gone == "lapsed":
        play.clock.passes(DAY + HOUR)
    else:
        play.page.app("hootsuite").releases(PSID)

    play.says("hello?")
    assert (play.control, play.turns) == ("app", ["a person, please"])

    play.clock.passes(2 * DAY)
    play.due()
    assert (play.control, play.reasons) == ("bot", ["time_limit"])


def test_a_thread_with_somebody_beside_the_bot_has_no_owner_to_lapse(play_without_routing):
    play = play_without_routing
    play.says("hello")
    play.page.app("stranger").says(PSID, "hi")
    play.work()
    play.clock.passes(2 * DAY)

    play.says("anybody?")

    assert (play.control, play.turns) == ("beside", ["hello"])


def test_the_built_in_inbox_does_not_lapse(play):
    play.hands_over("inbox")
    play.clock.passes(2 * DAY)

    play.says("anybody?")

    assert play.control == "inbox"


# --- requests for control -------------------------------------------------------------------------


def asks(play, app_id):
    play.deliver(item(play, request_thread_control={"requested_owner_app_id": app_id}))
    play.work()


@pytest.mark.parametrize(
    ("grants", "app_id", "granted"),
    [
        (Grants.TARGETS, SALES_BOT, True),
        (Grants.TARGETS, PAGE_INBOX_APP_ID, True),
        (Grants.TARGETS, STRANGER, False),
        (Grants.ALL, STRANGER, True),
        (Grants.ALL, "", False),
        (Grants.ALL, OURS, False),
        (Grants.NONE, SALES_BOT, False),
        (Grants.NONE, PAGE_INBOX_APP_ID, False),
    ],
)
def test_who_gets_control_by_asking_is_a_setting(make_play, grants, app_id, granted):
    play = make_play(default_app=None, grant_requests=grants)
    play.says("hello")

    asks(play, app_id)

    assert play.control == ("app" if granted else "bot")
    assert play.page.owner(PSID) == (app_id if granted else "")
    assert play.log == ([("passing", "requested"), ("app", "requested")] if granted else [])


def test_a_request_while_the_inbox_has_the_thread_leaves_the_bot_muted(play_without_routing):
    play = play_without_routing
    play.hands_over("inbox")

    asks(play, SALES_BOT)

    assert (play.control, play.page.owner(PSID)) == ("app", SALES_BOT)
    assert play.turns == ["a person, please"]


def test_a_request_for_a_thread_that_another_app_has_changes_nothing(play):
    play.hands_over("sales_bot")
    play.calls()

    asks(play, HOOTSUITE)

    assert play.row.state.owner == SALES_BOT
    assert play.calls() == []


# --- whatever happens -----------------------------------------------------------------------------


def test_every_event_of_a_repeated_delivery_takes_effect_once(play):
    play.hands_over("sales_bot")
    sent = item(play, message={"mid": "m_twice", "text": "back to bot"})

    for channel in ("standby", "messaging", "standby"):
        play.deliver(sent, channel=channel)
        play.work()

    assert play.reasons == ["keyword"]
    assert play.lines == [("person", "back to bot")]


def test_bodies_are_in_no_log(play, caplog):
    caplog.set_level("DEBUG")
    play.says("my secret number is 4711")
    play.hands_over("sales_bot")
    play.says("did you get 4711?")
    play.deliver(echo(play, mid="m_e", app_id=STRANGER, text="4711, noted"))
    play.deliver(moved(play, "pass_thread_control", OURS, SALES_BOT, metadata="4711"))
    play.work()

    assert "4711" not in caplog.text
    assert "demo-page-token" not in caplog.text


# --- what comes too late --------------------------------------------------------------------------


def test_what_waited_too_long_in_our_queue_is_kept_and_not_answered(play):
    play.person.says("is anybody there?")
    play.receive()
    play.clock.passes(HOUR + 1)
    play.work()

    assert play.turns == []
    assert play.lines == [("person", "is anybody there?")]
    assert "stale" in play.outcomes


def test_what_meta_could_not_deliver_for_too_long_is_kept_and_not_answered(play):
    play.person.says("is anybody there?")
    play.clock.passes(HOUR + 1)
    play.work()

    assert play.turns == []
    assert "stale" in play.outcomes


def test_a_message_with_a_clock_of_its_own_is_answered(play):
    play.deliver({**item(play, message={"mid": "m1", "text": "hello"}), "timestamp": 1458692752478})
    play.work()

    assert play.turns == ["hello"]


def test_a_way_back_is_taken_however_late_it_comes(play):
    play.hands_over("inbox")
    play.person.says("back to bot")
    play.receive()
    play.clock.passes(2 * HOUR)
    play.work()

    assert play.control == "bot"


def test_how_old_is_too_old_is_a_setting(make_play):
    play = make_play(stale_after=None)
    play.person.says("hello")
    play.receive()
    play.clock.passes(12 * HOUR)
    play.work()

    assert play.turns == ["hello"]


# --- how far messages have got --------------------------------------------------------------------


def marks(play):
    return play.row.delivered_to, play.row.read_to


def test_what_the_person_has_got_and_read_is_in_the_row(play):
    play.says("hello")
    now = play.page.stamp()

    play.deliver(item(play, delivery={"watermark": now - 5, "mids": ["m1"]}))
    play.work()
    assert marks(play) == (now - 5, 0)

    play.deliver(item(play, read={"watermark": now - 3}))
    play.work()
    assert marks(play) == (now - 3, now - 3)


def test_a_mark_that_comes_late_takes_nothing_back(play):
    play.says("hello")
    now = play.page.stamp()
    play.deliver(item(play, read={"watermark": now}))
    play.deliver(item(play, read={"watermark": now - 9}))
    play.deliver(item(play, delivery={"watermark": now - 9}))
    play.work()

    assert marks(play) == (now, now)


def test_nobody_has_read_what_is_yet_to_be_written(play):
    play.says("hello")
    play.deliver(item(play, read={"watermark": 2**70}))
    play.work()

    assert marks(play)[1] <= play.page.stamp()


@pytest.mark.parametrize("watermark", [None, "soon", -1, 0, True, [], {}, 1.5, ""])
def test_a_mark_without_a_time_means_nothing(play, watermark):
    play.says("hello")
    play.deliver(item(play, read={"watermark": watermark}))
    play.work()

    assert marks(play) == (0, 0)
    assert play.outcomes[-1] == "nothing"


def test_a_mark_says_nothing_about_control(play):
    play.hands_over("sales_bot")
    play.deliver(item(play, read={"watermark": play.page.stamp()}), channel="standby")
    play.work()

    assert play.control == "app"
    assert marks(play)[1] > 0


# --- ways back, as people use them ----------------------------------------------------------------


def reply(play, text, **more):
    return item(play, message={"mid": f"m_{play.page.stamp()}", "text": text, **more})


@pytest.mark.parametrize("channel", ["messaging", "standby"])
@pytest.mark.parametrize(
    "quick_reply",
    [
        {"payload": "SALES_MENU"},
        {"payload": "/order_status"},
        {"payload": "back to bot"},
        {},
        {"payload": None},
    ],
)
@pytest.mark.parametrize("target", ["sales_bot", "inbox"])
def test_a_tap_on_a_quick_reply_is_no_typed_keyword_whoever_sent_it(play, channel, quick_reply, target):
    play.hands_over(target)
    before = play.control
    play.calls()

    play.deliver(reply(play, "Back to bot", quick_reply=quick_reply), channel=channel)
    play.work()

    assert (play.control, play.calls()) == (before, [])
    assert play.lines[-1] == ("person", "Back to bot")


@pytest.mark.parametrize("channel", ["messaging", "standby"])
@pytest.mark.parametrize("payload", [None, "SALES_MENU", "back to bot"])
def test_a_tap_on_another_bots_button_is_no_typed_keyword(play, channel, payload):
    play.hands_over("sales_bot")

    play.deliver(
        item(play, postback={"mid": "m_1", "title": "Back to bot", "payload": payload}), channel=channel
    )
    play.work()

    assert play.control == "app"
    assert play.lines[-1] == ("person", "Back to bot")


def test_the_title_of_the_button_typed_as_the_whole_message_is_a_way_back(make_play):
    play = make_play(returning=ReturnOptions(button="To the bot", more_buttons=("إلى البوت",), keywords=()))
    for said in ("to the bot!", "الى البوت 🙏"):
        play.hands_over("sales_bot")

        play.says(said)

        assert (play.control, play.reasons[-1]) == ("bot", "keyword")


def test_back_to_bot_tapped_twice_at_once_is_answered_once(play):
    play.hands_over("sales_bot")
    play.calls()
    for _ in range(2):
        play.person.taps_menu(BUTTON_PAYLOAD, "Back to Bot")

    play.work()

    assert (play.control, play.reasons) == ("bot", ["button"])
    assert play.turns == ["a person, please"]
    assert play.calls("thread_owner") == ["take_thread_control"]


def test_a_keyword_sent_three_times_is_answered_once_and_kept(play):
    play.hands_over("sales_bot")

    for said in ("back to bot", "Back to bot!", "BACK TO BOT"):
        play.says(said)

    assert (play.control, play.reasons, play.turns) == ("bot", ["keyword"], ["a person, please"])
    assert [text for _, text in play.lines[-3:]] == ["back to bot", "Back to bot!", "BACK TO BOT"]


def test_an_old_button_is_answered_once_the_person_has_said_something_else(play):
    play.hands_over("sales_bot")
    play.says("back to bot")
    play.says("when are you open?")

    play.person.taps_menu(BUTTON_PAYLOAD, "Back to Bot")
    play.work()

    assert play.turns[-2:] == ["when are you open?", BUTTON_PAYLOAD]


def test_a_button_tapped_as_the_time_limit_returns_the_thread_is_answered_once(play):
    play.hands_over("inbox")
    play.clock.passes(12 * HOUR)
    play.due()

    play.person.taps_menu(BUTTON_PAYLOAD, "Back to Bot")
    play.work()

    assert (play.reasons, play.turns) == (["time_limit"], ["a person, please"])


def test_more_words_right_after_the_return_are_answered(play):
    play.hands_over("sales_bot")
    play.says("back to bot")

    play.says("back to bot: where is my order?")

    assert play.turns[-1] == "back to bot: where is my order?"


def test_some_time_after_the_return_an_old_button_is_answered(play):
    play.hands_over("sales_bot")
    play.says("back to bot")
    play.clock.passes(6)

    play.person.taps_menu(BUTTON_PAYLOAD, "Back to Bot")
    play.work()

    assert play.turns[-1] == BUTTON_PAYLOAD


def rest_told(play):
    (body,) = [body for kind, body in play.notes if kind == RETURNED]
    return body.get("rest")


@pytest.mark.parametrize("target", ["inbox", "sales_bot"])
def test_the_rest_of_the_message_goes_along_with_the_return(play, target):
    play.hands_over(target)

    play.says("back to bot, what are your opening hours?")

    rest = rest_told(play)
    assert (play.control, rest["text"], rest["always"]) == ("bot", "what are your opening hours?", False)
    assert rest["mid"]
    assert rest["page"] == play.page.page_id
    assert play.turns == ["a person, please"]
    assert play.lines[-1] == ("person", "back to bot, what are your opening hours?")


@pytest.mark.parametrize(("setting", "always"), [("always", True), ("never", None)])
def test_a_setting_says_when_the_rest_is_answered(make_play, setting, always):
    play = make_play(returning=ReturnOptions(rest=setting))
    play.hands_over("inbox")

    play.says("back to bot, what are your opening hours?")

    rest = rest_told(play)
    assert (rest and rest["always"]) == always


@pytest.mark.parametrize("said", ["back to bot", "Back to bot! 🙏", "... back to bot? Back to bot!!"])
def test_without_more_words_there_is_no_rest(play, said):
    play.hands_over("inbox")

    play.says(said)

    assert rest_told(play) is None


def test_where_meta_refuses_the_return_no_rest_is_answered(play):
    play.hands_over("sales_bot")
    play.meta.fails("take_thread_control", OUTAGE, times=3)

    play.says("back to bot, what are your opening hours?")

    assert play.control == "app"
    assert play.reasons == []
