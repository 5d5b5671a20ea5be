from __future__ import annotations

import subprocess
import sys
from datetime import timezone

import pytest
from play import HOUR, OUTAGE, PSID, SALES_BOT, target
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from handover_channel.actions import ActionHandover, ActionHandoverReturn, ActionSessionStart
from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import StoreUnavailable
from handover_channel.messenger.return_button import BUTTON_PAYLOAD
from handover_channel.rules.business_hours import Hours, parse_spans
from handover_channel.settings.inbox import InboxSettings
from handover_channel.settings.loader import Page, TargetKind
from handover_channel.settings.summary import OUR_NOTE, SummarySettings
from handover_channel.simulator.refusals import PASS_NOT_OWNER
from handover_channel.store import Store

FAILED = "utter_handover_failed"


def tracker(*, slots=None, entities=(), intent="handover", text="", thread=PSID, channel="facebook"):
    return Tracker(
        thread,
        {"handover_target": None, "handover_until": None, **(slots or {})},
        {"intent": {"name": intent}, "entities": list(entities), "text": text},
        [{"event": "user", "input_channel": channel}],
        False,
        None,
        {},
        "action_listen",
    )


def entity(value, name="handover_target"):
    return {"entity": name, "value": value}


async def run(action, **facts):
    """Return the slots that the action sets, its other events, and the responses."""
    dispatcher = CollectingDispatcher()
    events = await action.run(dispatcher, tracker(**facts), {})
    slots = {event["name"]: event["value"] for event in events if event["event"] == "slot"}
    others = [event for event in events if event["event"] != "slot"]
    return slots, others, [message["response"] for message in dispatcher.messages]


CLEARED = {"handover_target": None, "handover_until": None}


# --- action_handover ------------------------------------------------------------------------------


async def test_a_handover_is_mirrored_in_the_slots_and_says_nothing(play):
    play.says("hello")

    slots, others, said = await run(ActionHandover(play.thread_control))

    assert slots == {"handover_target": "inbox", "handover_until": play.clock() + 12 * HOUR}
    assert (others, said) == ([], [])
    assert play.control == "inbox"


async def test_a_request_with_half_an_emoji_is_mirrored_in_the_slots_as_any(play):
    asking = tracker(thread="abc", channel="rest")
    asking.events[-1].update(text="a human \ud83d", timestamp=1.0)

    events = await ActionHandover(play.thread_control).run(CollectingDispatcher(), asking, {})

    assert {"handover_target": "inbox"}.items() <= {each["name"]: each["value"] for each in events}.items()


@pytest.mark.parametrize("sender", ["a\0b", "\ud800"])
async def test_an_id_that_cannot_be_stored_is_not_handed_over_and_the_person_is_told(play, sender):
    slots, _, said = await run(ActionHandover(play.thread_control), thread=sender, channel="rest")

    assert (slots, said) == (CLEARED, [FAILED])


async def test_the_target_is_the_one_that_the_person_named_now(play):
    slots, _, _ = await run(
        ActionHandover(play.thread_control),
        entities=[entity("sales_bot")],
        slots={"handover_target": "inbox"},
    )

    assert slots["handover_target"] == "sales_bot"
    assert play.page.owner(PSID) == SALES_BOT


async def test_without_a_name_in_the_message_the_slot_decides(play):
    slots, _, _ = await run(ActionHandover(play.thread_control), slots={"handover_target": "hootsuite"})

    assert slots["handover_target"] == "hootsuite"


async def test_a_refusal_of_meta_leaves_the_bot_in_control_and_is_told(play, caplog):
    play.meta.fails("pass_thread_control", PASS_NOT_OWNER)

    slots, others, said = await run(ActionHandover(play.thread_control), entities=[entity("sales_bot")])

    assert (slots, others, said) == (CLEARED, [], [FAILED])
    assert play.control == "bot"
    assert "not the thread owner" in caplog.text


async def test_an_outage_of_meta_is_told(play):
    play.meta.fails("pass_thread_control", OUTAGE)

    slots, _, said = await run(ActionHandover(play.thread_control), entities=[entity("sales_bot")])

    assert (slots, said, play.control) == (CLEARED, [FAILED], "bot")


