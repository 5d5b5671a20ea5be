"""Faults by name: what each does, to whom, how often; and that nothing happens without one."""

from __future__ import annotations

import re
from typing import Any, Dict, List

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from handover_channel.simulator import PAGE_INBOX, Simulator, Switches
from handover_channel.simulator.clock import Clock
from handover_channel.simulator.connected_app import App
from handover_channel.simulator.faults import FAULTS, OF_CALL, OF_PERSON, OF_WEBHOOK
from handover_channel.simulator.webhooks import WebhookDelivery, meta_json, signatures

PSID, OTHER = "42", "43"
BOT, SALES = "1234567890", "2222"
START = 1_700_000_000.0


class Sent:
    """Takes the webhooks of the bot, as a server would."""

    def __init__(self) -> None:
        self.deliveries: List[WebhookDelivery] = []

    def __call__(self, delivery: WebhookDelivery) -> None:
        self.deliveries.append(delivery)
        for entry in delivery.entries:
            entry["status"] = 200


def messenger(**switches: Any) -> Simulator:
    return Simulator(
        apps={SALES: "sales_bot"},
        now=Clock(lambda: START),
        switches=Switches(receipts=bool(switches.pop("receipts", False)), **switches),
    )


def texts(simulator: Simulator, app: str = "bot") -> List[str]:
    return [
        event["item"]["message"]["text"] for event in simulator.events_of(app) if "message" in event["item"]
    ]


def entries(simulator: Simulator, kind: str = "webhook", app: str = BOT) -> List[Dict[str, Any]]:
    return [each for each in simulator.journal.after() if each["kind"] == kind and each["app"] == app]


def says(simulator: Simulator, *said: str) -> None:
    for text in said:
        simulator.person(PSID).says(text)


# --- ordering them --------------------------------------------------------------------------------


def test_without_a_fault_nothing_goes_wrong():
    simulator = messenger()
    says(simulator, "one", "two")

    assert texts(simulator) == ["one", "two"]
    assert all("faults" not in entry for entry in simulator.journal.after())


def test_a_fault_happens_once_unless_it_is_told_how_often():
    simulator = messenger()
    simulator.fault("drop_webhook")
    says(simulator, "one", "two")
    simulator.fault("drop_webhook", count=2)
    says(simulator, "three", "four", "five")
    lasting = simulator.fault("drop_webhook", count=None)
    says(simulator, "six", "seven")
    simulator.remove_fault(lasting.number)
    says(simulator, "eight")

    assert texts(simulator) == ["two", "five", "eight"]
    assert lasting.happened == 2
    assert not simulator.faults


def test_a_fault_happens_to_the_bot_alone_unless_told_otherwise():
    simulator = messenger()
    simulator.fault("drop_webhook")
    says(simulator, "one")
    simulator.fault("drop_webhook", app="sales_bot")
    says(simulator, "two")
    simulator.fault("drop_webhook", app="*", count=3)
    says(simulator, "three")

    assert texts(simulator) == ["two"]
    assert texts(simulator, "sales_bot") == ["one"]


