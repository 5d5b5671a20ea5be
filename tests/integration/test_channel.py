"""The channel on a real Sanic server with a real store, before a Rasa of a few lines and the simulator."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import sanic_servers
import yaml
from served_bot import APPS, SECRET, Bot, Rasa
from served_bot import body as _body
from served_bot import eventually as _eventually
from served_bot import item as _item
from served_bot import numbers as _numbers
from served_bot import processed as _processed
from served_bot import rows as _rows

from handover_channel import simulator
from handover_channel.simulator import Simulator

pytestmark = pytest.mark.rasa


@pytest.fixture(autouse=True, scope="module")
def _several_servers_in_one_process():
    with sanic_servers.several():
        yield


@pytest.fixture
def messenger():
    """A Messenger that lets the tests deliver its webhooks themselves."""
    return Simulator(apps=APPS, secret=SECRET)


@pytest.fixture
def folder(tmp_path, messenger):
    """A folder with settings for that Messenger."""
    with simulator.running(messenger) as url:
        targets = {"inbox": {"kind": "inbox"}, "sales_bot": {"kind": "app", "app_id": "2222"}}
        settings = {"app_id": "1234567890", "graph_api": {"url": url}, "targets": targets}
        (tmp_path / "handover.yml").write_text(yaml.safe_dump(settings))
        yield tmp_path


@pytest.fixture
def rasa():
    return Rasa()


@pytest.fixture
def bot(folder, rasa):
    with Bot(folder, rasa).running() as running:
        yield running


@pytest.mark.parametrize(("settings", "cheaper"), [({}, True), ({"cheaper_turns": False}, False)])
def test_turns_are_made_cheaper_unless_a_setting_leaves_rasa_alone(
    settings, cheaper, folder, rasa, monkeypatch
):
    made = []
    monkeypatch.setattr("handover_channel.rasa.runtime.make_turns_cheaper", lambda: made.append(True))
    file = folder / "handover.yml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **settings}))

    with Bot(folder, rasa).running():
        assert bool(made) is cheaper


@pytest.mark.parametrize(
    ("level", "settings", "put_together"),
    [("ERROR", {}, False), ("INFO", {}, True), ("ERROR", {"cheaper_turns": False}, True)],
)
def test_lines_of_the_access_log_that_nobody_gets_are_not_put_together(
    level, settings, put_together, folder, rasa, monkeypatch
):
    access_log, lines = logging.getLogger("sanic.access"), []
    before = access_log.level
    monkeypatch.setattr(sanic_servers, "ACCESS_LOG", True)
    monkeypatch.setattr(access_log, "info", lambda *given, **more: lines.append(more))
    file = folder / "handover.yml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **settings}))

    access_log.setLevel(level)
    try:
        with Bot(folder, rasa).running() as running:
            assert running.post(_body(_item("7001", "hello"))) == 200
    finally:
        access_log.setLevel(before)

    assert bool(lines) is put_together


# --- what the bot says --------------------------------------------------------------------------


def _answered(bot, messenger, *responses):
    """Let the bot say that, and return the messages as Messenger has them."""
    bot.rasa.responses = list(responses)
    psid = str(next(_numbers))
    assert bot.post(_body(_item(psid, "hello"))) == 200
    _eventually(_processed(bot.folder))
    refused = [
        entry for entry in messenger.journal.after() if entry["kind"] == "graph" and entry["status"] != 200
    ]
    assert refused == []
    chat = [entry for entry in messenger.thread(psid).chat if entry["kind"] == "message"]
    return [entry["message"] for entry in chat if entry["author"] != "person"]


def _titles(messages):
    return [
        each["title"]
        for message in messages
        for each in [
            *message.get("attachment", {}).get("payload", {}).get("buttons", ()),
            *message.get("quick_replies", ()),
        ]
    ]


def test_a_long_text_arrives_whole_in_the_sizes_that_meta_takes(bot, messenger):
    text = " ".join(f"word{number}" for number in range(400))
    assert len(text) > 2_500

    messages = _answered(bot, messenger, {"text": text})

    assert len(messages) == 2
    assert " ".join(message["text"] for message in messages) == text


@pytest.mark.parametrize("count", [1, 3, 4, 7, 10])
def test_no_button_is_lost(bot, messenger, count):
    buttons = [{"title": f"Choice {number}", "payload": f"/choose{number}"} for number in range(count)]

    messages = _answered(bot, messenger, {"text": "Which one?", "buttons": buttons})

    assert _titles(messages) == [button["title"] for button in buttons]


@pytest.mark.parametrize("count", [1, 13, 14, 20])
def test_no_quick_reply_is_lost(bot, messenger, count):
    replies = [{"title": f"Choice {number}", "payload": f"/choose{number}"} for number in range(count)]

    messages = _answered(bot, messenger, {"text": "Which one?", "quick_replies": replies})

    assert _titles(messages) == [reply["title"] for reply in replies]


def test_elements_image_attachment_and_custom_arrive(bot, messenger):
    elements = [{"title": f"Lamp {number}", "subtitle": "20 dollars"} for number in range(12)]

    messages = _answered(
        bot,
        messenger,
        {"elements": elements},
        {"text": "look", "image": "https://cdn.example.com/lamp.png"},
        {"attachment": {"type": "file", "payload": {"url": "https://cdn.example.com/lamp.pdf"}}},
        {"custom": {"text": "as I like it", "metadata": "mine"}},
    )

    cards = [
        card["title"]
        for message in messages
        for card in message.get("attachment", {}).get("payload", {}).get("elements", ())
    ]
    assert cards == [element["title"] for element in elements]
    kinds = [message.get("attachment", {}).get("type") for message in messages]
    assert kinds[2:] == [None, "image", "file", None]
    assert messages[-1]["text"] == "as I like it"


def test_the_notice_has_the_button_with_the_title_of_the_settings(bot, messenger):
    for given in ({}, {"buttons": [{"title": "Help", "payload": "/help"}]}):
        messages = _answered(bot, messenger, {"utter_action": "utter_handover", "text": "Bye", **given})

        assert _titles(messages)[-1] == "Back to Bot"
        assert _titles(messages).count("Back to Bot") == 1


# --- what the bot is told -----------------------------------------------------------------------


def test_a_slow_turn_keeps_neither_meta_nor_others_waiting(bot, rasa):
    gate = threading.Event()
    rasa.before = lambda message: (
        asyncio.get_running_loop().run_in_executor(None, gate.wait, 20) if message.text == "slow" else None
    )
    try:
        assert bot.post(_body(_item("1", "slow"))) == 200
        assert bot.post(_body(_item("1", "after the slow one"), _item("2", "hello"))) == 200
        _eventually(lambda: rasa.texts("2") == ["hello"])
        assert rasa.texts("1") == []
    finally:
        gate.set()
    _eventually(lambda: rasa.texts("1") == ["slow", "after the slow one"])


def test_of_many_at_once_each_counts_once(bot, rasa):
    people = [f"9{number}" for number in range(30)]
    conversations = {psid: [_item(psid, f"{psid} {number}") for number in range(5)] for psid in people}
    items = [item for number in range(5) for item in (talk[number] for talk in conversations.values())]

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda item: bot.post(_body(item)), items))
        statuses += list(pool.map(lambda item: bot.post(_body(item)), items[::3]))

    assert set(statuses) == {200}
    _eventually(_processed(bot.folder))
    for psid, said in conversations.items():
        assert sorted(rasa.texts(psid)) == [item["message"]["text"] for item in said]


def test_two_processes_share_the_work_in_order_and_do_nothing_twice(folder):
    first, second = Rasa(), Rasa()
    second.messages = first.messages
    with Bot(folder, first).running() as one, Bot(folder, second).running() as two:
        for number in range(10):
            for psid in ("1", "2", "3"):
                item = _item(psid, f"{number}")
                assert [bot.post(_body(item)) for bot in (one, two)] == [200, 200]
        _eventually(_processed(folder))

    for psid in ("1", "2", "3"):
        assert first.texts(psid) == [str(number) for number in range(10)]


def test_a_turn_that_fails_is_tried_again_and_then_given_up_for_the_next(bot, rasa, caplog):
    failed = []

    def fail(message):
        if message.text == "poison":
            failed.append(message)
            raise RuntimeError("the bot broke")

    rasa.before = fail
    bot.post(_body(_item("1", "poison"), _item("1", "hello")))

    _eventually(lambda: rasa.texts("1") == ["hello"])
    assert len(failed) == 3
    assert "given up" in caplog.text
    assert "poison" not in "".join(record.getMessage() for record in caplog.records)


def test_what_was_stored_before_a_stop_is_answered_after_the_start(folder, messenger):
    first, second = Rasa(), Rasa()
    stopped = threading.Event()
    first.before = lambda message: asyncio.get_running_loop().run_in_executor(None, stopped.wait, 20)
    with Bot(folder, first).running() as bot:
        for number in range(5):
            assert bot.post(_body(_item("1", str(number)))) == 200
        threading.Timer(0.5, stopped.set).start()

    with Bot(folder, second).running():
        _eventually(_processed(folder))

    assert first.texts("1") + second.texts("1") == [str(number) for number in range(5)]


def test_without_its_database_nothing_is_acknowledged_and_all_is_well_once_it_is_back(
    tmp_path, messenger, rasa
):
    away = tmp_path / "not mounted yet"
    with simulator.running(messenger) as url:
        settings = {"app_id": "1234567890", "graph_api": {"url": url}, "database": f"sqlite:///{away}/x.db"}
        (tmp_path / "handover.yml").write_text(yaml.safe_dump(settings))
        with Bot(tmp_path, rasa).running(ready=False) as bot:
            _eventually(lambda: "the store is out of reach" in bot.health().json()["reason"])
            assert bot.health().status_code == 503
            assert bot.post(_body(_item("1", "hello"))) == 503

            away.mkdir()

            assert bot.post(_body(_item("1", "hello again"))) == 200
            _eventually(lambda: rasa.texts("1") == ["hello again"])
            assert requests.get(f"{bot.url}/", timeout=10).status_code == 200


# --- hostile bodies -----------------------------------------------------------------------------


ODD = [None, True, 0, -1, 1e308, 2**63, "", "0", "\x00", "\ud800", "x" * 5000, [], {}, [[]], {"id": None}]


def _seeds():
    yield _body(_item("7", "hello"))
    yield _body(_item("7", "hello"), channel="standby")
    with_all = {
        **_item("7", "hello"),
        "postback": {"mid": "m_p", "title": "Back", "payload": '/handover_returned{"reason": "button"}'},
        "pass_thread_control": {
            "previous_owner_app_id": None,
            "new_owner_app_id": 1234567890,
            "metadata": "x",
        },
        "take_thread_control": {"previous_owner_app_id": "1234567890", "new_owner_app_id": 2222},
        "request_thread_control": {"requested_owner_app_id": 2222, "metadata": "x"},
        "app_roles": {"2222": ["primary_receiver"]},
        "referral": {"ref": "x", "source": "ADS", "type": "OPEN_THREAD"},
        "optin": {"type": "notification_messages", "payload": "x"},
        "delivery": {"mids": ["m"], "watermark": 1},
        "read": {"watermark": 1},
        "reaction": {"reaction": "love", "emoji": "❤", "action": "react", "mid": "m"},
    }
    for kind in [key for key in with_all if key not in ("sender", "recipient", "timestamp")]:
        yield _body({key: with_all[key] for key in ("sender", "recipient", "timestamp", kind)})
    yield _body({**_item("7", ""), "message": {"mid": "m_e", "is_echo": True, "app_id": 2222, "text": "hi"}})
    place = {"type": "location", "payload": {"coordinates": {"lat": 1, "long": 2}}}
    yield _body({**_item("7", ""), "message": {"mid": "m_a", "attachments": [place, {"type": "image"}]}})
    yield _body(with_all)


def _places(value, path=()):
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from _places(each, (*path, key))


def _mutated(dice, seed):
    body = copy.deepcopy(seed)
    for _ in range(dice.randint(1, 4)):
        places = list(_places(body))
        if not places:
            break
        *way, last = dice.choice(places)
        holder = body
        for step in way:
            holder = holder[step]
        if dice.random() < 0.25:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(dice.choice(ODD))
    raw = json.dumps(body).encode()
    if dice.random() < 0.2:
        at = dice.randrange(len(raw))
        raw = raw[:at] + bytes([dice.randrange(256)]) + raw[at + dice.randrange(3) :]
    return raw


def test_no_body_whatever_gives_a_5xx_or_stops_the_next_one(bot, rasa, caplog):
    dice = random.Random(20261122)  # noqa: S311 - the same bodies each time
    seeds = list(_seeds())

    with caplog.at_level(logging.WARNING):
        bodies = [_mutated(dice, seeds[number % len(seeds)]) for number in range(2_000)]
        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(bot.post, bodies))
        assert bot.post(_body(_item("8", "a good one"))) == 200
        _eventually(_processed(bot.folder), "all are processed", within=120)

    assert {status for status in statuses if status != 200} <= {400}
    assert rasa.texts("8") == ["a good one"]
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert _rows(bot.folder, "SELECT body FROM deliveries WHERE outcome = 'failed'") == []