async def test_a_name_that_is_no_target_goes_to_the_default_one_and_is_explained_in_the_log(play, caplog):
    play.says("hello")

    slots, _, said = await run(ActionHandover(play.thread_control), entities=[entity("the boss")])

    assert (slots["handover_target"], said, play.control) == ("inbox", [], "inbox")
    assert "the boss" in caplog.text
    assert "sales_bot" in caplog.text


async def test_an_app_that_gets_no_threads_of_the_channel_gives_way_to_the_default_target(play, caplog):
    action = ActionHandover(play.thread_control)

    slots, _, said = await run(action, entities=[entity("sales_bot")], thread="abc", channel="rest")

    assert (slots["handover_target"], said) == ("inbox", [])
    assert "'sales_bot' is a Meta app" in caplog.text


async def test_the_name_of_a_target_may_be_said_in_capitals(play, caplog):
    slots, _, _ = await run(ActionHandover(play.thread_control), entities=[entity("Sales_Bot ")])

    assert slots["handover_target"] == "sales_bot"
    assert not caplog.records


async def test_a_second_handover_leaves_the_slots_with_who_has_the_thread(play):
    play.hands_over("sales_bot")

    slots, _, said = await run(ActionHandover(play.thread_control), entities=[entity("inbox")])

    assert slots["handover_target"] == "sales_bot"
    assert said == [FAILED]


AT_NIGHT = target("inbox", TargetKind.INBOX, hours=Hours(timezone.utc, {0: parse_spans("9:00-17:00")}))


async def closed(play, responses):
    """The response outside the business hours, with what fills it in; the slots."""
    dispatcher = CollectingDispatcher()
    domain = {"responses": dict.fromkeys(responses, [])}
    events = await ActionHandover(play.thread_control).run(dispatcher, tracker(), domain)
    (message,) = dispatcher.messages
    return message["response"], message.get("opens"), {event["name"]: event["value"] for event in events}


async def test_outside_the_business_hours_the_person_is_told_when_somebody_is_there(make_play, caplog):
    play = make_play(targets={"inbox": AT_NIGHT})
    play.says("hello")

    said = await closed(play, ["utter_handover_closed"])

    assert said == ("utter_handover_closed", "2023-11-20 09:00", CLEARED)  # the clock is on a Tuesday
    assert play.control == "bot"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_bot_without_words_for_it_says_that_nobody_could_be_reached(make_play):
    play = make_play(targets={"inbox": AT_NIGHT})

    assert (await closed(play, []))[0] == FAILED


async def test_on_another_channel_the_action_tells_who_waits_before(make_play):
    play = make_play(inbox=InboxSettings(ahead="{count} before you"))
    play.thread_control.hand_over("first", channel="rest")
    play.clock.passes(1)
    dispatcher = CollectingDispatcher()

    await ActionHandover(play.thread_control).run(dispatcher, tracker(thread="second", channel="rest"), {})

    assert [message["text"] for message in dispatcher.messages] == ["1 before you"]


async def test_on_messenger_that_has_gone_out_already(make_play):
    play = make_play(inbox=InboxSettings(ahead="{count} before you"))
    play.thread_control.hand_over("first", channel="rest")
    play.says("hello")

    assert (await run(ActionHandover(play.thread_control)))[2] == []


async def test_an_app_that_is_the_default_target_cannot_be_reached_from_another_channel(make_play):
    play = make_play(default_target="sales_bot")

    _, _, said = await run(ActionHandover(play.thread_control), channel="socketio", thread="abc")

    assert said == [FAILED]
    assert play.thread_control.token_to_speak("abc")


async def test_on_another_channel_the_inbox_mutes_the_bot_for_that_channel(play):
    slots, _, said = await run(ActionHandover(play.thread_control), channel="socketio", thread="abc")

    assert (slots["handover_target"], said) == ("inbox", [])
    assert play.thread_control.status("abc").thread.channel == "socketio"


async def test_a_page_without_a_token_is_told(make_play):
    play = make_play(pages=(Page("11", "one"), Page("22", "two")))

    _, _, said = await run(ActionHandover(play.thread_control), entities=[entity("sales_bot")])

    assert (said, play.control) == ([FAILED], "bot")


@pytest.fixture
def no_database(play, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'nowhere' / 'a.db'}")
    return ThreadControl(play.settings, store, play.graph, play.clock)