def test_a_fault_may_be_bound_to_a_thread_and_a_kind_of_event():
    simulator = messenger()
    simulator.fault("drop_webhook", thread=OTHER, event="message")
    says(simulator, "one")
    simulator.person(OTHER).comes_by("summer")
    simulator.person(OTHER).says("two")

    assert texts(simulator) == ["one"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "gremlin"}, "'name' is 'gremlin', which is no fault (known: duplicate, reorder"),
        (
            {"name": "duplicate", "count": 0},
            "'count' is 0; it must be a number from 1 on, or null for always",
        ),
        ({"name": "duplicate", "count": True}, "'count' is True; it must be"),
        ({"name": "duplicate", "call": "messages"}, "'call' is nothing that duplicate knows"),
        ({"name": "duplicate", "event": "telepathy"}, "'event' is 'telepathy', which is no kind of event"),
        ({"name": "late_echo", "event": "message"}, "late_echo never happens to 'message' (only to echo)"),
        ({"name": "owner_hidden", "call": "messages"}, "owner_hidden never happens to 'messages'"),
        (
            {"name": "code_2", "call": "mesages"},
            "'call' is 'mesages', which is no call of the Graph API (known: ",
        ),
        ({"name": "late_echo", "seconds": 0}, "'seconds' is 0; it must be more than 0"),
        ({"name": "hang"}, "hang needs a client that waits -> serve the simulator"),
        ({"name": "slow"}, "slow needs a client that waits"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_and_the_key_is_named(options, sentence):
    simulator = messenger()

    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        simulator.fault(**options)
    assert not simulator.faults


def test_an_app_that_is_not_there_and_a_fault_that_is_over_are_named():
    simulator = messenger()

    with pytest.raises(KeyError, match="no app 'nobody' on this page"):
        simulator.fault("duplicate", app="nobody")
    with pytest.raises(KeyError, match="there is no fault 7"):
        simulator.remove_fault(7)


def test_what_is_ordered_and_what_happens_stands_in_the_journal():
    simulator = messenger()
    simulator.fault("duplicate")
    says(simulator, "one")

    (ordered,) = entries(simulator, "fault")
    assert (ordered["act"], ordered["fault"]["name"]) == ("ordered", "duplicate")
    assert [entry["faults"] for entry in entries(simulator)] == [["duplicate"], ["duplicate"]]


# --- webhooks -------------------------------------------------------------------------------------


def test_duplicate_has_the_event_come_twice_with_the_same_mid():
    simulator = messenger()
    simulator.fault("duplicate")
    says(simulator, "one", "two")

    assert texts(simulator) == ["one", "one", "two"]
    mids = [event["item"]["message"]["mid"] for event in simulator.events_of("bot")]
    assert mids[0] == mids[1]


def test_reorder_has_the_event_come_after_the_next_one():
    simulator = messenger()
    simulator.fault("reorder")
    says(simulator, "one")
    assert texts(simulator) == []
    assert entries(simulator)[0]["status"] == "held"
    says(simulator, "two", "three")

    assert texts(simulator) == ["two", "one", "three"]
    simulator.clock.jump("1 hour")
    assert texts(simulator) == ["two", "one", "three"]


@pytest.mark.parametrize("name", ["reorder", "batch"])
def test_what_is_held_comes_by_itself_where_nothing_follows(name):
    simulator = messenger()
    simulator.fault(name, seconds=10)
    says(simulator, "one")

    simulator.clock.run(9)
    assert texts(simulator) == []
    assert simulator.clock.run(1) == [f"{name}: what was held for bot arrives"]
    assert texts(simulator) == ["one"]


def test_batch_brings_events_in_one_body_of_several_entries():
    simulator, sent = messenger(), Sent()
    simulator.bot.callback, simulator.send_webhook = "http://127.0.0.1:9/", sent
    simulator.fault("batch", count=2)
    says(simulator, "one", "two", "three", "four")

    assert texts(simulator) == ["one", "two", "three", "four"]
    first, second = sent.deliveries
    assert first.body.count(b'"messaging"') == 3
    assert second.body.count(b'"messaging"') == 1
    assert [entry["status"] for entry in entries(simulator)] == [200] * 4


def test_late_echo_has_the_echo_come_after_what_follows():
    simulator = messenger()
    simulator.fault("late_echo", seconds=60)
    simulator.app("bot").says(PSID, "I am a bot")
    says(simulator, "so you are")

    assert texts(simulator) == ["so you are"]
    simulator.clock.jump("1 minute")
    assert texts(simulator) == ["so you are", "I am a bot"]


def test_drop_webhook_loses_the_event_and_says_so():
    simulator = messenger()
    simulator.fault("drop_webhook")
    says(simulator, "one", "two")

    assert texts(simulator) == ["two"]
    assert [entry["status"] for entry in entries(simulator)] == ["dropped", "kept"]


def test_bad_signature_signs_with_another_secret():
    simulator, sent = messenger(), Sent()
    simulator.bot.callback, simulator.send_webhook = "http://127.0.0.1:9/", sent
    simulator.fault("bad_signature")
    says(simulator, "one", "two")

    wrong, right = [d.headers == signatures(d.body, simulator.bot.secret) for d in sent.deliveries]
    assert (wrong, right) == (False, True)


def test_unknown_event_sends_something_that_nobody_has_announced_before():
    simulator = messenger()
    simulator.fault("unknown_event")
    says(simulator, "one")

    unknown, known = simulator.events_of("bot")
    assert set(unknown["item"]) == {"sender", "recipient", "timestamp", "unannounced_event"}
    assert known["item"]["message"]["text"] == "one"


def test_no_mids_leaves_a_receipt_with_its_watermark():
    simulator = messenger(receipts=True)
    simulator.fault("no_mids")
    simulator.app("bot").says(PSID, "hello")
    simulator.app("bot").says(PSID, "again")

    first, second = (e["item"]["delivery"] for e in simulator.events_of("bot") if e["kind"] == "delivery")
    assert set(first) == {"watermark"}
    assert set(second) == {"mids", "watermark"}


# --- a webhook that is down -----------------------------------------------------------------------


def test_a_webhook_that_is_down_is_tried_again_and_all_arrives_in_order():
    simulator = messenger()
    simulator.fault("webhook_down", count=3)
    says(simulator, "one", "two")

    assert texts(simulator) == []
    simulator.clock.run(5)
    assert texts(simulator) == []
    simulator.clock.run("1 minute")
    assert texts(simulator) == ["one", "two"]
    assert [entry["attempts"] for entry in entries(simulator)] == [3, 0]


def test_a_jump_over_the_retries_is_one_attempt():
    simulator = messenger()
    simulator.fault("webhook_down", count=None)
    says(simulator, "one")

    simulator.clock.jump("10 minutes")

    assert entries(simulator)[0]["attempts"] == 2


def test_after_15_minutes_the_developer_is_alerted_and_after_an_hour_the_webhook_is_disabled():
    simulator = messenger()
    simulator.fault("webhook_down", count=None)
    says(simulator, "one")

    simulator.clock.run("14 minutes")
    assert entries(simulator, "meta") == []
    simulator.clock.run("1 minute")
    assert [each["act"] for each in entries(simulator, "meta")] == ["alert"]
    simulator.clock.run("45 minutes")

    assert [each["act"] for each in entries(simulator, "meta")] == ["alert", "disabled"]
    assert simulator.bot.page_fields == set()
    assert simulator.deliveries.is_disabled(simulator.bot)
    (lost,) = entries(simulator)
    assert (lost["status"], lost["error"]) == ("dropped", "the webhook was disabled")
    says(simulator, "two")
    assert texts(simulator) == []


def test_a_success_in_between_begins_the_hour_anew():
    simulator = messenger()
    simulator.fault("webhook_down", count=1)
    says(simulator, "one")
    simulator.clock.run("10 minutes")
    simulator.fault("webhook_down", count=1)
    says(simulator, "two")
    simulator.clock.run("2 hours")

    assert texts(simulator) == ["one", "two"]
    assert entries(simulator, "meta") == []


def test_an_app_that_subscribes_again_is_served_again():
    simulator = messenger()
    fault = simulator.fault("webhook_down", count=None)
    says(simulator, "one")
    simulator.clock.jump("1 hour")
    simulator.remove_fault(fault.number)
    simulator.bot.page_fields = {"messages"}
    says(simulator, "two")

    assert texts(simulator) == ["two"]
    assert not simulator.deliveries.is_disabled(simulator.bot)


@pytest.mark.parametrize("disables", [False, True])
def test_what_really_fails_for_an_hour_is_disabled_with_the_switch_alone(disables):
    simulator = messenger(disable_webhooks=disables)
    simulator.deliveries.failed(simulator.bot)

    simulator.clock.jump("2 hours")

    assert [each["act"] for each in entries(simulator, "meta")] == [
        "alert",
        "disabled" if disables else "alert",
    ]
    assert simulator.deliveries.is_disabled(simulator.bot) is disables


# --- Graph calls ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "subcode"),
    [("code_2", 2, None), ("rate_613", 613, None), ("token_expired", 190, 463), ("not_owner", 10, 2018300)],
)
def test_a_send_is_refused_once_and_nothing_is_sent(name, code, subcode):
    simulator = messenger()
    simulator.fault(name)
    refused, sent = simulator.app("bot").says(PSID, "one"), simulator.app("bot").says(PSID, "two")

    assert refused.status == 400
    assert (refused.body["error"]["code"], refused.body["error"].get("error_subcode")) == (code, subcode)
    assert sent.status == 200
    assert texts(simulator) == ["two"]


