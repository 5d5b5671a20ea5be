"""The simulator over real HTTP: the Graph API calls of real clients, deliveries, its page, its end."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List
from urllib.parse import urlsplit

import pytest
import requests

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from served_simulator import SECRET, api, bot, caller, messenger, pauses, url  # noqa: E402, F401
from webhook_listener import free_port, listening, until  # noqa: E402

from handover_channel.simulator import Simulator, Switches, running, webhook_sender  # noqa: E402
from handover_channel.simulator.connected_app import App  # noqa: E402
from handover_channel.simulator.http_routes import STATIC_FILES  # noqa: E402

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus" / "graph_calls.jsonl"


# --- the calls of real clients --------------------------------------------------------------------


def calls() -> List[Any]:
    if not CORPUS.is_file():
        return [pytest.param({}, marks=pytest.mark.corpus)]
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    real = [row for row in rows if "not the real one" not in row["call"]]
    return [pytest.param(row, id=f"{number}-{row['call']}") for number, row in enumerate(real, 1)]


def _ready_for(row: Dict[str, Any]) -> Simulator:
    """A page in the state in which Meta would accept that call."""
    path = row["path"]
    simulator = Simulator(default_app=None if "request_thread_control" in path else "bot")
    if path.endswith("thread_owner") or "thread_owner" in json.dumps(row["body"]):
        for psid in (row["query"].get("recipient", ""), "${USER_ID}"):
            simulator.app("bot").passes(psid, to="bot")
    node = path.strip("/").split("/")[0]
    if row["call"] in ("getPersona", "deletePersona"):
        simulator.personas[node] = {
            "id": node,
            "name": "kpman",
            "profile_picture_url": "https://x.example/k.png",
        }
    documented = (row["response"].get("data") or [{}]) if isinstance(row["response"], dict) else [{}]
    if path.endswith("messenger_profile") and row["method"] == "GET":
        simulator.profile = documented[0] if documented != [{}] else {}
    if path.endswith("custom_user_settings") and "user_level_persistent_menu" in documented[0]:
        simulator.user_settings[row["query"]["psid"]] = documented[0]["user_level_persistent_menu"]
    return simulator


def _lost_its_body(row: Dict[str, Any]) -> bool:
    """Uploads: the corpus has no multipart body."""
    return (
        row["method"] == "POST"
        and row["body"] is None
        and row["path"].endswith(("messages", "message_attachments"))
    )


def _request(url: str, row: Dict[str, Any], *, form: bool = False) -> requests.Response:
    content: Dict[str, Any] = {"json": row["body"]} if row["body"] is not None else {}
    if _lost_its_body(row):
        attachment = {"attachment": {"type": "file", "payload": {}}}
        message = {"recipient": '{"id": "1QAZ2WSX"}', "message": json.dumps(attachment)}
        content = {"data": message, "files": {"filedata": ("a.txt", b"hello", "text/plain")}}
    elif form and row["body"] is not None:
        given = {key: value for key, value in row["body"].items() if value is not None}
        flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
        content = {"data": flat}
    prefix = urlsplit(row["base"] or "").path
    return requests.request(
        row["method"], url + prefix + row["path"], params=row["query"], timeout=10, **content
    )


@pytest.mark.parametrize("row", calls())
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_a_call_of_a_real_client_is_accepted(row, form):
    with running(_ready_for(row)) as url:
        answer = _request(url, row, form=form)

    assert answer.status_code == 200, answer.text
    expected, got = row["response"], answer.json()
    if isinstance(expected, list):
        assert [part.get("code") for part in got] == [200] * len(expected)
    elif set(expected) <= {"recipient_id", "message_id", "attachment_id", "success", "result"}:
        made_up = (
            {"message_id"} if (row["body"] or {}).get("sender_action") else set()
        )  # by the capturing server
        assert set(got) - {"attachment_id"} == set(expected) - made_up - {"attachment_id"}
        assert [got[key] for key in ("success", "result") if key in got] == [
            expected[key] for key in ("success", "result") if key in expected
        ]
    elif "data" in expected and isinstance(expected["data"], list):
        assert isinstance(got["data"], list)
        assert not expected["data"] or row["path"].endswith(("review", "subscriptions")) or got["data"]


def test_an_uploaded_file_is_served_and_shown(url, messenger):
    message = {"attachment": {"type": "image", "payload": {"is_reusable": True}}}
    answer = requests.post(
        f"{url}/v27.0/me/messages",
        params={"access_token": "demo-page-token"},
        data={"recipient": '{"id": "42"}', "message": json.dumps(message)},
        files={"filedata": ("a.png", b"\x89PNG", "image/png")},
        timeout=10,
    ).json()

    assert set(answer) == {"recipient_id", "message_id", "attachment_id"}
    shown = messenger.thread("42").chat[-1]["message"]["attachment"]["payload"]["url"]
    served = requests.get(shown, timeout=10)
    assert (served.content, served.headers["Content-Type"]) == (b"\x89PNG", "image/png")


def test_an_upload_that_could_run_in_the_page_is_only_downloaded(url):
    kept = requests.post(
        f"{url}/simulator/v1/files", data="<script>", headers={"Content-Type": "text/html"}, timeout=10
    )
    served = requests.get(kept.json()["url"], timeout=10)

    assert served.headers["Content-Type"] == "application/octet-stream"
    assert served.headers["Content-Disposition"] == "attachment"


# --- deliveries -----------------------------------------------------------------------------------


def test_webhooks_arrive_signed_and_in_order(api, bot):
    for number in range(20):
        api("say", person="42", text=f"{number} é")

    until(lambda: len(bot.bodies) == 20)
    assert bot.texts == [f"{number} é" for number in range(20)]
    for body, headers in zip(bot.bodies, bot.headers):
        assert (
            headers["X-Hub-Signature-256"]
            == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        )
    assert b"\\u00e9" in bot.bodies[0]


def test_a_delivery_that_is_not_answered_with_200_is_tried_again_before_the_next(url, bot, messenger):
    bot.statuses = [500, 403]
    messenger.person("42").says("first")
    messenger.person("42").says("second")

    until(lambda: len(bot.bodies) == 4)
    assert bot.texts == ["first", "first", "first", "second"]
    assert bot.bodies[0] == bot.bodies[2]
    entries = until(
        lambda: [e for e in messenger.journal.after() if e.get("status") == 200 and e["kind"] == "webhook"]
    )
    assert entries[0]["attempts"] == 3


def test_a_delivery_that_is_never_accepted_is_given_up_and_the_next_one_goes_out(url, bot, messenger):
    bot.statuses = [500, 500, 500]
    messenger.person("42").says("first")
    messenger.person("42").says("second")

    until(lambda: bot.texts[-1:] == ["second"])
    first = next(entry for entry in messenger.journal.after() if entry["app"] == messenger.bot.id)
    assert (first["status"], first["attempts"], first["error"]) == (500, 3, "answered 500")


def test_a_bot_that_is_still_starting_gets_what_was_said_meanwhile(pauses):
    port = free_port()
    messenger = Simulator(callback=f"http://127.0.0.1:{port}/webhook", switches=Switches(receipts=False))
    with running(messenger, **pauses):
        messenger.person("42").says("early")
        until(lambda: any(entry.get("attempts") for entry in messenger.journal.after()))
        with listening(port) as bot:
            until(lambda: bot.texts == ["early"])


def test_a_bot_that_hangs_holds_up_neither_the_graph_api_nor_another_app(url, bot, messenger):
    with listening() as other:
        messenger.connect(App("5555", "second", "token-5555", SECRET, callback=other.url))
        bot.hold.clear()
        messenger.person("42").says("hello")

        until(lambda: other.texts == ["hello"])
        answer = messenger.app("bot").says("42", "hi")
        assert answer.status == 200
        assert requests.get(f"{url}/health", timeout=2).json() == {"status": "ok"}
        assert bot.bodies == []


def handshake(api) -> str:
    return api("snapshot", "GET")["apps"][0]["handshake"]


def test_the_callback_is_asked_for_the_handshake(api):
    assert until(lambda: handshake(api)) == "ok"


def test_a_bot_that_starts_late_is_asked_for_the_handshake_until_it_answers(monkeypatch):
    monkeypatch.setattr(webhook_sender, "ASKED_AGAIN", 0.02)
    port = free_port()
    messenger = Simulator(callback=f"http://127.0.0.1:{port}/webhook")
    with running(messenger, unreachable_pauses=[0.01], refused_pauses=[]) as url:
        until(lambda: handshake(caller(url)) == "not reached")
        time.sleep(0.2)  # longer than all pauses
        with listening(port):
            until(lambda: handshake(caller(url)) == "ok")


def test_a_wrong_verify_token_is_shown(bot, pauses):
    with running(Simulator(callback=bot.url, verify_token="other"), **pauses) as url:
        until(lambda: handshake(caller(url)) == "answered 403")


def test_a_raw_body_is_sent_signed_and_as_it_is(url, bot):
    body = b'{"object": "page",   "entry": "\xd8 no delivery"'
    answer = requests.post(f"{url}/simulator/v1/deliver", data=body, timeout=10)

    assert answer.json() == {"status": 200, "error": ""}
    assert bot.bodies == [body]
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert bot.headers[0]["X-Hub-Signature-256"] == f"sha256={expected}"


# --- its page -------------------------------------------------------------------------------------


def test_changes_are_told_to_whoever_listens(url, messenger):
    with requests.get(f"{url}/simulator/v1/events", stream=True, timeout=10) as stream:
        lines = stream.iter_lines()
        assert next(lines) == b"event: change"
        before = int(next(lines).split()[1])
        messenger.person("42").says("hello")
        next(lines), next(lines)
        assert int(next(lines).split()[1]) > before


def test_the_page_and_all_it_loads_come_from_here(url):
    page = requests.get(url, timeout=10)
    assets = sorted(path.name for path in STATIC_FILES.iterdir())

    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "://" not in page.text
    assert "simulator.js" in assets
    for name in assets:
        assert requests.get(f"{url}/simulator/page/{name}", timeout=10).status_code == 200
    assert requests.get(f"{url}/simulator/page/..%2Fserver.py", timeout=10).status_code == 404
    assert requests.get(f"{url}/simulator/nothing", timeout=10).status_code == 404


# --- its end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_at_once_when_asked_even_with_a_page_open(number):
    port = free_port()
    code = (
        f"from handover_channel import simulator; simulator.run(port={port}, callback='http://127.0.0.1:9/')"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE)
    try:
        until(lambda: _answers(f"http://127.0.0.1:{port}/health"))
        with requests.get(f"http://127.0.0.1:{port}/simulator/v1/events", stream=True, timeout=10) as stream:
            next(stream.iter_lines())
            process.send_signal(number)
            _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()

    assert (process.returncode, errors) == (0, b"")


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).status_code == 200
    except requests.ConnectionError:
        return False


# --- other web pages -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Content-Type": "text/plain"},
    ],
)
def test_another_web_page_cannot_write_as_a_person(headers: Dict[str, str]) -> None:
    simulator, said = Simulator(), {"person": "1", "text": "hello"}
    with running(simulator) as url:
        sent = {"Content-Type": "application/json", **headers}
        answer = requests.post(f"{url}/simulator/v1/say", data=json.dumps(said), headers=sent, timeout=5)
        read = requests.get(f"{url}/simulator/v1/snapshot", headers={"Host": "evil.example"}, timeout=5)

        assert answer.status_code == 403
        assert "->" in answer.json()["error"]
        assert read.status_code == 403
        assert simulator.thread("1").chat == []
        assert requests.post(f"{url}/simulator/v1/say", json=said, timeout=5).ok