async def test_without_a_database_nothing_is_handed_over(no_database, play):
    slots, _, said = await run(ActionHandover(no_database), entities=[entity("sales_bot")])

    assert (slots, said) == (CLEARED, [FAILED])
    assert play.calls() == []


# --- action_handover_return -----------------------------------------------------------------------


async def test_on_messenger_where_the_thread_is_back_already_only_the_slots_are_cleared(play):
    play.hands_over("sales_bot")
    play.says("back to bot")
    play.calls()

    slots, others, said = await run(
        ActionHandoverReturn(play.thread_control),
        intent="handover_returned",
        entities=[entity("keyword", "reason")],
        slots={"handover_target": "sales_bot"},
    )

    assert (slots, others, said) == (CLEARED, [], [])
    assert play.calls() == []


async def test_a_keyword_on_another_channel_is_followed_by_the_turn_of_the_return(play):
    play.thread_control.hand_over("abc", channel="socketio")

    slots, others, _ = await run(
        ActionHandoverReturn(play.thread_control),
        intent="greet",
        text="back to bot",
        channel="socketio",
        thread="abc",
    )

    listen, turn = others
    assert slots == CLEARED
    assert (listen["event"], listen["name"]) == ("action", "action_listen")
    assert (turn["event"], turn["text"]) == ("user", '/handover_returned{"reason": "keyword"}')
    assert turn["parse_data"]["intent"]["name"] == "handover_returned"
    assert [(each["entity"], each["value"]) for each in turn["parse_data"]["entities"]] == [
        ("reason", "keyword")
    ]
    assert play.thread_control.token_to_speak("abc")


async def test_the_button_on_another_channel_returns_with_its_reason(play):
    play.thread_control.hand_over("abc", channel="socketio")

    slots, others, _ = await run(
        ActionHandoverReturn(play.thread_control),
        intent="handover_returned",
        entities=[entity("button", "reason")],
        text=BUTTON_PAYLOAD,
        channel="socketio",
        thread="abc",
    )

    assert (slots, others) == (CLEARED, [])
    assert play.thread_control.status("abc").log[0].reason == "button"


async def test_a_return_is_not_told_a_second_time_by_the_channel(play):
    play.hands_over("inbox")

    await run(ActionHandoverReturn(play.thread_control), intent="greet")

    play.work()
    assert (play.control, play.notes) == ("bot", [])


@pytest.mark.parametrize("reason", ["", "made up", None])
def test_a_reason_that_is_none_counts_as_a_keyword(play, reason):
    action = ActionHandoverReturn(play.thread_control)

    assert action._reason(tracker(entities=[entity(reason, "reason")])).value == "keyword"


async def test_where_meta_refuses_to_give_back_nothing_is_said_and_the_slots_stay(play_without_routing):
    play = play_without_routing
    play.hands_over("sales_bot")

    slots, others, said = await run(ActionHandoverReturn(play.thread_control), intent="greet")

    assert (slots, others, said) == ({}, [], [])
    assert play.control == "app"


async def test_without_a_database_the_bot_stays_silent(no_database, caplog):
    slots, others, said = await run(ActionHandoverReturn(no_database), intent="greet")

    assert (slots, others, said) == ({}, [], [])
    assert "not returned" in caplog.text


@pytest.fixture
def telling(make_play):
    """A bot that is told how the human part ended, which it just has."""
    play = make_play(summary=SummarySettings(by=OUR_NOTE))
    play.hands_over("inbox")
    play.says("where is my money?")
    play.says("back to bot")
    return play


def returns(thread_control, slots=None):
    return run(
        ActionHandoverReturn(thread_control),
        intent="handover_returned",
        entities=[entity("keyword", "reason")],
        slots=slots,
    )


async def test_where_it_is_wanted_the_slot_tells_how_the_human_part_ended(telling):
    slots, _, _ = await returns(telling.thread_control, {"handover_summary": None})

    assert slots["handover_summary"].startswith("Finished: the human part of this conversation")
    assert '- customer: "where is my money?"' in slots["handover_summary"]
    assert {name: slots[name] for name in CLEARED} == CLEARED