def test_the_rate_limit_says_when_there_is_access_again():
    simulator = messenger()
    simulator.fault("rate_613", seconds=600)

    usage = simulator.app("bot").says(PSID, "one").headers["X-Business-Use-Case-Usage"]

    assert '"estimated_time_to_regain_access": 10' in usage


def test_a_call_may_take_effect_although_it_is_refused():
    simulator = messenger()
    simulator.fault("code_2", takes_effect=True)
    refused = simulator.app("bot").passes(PSID, to="sales_bot")

    assert refused.body["error"]["code"] == 2
    assert simulator.owner(PSID) == SALES


def test_refused_27_refuses_to_take_and_nothing_else():
    simulator = messenger()
    simulator.fault("refused_27")
    said, taken = simulator.app("bot").says(PSID, "one"), simulator.app("bot").takes(PSID)

    assert said.status == 200
    assert taken.body["error"]["code"] == 27


def test_not_owner_refuses_control_as_to_an_app_that_does_not_own_the_thread():
    simulator = messenger()
    simulator.app("bot").takes(PSID)
    simulator.fault("not_owner")

    assert simulator.app("bot").passes(PSID, to="sales_bot").body["error"]["error_subcode"] == 2534037


def test_a_gateway_answers_with_a_page_of_html():
    simulator = messenger()
    simulator.fault("html", call="messages")
    answer = simulator.app("bot").says(PSID, "one")

    assert (answer.status, answer.headers["Content-Type"]) == (502, "text/html")
    assert answer.body.startswith("<!DOCTYPE html>")


