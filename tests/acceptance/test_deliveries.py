"""Tests what Meta delivers: strange, repeated, forged, at once. Nothing good is lost or counts twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from stack import ROOT, VERIFY, eventually

pytestmark = pytest.mark.rasa

CORPUS = ROOT.parent / "shared" / "corpus" / "webhooks.jsonl"


def _lines(path: Path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


# --- verification and signature -----------------------------------------------------------------


def test_the_webhook_proves_itself_to_meta(stack):
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}

    answer = requests.get(stack.webhook, params=query, timeout=10)

    assert (answer.status_code, answer.text) == (200, "1158201444")


@pytest.mark.parametrize(
    "change",
    [
        {"hub.verify_token": "another"},
        {"hub.verify_token": ""},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": ""},
    ],
)
def test_the_webhook_proves_itself_to_nobody_else(stack, change):
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444", **change}

    answer = requests.get(stack.webhook, params=query, timeout=10)

    assert answer.status_code == 403
    assert "1158201444" not in answer.text


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "sha256=é", "rubbish"]
)
def test_a_delivery_that_is_not_signed_by_meta_is_refused(stack, person, signature):
    entry = {"id": "1", "time": 1, "messaging": [stack.text_item(person, "hello")]}
    body = json.dumps({"object": "page", "entry": [entry]}).encode()

    assert stack.post(body, signature.encode("utf-8")) == 403

    assert not stack.rows("SELECT id FROM deliveries WHERE thread = ?", person.psid)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"{}", b'{"entry": {}}', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_delivery_is_refused_by_name(stack, body):
    assert stack.post(body) == 400


# --- good ones ----------------------------------------------------------------------------------


def test_a_repeated_delivery_counts_once(stack, person):
    item = stack.text_item(person, "when are you open")

    assert [stack.deliver(item) for _ in range(3)] == [200] * 3
    person.settled()
    assert stack.deliver(item) == 200
    person.settled()

    assert person.said_to_rasa() == ["when are you open"]
    assert [text[:11] for text in person.heard()] == ["We are open"]


def test_a_repeated_tap_on_the_button_counts_once(stack, person):
    person.goes_to("sales_bot")
    heard = len(person.heard())
    tap = stack.text_item(person, "")
    tap.pop("message")
    tap["postback"] = {"mid": "m_tap", "title": "Back", "payload": '/handover_returned{"reason": "button"}'}

    assert [stack.deliver(tap), stack.deliver(tap)] == [200, 200]
    person.settled()

    assert len(person.heard()) == heard + 1
    assert len(person.calls("take_thread_control")) == 1


def test_standby_and_messaging_in_one_body_are_both_read(stack, person):
    other = stack.person()
    other.goes_to("sales_bot")

    status = stack.deliver(
        stack.text_item(person, "when are you open"), standby=[stack.text_item(other, "for sales only")]
    )
    person.settled()
    other.settled()

    assert status == 200
    assert person.heard()[-1].startswith("We are open")
    assert other.transcript() == ["for sales only"]


def test_messages_of_one_body_are_answered_in_metas_order(stack, person):
    first = stack.text_item(person, "how long does delivery take")
    second = stack.text_item(person, "when are you open")

    stack.deliver(second, first)
    person.settled()

    assert person.said_to_rasa() == ["how long does delivery take", "when are you open"]


def test_a_good_event_beside_bad_ones_is_answered(stack, person):
    bad = [None, 7, "text", [], {}, {"sender": None}, {"sender": {"id": {}}, "message": "text"}]
    odd = [
        {**stack.text_item(stack.person(), "x"), "message": odd} for odd in (7, [], {"mid": None, "text": {}})
    ]

    assert stack.deliver(*bad, *odd, stack.text_item(person, "when are you open"), *bad) == 200
    person.settled()

    assert person.heard()[-1].startswith("We are open")


@pytest.mark.corpus
def test_a_body_of_another_apps_shape_is_answered_and_its_neighbours_are_kept(stack, person):
    """The corpus: bodies from the tests of many projects, each beside a good message of its own."""
    lines = _lines(CORPUS)

    statuses = []
    for number, line in enumerate(lines):
        statuses.append((number, stack.post(json.dumps(line["body"]).encode())))
    people = []
    for line in lines[::10]:
        neighbour = stack.person()
        people.append(neighbour)
        entries = line["body"].get("entry") if isinstance(line["body"], dict) else None
        entry = {
            "id": "1000000000000001",
            "time": 1,
            "messaging": [stack.text_item(neighbour, "back to bot")],
        }
        body = {"object": "page", "entry": [*(entries if isinstance(entries, list) else []), entry]}
        assert stack.post(json.dumps(body).encode()) == 200

    assert [each for each in statuses if not (each[1] == 200 or 400 <= each[1] < 500)] == []
    assert [s for s in statuses if s[1] != 200 and isinstance(lines[s[0]]["body"].get("entry"), list)] == []
    eventually(
        lambda: not stack.rows("SELECT id FROM deliveries WHERE done_at IS NULL"),
        "all are processed",
        within=240,
    )
    assert [person.psid for person in people if person.said_to_rasa() != ["back to bot"]] == []
    assert stack.rows("SELECT id, outcome FROM deliveries WHERE outcome = 'failed'") == []
    assert "Traceback" not in stack.logs()


@pytest.mark.parametrize("text", ["/", "// ", "\u2764\ufe0f", "\u200f", "?"])
def test_a_message_without_words_is_answered_too(stack, person, text):
    stack.deliver(stack.text_item(person, text))
    person.settled()

    assert person.heard() != []
    assert person.said_to_rasa() == [text.strip()]


def test_an_empty_message_is_no_message(stack, person):
    for text in ("", " \n "):
        assert stack.deliver(stack.text_item(person, text)) == 200
    tap = stack.text_item(person, "")
    tap.pop("message")
    stack.deliver({**tap, "postback": {"mid": "m_1", "title": "Hello", "payload": ""}})
    person.settled()

    assert person.said_to_rasa() == ["Hello"]


# --- what Rasa gets to know of a message --------------------------------------------------------


def _user_event(person):
    person.settled()
    return [event for event in person.events() if event["event"] == "user"][-1]


def test_a_text_reaches_rasa_with_metas_id_and_time(stack, person):
    mid = person.says("hello")

    said = _user_event(person)

    assert said["input_channel"] == "facebook"
    assert said["message_id"] == mid
    assert said["metadata"]["mid"] == mid
    assert said["metadata"]["timestamp"] > 1_600_000_000_000
    assert said["metadata"]["page"] == "1000000000000001"


@pytest.mark.parametrize("kind", ["image", "audio", "video", "file"])
def test_an_attachment_reaches_rasa_as_its_address(stack, person, kind):
    url = f"https://cdn.example.com/lamp.{kind}"

    person.does("send", type=kind, url=url)

    said = _user_event(person)
    assert said["text"] == url
    (attachment,) = said["metadata"]["attachments"]
    assert (attachment["type"], attachment["url"]) == (kind, url)


def test_a_place_reaches_rasa_with_its_coordinates(person):
    person.does("send", type="location", payload={"coordinates": {"lat": 33.9, "long": 35.5}})

    said = _user_event(person)
    assert said["text"] == "[location]"
    (attachment,) = said["metadata"]["attachments"]
    assert attachment["type"] == "location"
    assert attachment["payload"]["coordinates"] == {"lat": 33.9, "long": 35.5}


def test_a_sticker_reaches_rasa_as_such(person):
    url = "https://cdn.example.com/thumb.png"
    person.does("send", type="sticker", payload={"url": url, "sticker_id": 369239263222822})

    (attachment,) = _user_event(person)["metadata"]["attachments"]
    assert (attachment["type"], attachment["url"]) == ("sticker", url)
    assert attachment["payload"]["sticker_id"] == 369239263222822


def test_a_quick_reply_reaches_rasa_as_its_payload(person):
    person.says("hello")
    person.settled()

    person.does("choose", payload="/order_status")

    said = _user_event(person)
    assert said["text"] == "/order_status"
    assert said["parse_data"]["intent"]["name"] == "order_status"
    assert said["metadata"]["quick_reply"]["title"] == "Where is my order?"


def test_a_postback_reaches_rasa_as_its_payload(person):
    person.taps_menu("/greet")

    said = _user_event(person)
    assert said["text"] == "/greet"
    assert said["metadata"]["postback"] == {"title": "Get Started", "payload": "/greet"}


def test_referral_and_opt_in_come_with_the_next_message(person):
    person.does("come_by", ref="summer-sale")
    person.does("opt_in", payload="newsletter")
    person.says("hello")

    metadata = _user_event(person)["metadata"]
    assert metadata["referral"]["ref"] == "summer-sale"
    assert metadata["optin"]["payload"] == "newsletter"
    person.says("hello again")
    assert "referral" not in _user_event(person)["metadata"]


@pytest.mark.parametrize("act", ["react", "read"])
def test_reactions_and_receipts_are_no_messages(person, act):
    mid = person.says("hello")
    person.settled()
    events = person.events()

    person.does(act, **({"mid": mid} if act == "react" else {}))
    person.settled()

    assert person.events() == events