async def test_a_keyword_on_another_channel_has_the_slot_set_before_the_turn_of_the_return(make_play):
    play = make_play(summary=SummarySettings(by=OUR_NOTE))
    play.thread_control.hand_over("abc", channel="socketio")

    dispatcher, given = CollectingDispatcher(), tracker(slots={"handover_summary": None}, thread="abc")
    given.events[0]["input_channel"] = "socketio"
    events = await ActionHandoverReturn(play.thread_control).run(dispatcher, given, {})

    assert [each.get("name", each["event"]) for each in events] == [
        "handover_target",
        "handover_until",
        "handover_summary",
        "action_listen",
        "user",
    ]


async def test_a_bot_whose_domain_has_no_such_slot_gets_none_and_the_log_says_what_to_do(telling, caplog):
    action = ActionHandoverReturn(telling.thread_control)

    for _ in range(2):
        slots, _, _ = await run(action, intent="handover_returned")
        assert slots == CLEARED

    assert caplog.text.count("the domain has no slot handover_summary -> add it") == 1


async def test_a_database_that_goes_away_behind_the_return_costs_the_bot_the_note_alone(
    telling, monkeypatch, caplog
):
    def is_away(*given):
        raise StoreUnavailable("away")

    monkeypatch.setattr("handover_channel.control.human_parts.newest", is_away)

    slots, _, _ = await returns(telling.thread_control, {"handover_summary": None})

    assert slots == CLEARED
    assert "the bot is not told of the human part: away" in caplog.text


# --- action_session_start -------------------------------------------------------------------------


async def start(slots, session_config=None):
    domain = {} if session_config is None else {"session_config": session_config}
    events = await ActionSessionStart().run(CollectingDispatcher(), tracker(slots=slots), domain)
    kinds = [event["event"] for event in events]
    return kinds, {event["name"]: event["value"] for event in events if event["event"] == "slot"}


SLOTS = {"handover_target": "sales_bot", "handover_until": 5.0, "name": "Amina", "nothing": None}


@pytest.mark.parametrize("config", [None, {}, {"carry_over_slots_to_new_session": True}])
async def test_a_new_session_keeps_every_slot(config):
    kinds, slots = await start(SLOTS, config)

    assert slots == {"handover_target": "sales_bot", "handover_until": 5.0, "name": "Amina"}
    assert (kinds[0], kinds[-1]) == ("session_started", "action")


async def test_a_new_session_keeps_the_handover_even_where_the_bot_forgets_its_slots():
    _, slots = await start(SLOTS, {"carry_over_slots_to_new_session": False})

    assert slots == {"handover_target": "sales_bot", "handover_until": 5.0}


# --- as the action server sees them ---------------------------------------------------------------


def test_the_actions_have_the_names_that_domain_yml_uses(play):
    actions = [
        ActionHandover(play.thread_control),
        ActionHandoverReturn(play.thread_control),
        ActionSessionStart(),
    ]

    assert [action.name() for action in actions] == [
        "action_handover",
        "action_handover_return",
        "action_session_start",
    ]


def test_the_action_server_stops_at_its_start_with_everything_that_is_wrong(monkeypatch, tmp_path):
    (tmp_path / "handover.yml").write_text("app_id: x\ncolour: red\n")
    monkeypatch.setenv("HANDOVER_CONFIG", str(tmp_path / "handover.yml"))

    with pytest.raises(SystemExit, match=r"(?s)app_id.*colour|colour.*app_id"):
        ActionHandover()


def _actions_after(line):
    """The actions that rasa_sdk would run after an import."""
    shown = (
        "from rasa_sdk import Action, utils; print(*(each.__name__ for each in utils.all_subclasses(Action)))"
    )
    code = f"{line}; {shown}"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {name for name in ran.stdout.split() if name.startswith("Action")}


def test_a_bot_with_a_session_start_of_its_own_does_not_get_a_second_one():
    two, three = (
        "ActionHandover, ActionHandoverReturn",
        "ActionHandover, ActionHandoverReturn, ActionSessionStart",
    )

    assert _actions_after(f"from handover_channel.actions import {two}") == set(two.split(", "))
    assert _actions_after(f"from handover_channel.actions import {three}") == set(three.split(", "))
    assert _actions_after("from handover_channel.actions import *") == set(three.split(", "))


def test_a_name_that_is_no_action_of_ours_is_an_ordinary_import_error():
    with pytest.raises(ImportError, match="ActionNothing"):
        from handover_channel.actions import ActionNothing  # noqa: F401