def test_owner_hidden_answers_an_empty_list_whoever_has_the_thread():
    simulator = messenger()
    simulator.inbox.replies(PSID, "Sam here")
    simulator.fault("owner_hidden")

    assert simulator.app("bot").asks_owner(PSID).body == {"data": []}
    assert simulator.app("bot").asks_owner(PSID).body["data"][0]["thread_owner"]["app_id"] == PAGE_INBOX


def test_typing_does_not_use_up_a_fault_of_the_messages():
    simulator = messenger()
    simulator.fault("code_2", call="messages")
    typing = simulator.app("bot").calls("messages", PSID, {"sender_action": "typing_on"})

    assert typing.status == 200
    assert simulator.app("bot").says(PSID, "one").status == 400


def test_of_two_faults_of_a_call_the_older_one_happens_first():
    simulator = messenger()
    simulator.fault("code_2")
    simulator.fault("rate_613")
    codes = [simulator.app("bot").says(PSID, "one").body["error"]["code"] for _ in range(2)]

    assert codes == [2, 613]


# --- a person's act -------------------------------------------------------------------------------


def test_a_foreign_owner_takes_the_thread_and_nobody_is_told():
    simulator = messenger()
    simulator.fault("foreign_owner_without_webhook")
    says(simulator, "one")

    assert simulator.owner(PSID) == PAGE_INBOX
    assert [(event["channel"], event["kind"]) for event in simulator.events_of("bot")] == [
        ("standby", "message")
    ]
    assert simulator.app("bot").says(PSID, "hello").body["error"]["error_subcode"] == 2018300


def test_the_foreign_owner_may_be_any_app():
    simulator = messenger()
    simulator.fault("foreign_owner_without_webhook", by="sales_bot", thread=OTHER)
    says(simulator, "one")
    simulator.person(OTHER).says("two")

    assert (simulator.owner(PSID), simulator.owner(OTHER)) == ("", SALES)


# --- all of them ----------------------------------------------------------------------------------


def test_starting_afresh_takes_faults_away_and_loses_what_they_hold():
    simulator = messenger()
    simulator.fault("reorder")
    says(simulator, "one")
    simulator.fault("webhook_down", count=None)
    simulator.reset()
    says(simulator, "two")
    simulator.clock.jump("2 hours")

    assert texts(simulator) == ["two"]


IN_PROCESS = [name for name, kind in FAULTS.items() if not kind.http_only]
FINAL = {"kept", "dropped"}


