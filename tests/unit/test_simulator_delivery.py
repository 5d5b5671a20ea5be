"""Rules 12-17: which app gets what, on which channel, and how it is written and signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Dict, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.simulator import PAGE_INBOX, Simulator, Switches
from handover_channel.simulator.person import NothingToTap
from handover_channel.simulator.webhooks import WebhookDelivery, meta_json, signatures

PSID = "42"
BOT, SALES = "1234567890", "2222"
BOTH = pytest.mark.parametrize("default", ["bot", None], ids=["R", "Z"])
BUTTON = {
    "attachment": {
        "type": "template",
        "payload": {
            "template_type": "button",
            "text": "One moment",
            "buttons": [
                {"type": "web_url", "title": "Shop", "url": "https://shop.example"},
                {"type": "postback", "title": "Back to Bot", "payload": "/back"},
            ],
        },
    }
}


def messenger(default: Optional[str] = "bot", **switches: Any) -> Simulator:
    return Simulator(apps={SALES: "sales_bot"}, default_app=default, switches=Switches(**switches))


def last(simulator: Simulator, app: str, kind: str) -> Tuple[str, Dict[str, Any]]:
    event = [event for event in simulator.events_of(app, PSID) if event["kind"] == kind][-1]
    return event["channel"], event["item"]


def channels(simulator: Simulator, kind: str) -> Dict[str, List[str]]:
    return {
        app: [event["channel"] for event in simulator.events_of(app) if event["kind"] == kind]
        for app in (BOT, SALES, PAGE_INBOX)
    }


# --- 12 -------------------------------------------------------------------------------------------


@BOTH
def test_12_the_owner_gets_messaging_the_others_standby(default):
    simulator = messenger(default)
    simulator.app(BOT).passes(PSID, to=SALES)
    simulator.person(PSID).says("hello")

    assert channels(simulator, "message") == {BOT: ["standby"], SALES: ["messaging"], PAGE_INBOX: ["standby"]}


def test_12_the_default_app_gets_messaging_while_idle():
    simulator = messenger()
    simulator.person(PSID).says("hello")

    assert channels(simulator, "message") == {BOT: ["messaging"], SALES: ["standby"], PAGE_INBOX: ["standby"]}


@pytest.mark.parametrize("level", ["fields", "page_fields"])
@pytest.mark.parametrize("lacking", ["messages", "standby"])
def test_12_standby_needs_both_fields_at_both_levels(level, lacking):
    simulator = messenger()
    getattr(simulator.apps[SALES], level).discard(lacking)
    simulator.person(PSID).says("hello")

    assert channels(simulator, "message")[SALES] == []


def test_12_messaging_needs_no_standby_field():
    simulator = messenger()
    simulator.bot.fields.discard("standby")
    simulator.person(PSID).says("hello")

    assert channels(simulator, "message")[BOT] == ["messaging"]


def test_12_referrals_and_opt_ins_go_to_those_who_may_answer_alone():
    simulator = messenger()
    simulator.person(PSID).comes_by("summer")
    simulator.person(PSID).opts_in("news")

    assert channels(simulator, "referral") == {BOT: ["messaging"], SALES: [], PAGE_INBOX: []}
    assert last(simulator, BOT, "optin")[1]["optin"]["payload"] == "news"


# --- 13 and 14 ------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("owner", [None, SALES])
def test_13_a_postback_goes_with_payload_to_the_app_whose_button_it_was(default, owner):
    simulator = messenger(default)
    simulator.app(BOT).sends(PSID, BUTTON)
    if owner:
        simulator.app(BOT).passes(PSID, to=owner)

    simulator.person(PSID).taps()

    assert channels(simulator, "postback") == {
        BOT: ["messaging"],
        SALES: ["standby"],
        PAGE_INBOX: ["standby"],
    }
    assert last(simulator, BOT, "postback")[1]["postback"]["payload"] == "/back"
    seen = last(simulator, SALES, "postback")[1]["postback"]
    assert (set(seen), seen["title"]) == ({"mid", "title"}, "Back to Bot")


def test_13_a_button_stays_tappable_after_other_messages():
    simulator = messenger()
    mid = simulator.app(BOT).sends(PSID, BUTTON).body["message_id"]
    simulator.app(BOT).says(PSID, "and now this")
    simulator.person(PSID).says("that")

    simulator.person(PSID).taps(mid, payload="/back")

    assert last(simulator, BOT, "postback")[1]["postback"]["payload"] == "/back"


def test_13_a_menu_tap_goes_to_the_app_that_set_the_menu():
    simulator = messenger()
    simulator.person(PSID).taps_menu("/menu", "Menu", app_id=SALES)

    assert channels(simulator, "postback")[SALES] == ["messaging"]
    assert "payload" not in last(simulator, BOT, "postback")[1]["postback"]


@pytest.mark.parametrize("how", [{"index": 1}, {"payload": "/other"}, {"mid": "m_none"}])
def test_13_what_is_not_there_cannot_be_tapped(how):
    simulator = messenger()
    simulator.app(BOT).sends(PSID, BUTTON)

    with pytest.raises(NothingToTap):
        simulator.person(PSID).taps(**how)


def test_14_the_payload_of_a_quick_reply_is_visible_in_standby():
    simulator = messenger()
    offered = [{"content_type": "text", "title": "Yes", "payload": "/affirm"}]
    simulator.app(BOT).sends(PSID, {"text": "Shall I?", "quick_replies": offered})
    simulator.app(BOT).passes(PSID, to=SALES)

    simulator.person(PSID).chooses(payload="/affirm")

    channel, item = last(simulator, BOT, "message")
    assert channel == "standby"
    assert item["message"]["quick_reply"] == {"payload": "/affirm"}
    assert item["message"]["text"] == "Yes"


# --- 15 and 16 ------------------------------------------------------------------------------------


@BOTH
def test_15_every_message_of_the_page_is_echoed_to_every_app_with_its_author(default):
    simulator = messenger(default)
    mid = simulator.app(BOT).sends(PSID, {"text": "hi", "metadata": "turn 7"}).body["message_id"]

    for app in (BOT, SALES, PAGE_INBOX):
        channel, item = last(simulator, app, "echo")
        assert (item["sender"], item["recipient"]) == ({"id": simulator.page_id}, {"id": PSID})
        assert item["message"] == {
            "is_echo": True,
            "app_id": int(BOT),
            "metadata": "turn 7",
            "mid": mid,
            "text": "hi",
        }
        assert channel == ("messaging" if app == BOT or default is None else "standby")


def test_15_the_echo_of_an_attachment_carries_it():
    simulator = messenger()
    simulator.app(BOT).sends(PSID, BUTTON)

    assert last(simulator, SALES, "echo")[1]["message"]["attachments"] == [BUTTON["attachment"]]


def test_15_receipts_follow_the_page_s_messages_where_they_are_wanted():
    simulator = messenger()
    mid = simulator.app(BOT).says(PSID, "hi").body["message_id"]
    simulator.person(PSID).says("hello")

    kinds = [event["kind"] for event in simulator.events_of(BOT)]
    assert kinds == ["echo", "delivery", "read", "message"]
    assert last(simulator, BOT, "delivery")[1]["delivery"]["mids"] == [mid]


def test_15_receipts_can_be_switched_off():
    simulator = messenger(receipts=False)
    simulator.app(BOT).says(PSID, "hi")
    simulator.person(PSID).says("hello")

    assert [event["kind"] for event in simulator.events_of(BOT)] == ["echo", "message"]


@pytest.mark.parametrize(
    ("ids", "previous", "new"),
    [("meta", SALES, int(BOT)), ("string", SALES, BOT), ("number", int(SALES), int(BOT))],
)
def test_16_ids_in_handover_events_are_strings_or_numbers(ids, previous, new):
    simulator = messenger(ids=ids)
    simulator.app(BOT).passes(PSID, to=SALES)
    simulator.app(BOT).takes(PSID)

    channel, item = last(simulator, SALES, "take_thread_control")
    assert channel == "messaging"
    assert item["take_thread_control"] == {"previous_owner_app_id": previous, "new_owner_app_id": new}
    assert (item["sender"], item["recipient"]) == ({"id": PSID}, {"id": simulator.page_id})


@pytest.mark.parametrize("ids", ["meta", "string", "number"])
def test_16_from_idle_the_previous_owner_is_null(ids):
    simulator = messenger(ids=ids)
    simulator.app(BOT).passes(PSID, to=SALES)

    assert (
        last(simulator, SALES, "pass_thread_control")[1]["pass_thread_control"]["previous_owner_app_id"]
        is None
    )


def test_16_handover_events_need_their_subscription():
    simulator = messenger()
    simulator.apps[SALES].page_fields.discard("messaging_handovers")
    simulator.app(BOT).passes(PSID, to=SALES)

    assert channels(simulator, "pass_thread_control")[SALES] == []


# --- 17 -------------------------------------------------------------------------------------------


def delivered(act: Any) -> List[WebhookDelivery]:
    simulator = Simulator(callback="http://127.0.0.1:9/webhook", secret="s3cret")
    sent: List[WebhookDelivery] = []
    simulator.send_webhook = sent.append
    act(simulator)
    return sent


def test_17_a_delivery_has_one_event_in_one_entry_of_the_page():
    (delivery,) = delivered(lambda simulator: simulator.person(PSID).says("hello"))

    body = json.loads(delivery.body)
    assert set(body) == {"object", "entry"}
    assert (body["object"], len(body["entry"])) == ("page", 1)
    assert set(body["entry"][0]) == {"id", "time", "messaging"}
    assert len(body["entry"][0]["messaging"]) == 1


def test_17_only_apps_with_a_callback_are_sent_anything():
    assert {
        delivery.app.name for delivery in delivered(lambda simulator: simulator.person(PSID).says("x"))
    } == {"bot"}


@given(st.text())
def test_17_the_body_is_escaped_ascii_that_reads_back_as_it_was(text):
    body = meta_json({"text": text})

    assert not set(b"<%@") & set(body)
    assert b"/" not in body.replace(b"\\/", b"")
    assert body.isascii()
    assert json.loads(body) == {"text": text}


def test_17_accents_are_escaped_in_lower_case_as_meta_shows():
    assert meta_json("äöå") == b'"\\u00e4\\u00f6\\u00e5"'


def test_17_both_signatures_are_made_over_the_bytes_that_are_sent():
    body = meta_json({"text": "1/2 é"})

    assert signatures(body, "s3cret") == {
        "X-Hub-Signature-256": "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest(),
        "X-Hub-Signature": "sha1=" + hmac.new(b"s3cret", body, hashlib.sha1).hexdigest(),
    }


def test_timestamps_never_repeat_even_when_the_clock_stands():
    simulator = Simulator(now=lambda: 1_700_000_000.0)
    stamps = [simulator.person(PSID).says(text)["at"] for text in "abc"]

    assert stamps == sorted(set(stamps))
