"""Both sides of what Meta's pages leave open, and the retired handover protocol, for rules 1-17."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest

from handover_channel.simulator import PAGE_INBOX, Simulator, Switches
from handover_channel.simulator.clock import Clock
from handover_channel.simulator.webhooks import meta_json

PSID = "42"
BOT, SALES, TOOL = "1234567890", "2222", "3333"
DAY = 24 * 60 * 60
LEGACY = pytest.mark.parametrize("version", ["v1", "v2"])


def messenger(default: Optional[str] = "bot", **switches: Any) -> Simulator:
    return Simulator(
        apps={SALES: "sales_bot", TOOL: "tool"},
        default_app=default,
        now=Clock(lambda: 1_700_000_000.0),
        switches=Switches(receipts=False, **switches),
    )


def refused(answer: Any) -> Tuple[int, int]:
    assert answer.status == 400, answer.body
    return answer.body["error"]["code"], answer.body["error"].get("error_subcode", 0)


def told(simulator: Simulator, kind: str) -> List[str]:
    return [app for app in simulator.apps for one in simulator.events_of(app, PSID) if one["kind"] == kind]


def channels(simulator: Simulator, kind: str) -> Dict[str, str]:
    return {
        app: one["channel"]
        for app in simulator.apps
        for one in simulator.events_of(app, PSID)
        if one["kind"] == kind
    }


def lasts(simulator: Simulator) -> float:
    return simulator.thread(PSID).control.expires - simulator.now()


# --- without a default app, and with one ----------------------------------------------------------


@pytest.mark.parametrize(("begins", "days"), [("now", 2), ("expiry", 3)])
def test_2_an_extension_counts_from_now_or_from_the_end(begins, days):
    simulator = messenger(extend_from=begins)
    simulator.app("bot").passes(PSID, to="bot")
    simulator.app("bot").extends(PSID, 2 * DAY)

    assert lasts(simulator) == days * DAY


@pytest.mark.parametrize(("restarts", "days"), [(True, 1), (False, 5)])
def test_2_whether_a_change_of_control_shortens_what_was_extended_is_a_switch(restarts, days):
    simulator = messenger(action_restarts_day=restarts)
    simulator.app("bot").passes(PSID, to="bot")
    simulator.app("bot").extends(PSID, 5 * DAY)
    simulator.app("bot").passes(PSID, to=SALES)

    assert lasts(simulator) == days * DAY


@pytest.mark.parametrize(("takes", "owner"), [(True, SALES), (False, "")])
def test_4_whether_an_answer_in_an_idle_thread_takes_it_is_a_switch(takes, owner):
    simulator = messenger(None, send_takes_idle=takes)

    assert simulator.app(SALES).says(PSID, "hello").status == 200
    assert simulator.owner(PSID) == owner
    assert told(simulator, "pass_thread_control") == []


@pytest.mark.parametrize(("tells", "subcode"), [(True, 2534037), (False, 0)])
def test_5_whether_not_being_the_owner_has_a_subcode_is_a_switch(tells, subcode):
    simulator = messenger(tells_not_owner=tells)
    simulator.inbox.moves_to_main(PSID)

    assert refused(simulator.app("bot").passes(PSID, to=SALES)) == (100, subcode)
    assert refused(simulator.app("bot").releases(PSID)) == (100, subcode)


@pytest.mark.parametrize("refuses", [True, False])
def test_5_whether_an_app_that_nobody_knows_gets_the_thread_is_a_switch(refuses):
    simulator = messenger(refuses_unknown_target=refuses)
    answer = simulator.app("bot").calls("pass_thread_control", PSID, {"target_app_id": "9999"})

    assert answer.status == (400 if refuses else 200)
    assert simulator.owner(PSID) == ("" if refuses else "9999")


@pytest.mark.parametrize("limits", [False, True])
def test_5_whether_the_metadata_of_control_has_a_limit_is_a_switch(limits):
    simulator = messenger(limits_metadata=limits)

    assert (simulator.app("bot").passes(PSID, to=SALES, metadata="x" * 1001).status == 400) == limits


@pytest.mark.parametrize(("to", "apps"), [("owner", [BOT]), ("all", [BOT, PAGE_INBOX, TOOL])])
def test_6_who_is_told_of_a_take_is_a_switch(to, apps):
    simulator = messenger(take_told_to=to)
    simulator.app("bot").passes(PSID, to="bot")
    simulator.app(SALES).takes(PSID)

    assert told(simulator, "take_thread_control") == apps


@pytest.mark.parametrize(("takes", "owner"), [(True, PAGE_INBOX), (False, "")])
def test_10_whether_the_inbox_takes_an_idle_thread_without_a_default_app_is_a_switch(takes, owner):
    simulator = messenger(None, inbox_takes_idle=takes)
    simulator.inbox.replies(PSID, "hello")

    assert simulator.owner(PSID) == owner


@pytest.mark.parametrize("needs", [True, False])
def test_12_whether_standby_needs_the_event_s_own_field_is_a_switch(needs):
    simulator = messenger(standby_needs_own_field=needs)
    simulator.apps[SALES].fields.discard("messages")
    simulator.person(PSID).says("hello")

    assert (SALES in channels(simulator, "message")) == (not needs)


@pytest.mark.parametrize("every", [False, True])
def test_12_whether_every_kind_of_event_comes_on_standby_is_a_switch(every):
    simulator = messenger(standby_of_every_kind=every)
    simulator.person(PSID).comes_by("summer")

    assert channels(simulator, "referral").get(SALES) == ("standby" if every else None)


@pytest.mark.parametrize(("whose", "channel"), [("origin", "messaging"), ("owner", "standby")])
def test_13_who_gets_the_payload_of_a_tap_on_the_menu_is_a_switch(whose, channel):
    simulator = messenger(menu_tap=whose)
    simulator.app("bot").passes(PSID, to=SALES)
    simulator.person(PSID).taps_menu("/menu", "Menu")

    (tap,) = [one for one in simulator.events_of("bot", PSID) if one["kind"] == "postback"]
    assert (tap["channel"], "payload" in tap["item"]["postback"]) == (channel, channel == "messaging")


@pytest.mark.parametrize("shown", [True, False])
def test_14_whether_others_see_the_payload_of_a_quick_reply_is_a_switch(shown):
    simulator = messenger(standby_shows_quick_replies=shown)
    reply = {"content_type": "text", "title": "Yes", "payload": "/yes"}
    simulator.app("bot").sends(PSID, {"text": "?", "quick_replies": [reply]})
    simulator.app("bot").passes(PSID, to=SALES)
    simulator.person(PSID).chooses()

    def payload(app: str) -> Any:
        return simulator.events_of(app, PSID)[-1]["item"]["message"]["quick_reply"].get("payload")

    assert (payload("bot"), payload(TOOL)) == ("/yes", "/yes" if shown else None)


def test_15_a_late_echo_comes_on_the_channel_of_whoever_has_the_thread_then():
    simulator = messenger()
    simulator.fault("late_echo", seconds=5)
    simulator.app("bot").says(PSID, "Let me ask somebody")
    simulator.app("bot").passes(PSID, to=SALES)
    simulator.clock.run("10 seconds")

    assert channels(simulator, "echo")[BOT] == "standby"
    line = next(one for one in simulator.journal.after() if one.get("event") == "echo" and one["app"] == BOT)
    assert (line["channel"], list(line["body"]["entry"][0])) == ("standby", ["id", "time", "standby"])


def test_15_a_late_echo_is_lost_to_an_app_without_standby():
    simulator = messenger()
    simulator.bot.fields.discard("standby")
    simulator.fault("late_echo", seconds=5)
    simulator.app("bot").says(PSID, "Let me ask somebody")
    simulator.app("bot").passes(PSID, to=SALES)
    simulator.clock.run("10 seconds")

    assert BOT not in channels(simulator, "echo")


@pytest.mark.parametrize("sha1", [True, False])
def test_17_whether_there_is_a_sha1_signature_is_a_switch(sha1):
    sent: List[Any] = []
    simulator = messenger(signs_sha1=sha1)
    simulator.bot.callback, simulator.send_webhook = "http://bot.example", sent.append
    simulator.person(PSID).says("hello")

    assert ("X-Hub-Signature" in sent[0].headers) == sha1
    assert "X-Hub-Signature-256" in sent[0].headers


@pytest.mark.parametrize("escapes", [True, False])
def test_17_whether_punctuation_is_escaped_is_a_switch(escapes):
    sent: List[Any] = []
    simulator = messenger(escapes_punctuation=escapes)
    simulator.bot.callback, simulator.send_webhook = "http://bot.example", sent.append
    simulator.person(PSID).says("a/b")

    assert (b"a\\/b" in sent[0].body) == escapes
    assert meta_json("\u00e4", punctuation=escapes) == b'"\\u00e4"'


# --- the retired protocol -------------------------------------------------------------------------


def test_1_with_roles_a_thread_is_the_primary_s_until_it_is_passed():
    simulator = messenger(handover_protocol="v1")
    simulator.person(PSID).says("hello")
    assert channels(simulator, "message") == {
        BOT: "messaging",
        PAGE_INBOX: "standby",
        SALES: "standby",
        TOOL: "standby",
    }
    assert simulator.app("bot").passes(PSID, to=SALES).status == 200
    assert simulator.owner(PSID) == SALES


def test_2_with_roles_control_does_not_end_by_itself_and_with_idle_threads_it_does():
    for version, owner in (("v1", SALES), ("v2", "")):
        simulator = messenger(handover_protocol=version)
        simulator.app("bot").passes(PSID, to=SALES)
        simulator.clock.jump("30 days")
        assert simulator.owner(PSID) == owner


@pytest.mark.parametrize(("version", "sent"), [("v1", True), ("v2", False)])
def test_3_4_with_roles_either_app_may_answer_and_with_idle_threads_the_owner_alone(version, sent):
    simulator = messenger(handover_protocol=version)
    simulator.app("bot").passes(PSID, to="bot" if version == "v2" else SALES)
    answer = simulator.app(SALES if version == "v2" else "bot").says(PSID, "hello")

    assert answer.status == 200 if sent else refused(answer) == (10, 2018300)


@LEGACY
def test_5_the_target_of_a_secondary_receiver_is_the_primary_if_it_names_none(version):
    simulator = messenger(handover_protocol=version)
    simulator.app("bot").passes(PSID, to=SALES)

    assert simulator.app(SALES).passes(PSID).status == 200
    assert told(simulator, "pass_thread_control") == [BOT, SALES]


@LEGACY
def test_6_a_secondary_receiver_cannot_take_what_somebody_has_and_the_primary_can(version):
    simulator = messenger(handover_protocol=version)
    simulator.app("bot").passes(PSID, to=SALES)

    assert refused(simulator.app(TOOL).takes(PSID))[0] == 100
    assert simulator.app("bot").takes(PSID).status == 200
    assert told(simulator, "take_thread_control") == [SALES]


def test_6_any_app_takes_an_idle_thread_of_the_second_version():
    simulator = messenger(handover_protocol="v2")

    assert simulator.app(TOOL).takes(PSID).status == 200
    assert simulator.owner(PSID) == TOOL


def test_7_with_roles_the_primary_is_asked_whoever_has_the_thread():
    simulator = messenger(handover_protocol="v1")
    simulator.app("bot").passes(PSID, to=SALES)

    assert simulator.app(TOOL).requests(PSID).status == 200
    assert told(simulator, "request_thread_control") == [BOT]
    assert refused(simulator.app("bot").requests(PSID))[0] == 100


@pytest.mark.parametrize(("version", "status"), [("v1", 400), ("v2", 200)])
def test_8_the_first_version_knows_no_release_and_no_extension(version, status):
    simulator = messenger(handover_protocol=version)
    simulator.app("bot").passes(PSID, to=SALES)

    assert simulator.app(SALES).extends(PSID, DAY).status == status
    assert simulator.app(SALES).releases(PSID).status == status


def test_9_with_roles_a_secondary_receiver_does_not_see_another_one():
    simulator = messenger(handover_protocol="v1")
    assert simulator.app(TOOL).asks_owner(PSID).body == {"data": [{"thread_owner": {"app_id": BOT}}]}
    simulator.app("bot").passes(PSID, to=SALES)

    for app in ("bot", SALES):
        assert simulator.app(app).asks_owner(PSID).body == {"data": [{"thread_owner": {"app_id": SALES}}]}
    assert refused(simulator.app(TOOL).asks_owner(PSID)) == (100, 2018234)


def test_10_with_roles_the_inbox_asks_for_a_thread_answers_without_it_and_gives_it_back():
    simulator = messenger(handover_protocol="v1")
    simulator.inbox.replies(PSID, "hello")
    simulator.inbox.moves_to_main(PSID)
    assert (simulator.owner(PSID), told(simulator, "request_thread_control")) == (BOT, [BOT])

    simulator.app("bot").passes(PSID, to=PAGE_INBOX)
    simulator.inbox.done(PSID)
    assert simulator.owner(PSID) == BOT


@LEGACY
def test_11_the_retired_protocol_changes_no_control_by_a_send(version):
    simulator = messenger(handover_protocol=version)
    answer = simulator.app("bot").sends(PSID, {"text": "x"}, thread_control={"control_type": "release"})

    assert refused(answer)[0] == 100


@LEGACY
def test_12_the_owner_of_the_retired_protocol_gets_messaging_the_others_standby(version):
    simulator = messenger(handover_protocol=version)
    simulator.app("bot").passes(PSID, to=SALES)
    simulator.person(PSID).says("hello")

    found = channels(simulator, "message")
    assert (found[SALES], found[BOT], found[TOOL]) == ("messaging", "standby", "standby")