class AnySequence(RuleBasedStateMachine):
    """Acts, faults and moves of the clock in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.simulator = messenger(receipts=True)
        self.simulator.connect(App("3333", "third", "token-3333"))

    psids = st.sampled_from([PSID, OTHER])
    apps = st.sampled_from(["bot", "sales_bot", "third"])

    @rule(psid=psids)
    def somebody_writes(self, psid):
        self.simulator.person(psid).says("hello")

    @rule(psid=psids, app=apps)
    def an_app_writes(self, psid, app):
        assert self.simulator.app(app).says(psid, "hi").status in (200, 400, 502)

    @rule(psid=psids, app=apps, act=st.sampled_from(["takes", "releases", "requests"]))
    def an_app_changes_control(self, psid, app, act):
        getattr(self.simulator.app(app), act)(psid)

    @rule(psid=psids, app=apps, to=apps)
    def an_app_passes(self, psid, app, to):
        self.simulator.app(app).passes(psid, to=to)

    @rule(psid=psids)
    def the_inbox_replies(self, psid):
        self.simulator.inbox.replies(psid, "Sam here")

    @rule(psid=psids)
    def the_inbox_is_done(self, psid):
        self.simulator.inbox.done(psid)

    @rule(
        name=st.sampled_from(IN_PROCESS),
        count=st.sampled_from([1, 2, None]),
        thread=st.sampled_from([PSID, OTHER, None]),
        app=st.sampled_from(["bot", "sales_bot", "*", None]),
    )
    def something_is_to_go_wrong(self, name, count, thread, app):
        where = {} if FAULTS[name].where == OF_PERSON or app is None else {"app": app}
        self.simulator.fault(name, count=count, thread=thread, **where)

    @rule()
    def all_faults_are_removed(self):
        for fault in self.simulator.faults:
            self.simulator.remove_fault(fault.number)

    @rule(verb=st.sampled_from(["jump", "run"]), seconds=st.sampled_from([1, 60, 900, 3600, 86400, 200000]))
    def time_passes(self, verb, seconds):
        before = self.simulator.now()
        getattr(self.simulator.clock, verb)(seconds)
        assert self.simulator.now() == pytest.approx(before + seconds, abs=0.001)

    @rule()
    def it_starts_afresh(self):
        self.simulator.reset()

    @invariant()
    def a_thread_has_one_owner_at_most_and_only_the_owner_may_answer(self):
        for psid in (PSID, OTHER):
            owner = self.simulator.owner(psid)
            speaking = [app for app in self.simulator.apps if self.simulator.speaks(app, psid)]
            assert speaking == ([owner] if owner else [self.simulator.default_app])

    @invariant()
    def every_line_of_the_journal_is_accounted_for(self):
        found, dropped = self.simulator.journal.read()
        assert [entry["n"] for entry in found] == list(
            range(self.simulator.journal.count - len(found) + 1, self.simulator.journal.count + 1)
        )
        assert dropped == 0
        callbacks = self.simulator.deliveries.callbacks.values()
        waiting = sum(len(parcel.entries) for each in callbacks for parcel in each.waiting)
        open_lines = [e for e in found if e["kind"] == "webhook" and e["status"] not in FINAL]
        assert len([e for e in open_lines if e["status"] is None]) == waiting
        assert all(e["status"] in (None, "held") for e in open_lines)

    def teardown(self):
        """What was held or waited for has arrived or is dropped, once all is well and time has passed."""
        self.all_faults_are_removed()
        self.simulator.clock.jump("2 days")
        self.simulator.clock.jump("2 days")
        found = [entry for entry in self.simulator.journal.after() if entry["kind"] == "webhook"]
        assert {entry["status"] for entry in found} <= FINAL


def test_no_sequence_of_acts_faults_and_moves_of_the_clock_breaks_the_rules():
    run_state_machine_as_test(
        AnySequence, settings=hypothesis_settings(stateful_step_count=30, deadline=None)
    )


def test_every_fault_is_of_one_of_three_places_and_has_a_source():
    assert {kind.where for kind in FAULTS.values()} == {OF_WEBHOOK, OF_CALL, OF_PERSON}
    assert all(kind.source and kind.does.endswith(".") for kind in FAULTS.values())


def test_a_body_of_a_batch_is_written_as_meta_writes_it():
    simulator, sent = messenger(), Sent()
    simulator.bot.callback, simulator.send_webhook = "http://127.0.0.1:9/", sent
    simulator.fault("batch")
    says(simulator, "é", "b")

    (delivery,) = sent.deliveries
    assert b"\\u00e9" in delivery.body
    assert delivery.body == meta_json(
        {"object": "page", "entry": [e["body"]["entry"][0] for e in entries(simulator)]}
    )
