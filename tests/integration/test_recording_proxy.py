"""The proxy between a bot and Meta, which is a second simulator: what goes through, what is recorded."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging

import pytest
import requests

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from aiohttp import web  # noqa: E402
from webhook_listener import free_port, listening, until  # noqa: E402

from handover_channel.recording import proxy as the_proxy  # noqa: E402
from handover_channel.recording import recording_file  # noqa: E402
from handover_channel.recording.comparison import Replay  # noqa: E402
from handover_channel.recording.masking import Masker  # noqa: E402
from handover_channel.recording.proxy import Between, Recorder, problem_of_target, serve  # noqa: E402
from handover_channel.recording.recording_file import RecordingWriter  # noqa: E402
from handover_channel.simulator import Simulator, running, webhooks  # noqa: E402

TOKEN, SECRET, PSID = "EAAtokenOfThePage1", "s3cretOfTheApp", "4444000044440000"
BODY = {"recipient": {"id": PSID}, "messaging_type": "RESPONSE", "message": {"text": "Hello Nadia"}}


@pytest.fixture
def meta():
    return Simulator(token=TOKEN, secret=SECRET)


def proxied(meta_url, callback, file, act, meta, *, keep_texts=False):
    """Let *act* happen with the proxy's URL; returns what it returned, once all is written."""
    between = Between(meta_url, callback, meta.bot.id, meta.page_id)
    masker = Masker([TOKEN, SECRET, "handover-demo"], keep_texts=keep_texts)
    recorder = Recorder(RecordingWriter(file), masker, between, keep_texts=keep_texts)

    async def run():
        async with serve(between, recorder) as url:
            return await asyncio.get_running_loop().run_in_executor(None, act, url)

    try:
        return asyncio.run(run())
    finally:
        recorder.close()


def test_a_conversation_goes_through_unchanged_and_is_recorded_without_secrets(meta, tmp_path):
    file = tmp_path / "it.jsonl"
    with listening() as bot, running(meta) as meta_url:

        def act(url):
            meta.bot.callback = url + "/webhook"
            meta.person(PSID).says("hello, I am Nadia")
            until(lambda: len(bot.bodies) == 1)
            query = {"access_token": TOKEN}
            sent = requests.post(f"{url}/v27.0/me/messages", params=query, json=BODY, timeout=10)
            until(lambda: any(b'"is_echo":true' in each for each in bot.bodies))
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            owner = requests.get(f"{url}/me/thread_owner?recipient={PSID}", headers=bearer, timeout=10)
            refused = requests.post(f"{url}/me/take_thread_control", data={"access_token": TOKEN}, timeout=10)
            return sent, owner, refused

        sent, owner, refused = proxied(meta_url, bot.url, file, act, meta)

    assert sent.json()["recipient_id"] == PSID
    assert owner.status_code == 200
    assert refused.json()["error"]["code"] == 100
    for body, headers in zip(bot.bodies, bot.headers):
        assert headers["X-Hub-Signature-256"] == webhooks.signatures(body, SECRET)["X-Hub-Signature-256"]
    text = file.read_text()
    for told in (TOKEN, SECRET, PSID, "Nadia", "hello", meta.bot.id, meta.page_id, "sha256", "Bearer"):
        assert told not in text
    recording = recording_file.read(file)
    assert [each.kind for each in recording.entries].count("graph") == 3
    assert [said for said in Replay(recording).differences() if "POST" in said] == []


@pytest.mark.parametrize(
    "carried",
    [
        {"params": {"access_token": "learned"}},
        {"params": {"input_token": "learned"}},
        {"params": {"appsecret_proof": "learned"}},
        {"headers": {"Authorization": "Bearer learned"}},
        {"json": {**BODY, "access_token": "learned"}},
        {"data": {"recipient": "{}", "access_token": "learned"}},
    ],
    ids=["query", "input_token", "proof", "header", "json", "form"],
)
def test_a_token_that_the_settings_do_not_know_is_in_no_text_that_is_kept(carried, meta, tmp_path):
    token = "anothertokenofletters"  # as an id it would not stand out
    file, given = tmp_path / "it.jsonl", json.loads(json.dumps(carried).replace("learned", token))
    quoted = {**BODY, "message": {"text": f"my token is {token}, and I am Nadia"}}
    with listening() as bot, running(meta) as meta_url:

        def act(url):
            meta.bot.callback = url + "/webhook"
            requests.post(f"{url}/me/messages", timeout=10, **given)
            requests.post(f"{url}/me/messages?access_token={TOKEN}", json=quoted, timeout=10)
            meta.person(PSID).says(f"is it {token}?")
            until(lambda: any(b"is it" in each for each in bot.bodies))

        proxied(meta_url, bot.url, file, act, meta, keep_texts=True)

    text = file.read_text()
    assert token not in text
    assert "my token is <secret>, and I am Nadia" in text
    assert "is it <secret>?" in text


def test_meta_out_of_reach_is_metas_shape_of_error_for_the_bot_and_a_line_in_the_log(meta, tmp_path, caplog):
    away = f"http://127.0.0.1:{free_port()}"

    def act(url):
        return requests.post(f"{url}/me/messages?access_token={TOKEN}", json=BODY, timeout=10)

    with caplog.at_level(logging.ERROR):
        answer = proxied(away, "http://127.0.0.1:1/webhook", tmp_path / "it.jsonl", act, meta)

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == 2
    assert [each.getMessage() for each in caplog.records] == [
        "The proxy did not reach the Graph API (ClientConnectorError)."
    ]
    (entry,) = recording_file.read(tmp_path / "it.jsonl").entries
    assert (entry.facts["status"], entry.facts["error"]) == (
        None,
        "the Graph API was not reached (ClientConnectorError)",
    )


def test_a_recording_that_cannot_be_written_does_not_keep_anything_from_going_through(
    meta, tmp_path, monkeypatch
):
    def full(self, facts):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RecordingWriter, "write", full)
    with running(meta) as meta_url:
        answer = proxied(
            meta_url,
            "http://127.0.0.1:1/webhook",
            tmp_path / "it.jsonl",
            lambda url: requests.get(f"{url}/me?access_token={TOKEN}", timeout=10),
            meta,
        )

    assert answer.json()["id"] == meta.page_id


def test_a_body_that_is_too_large_is_refused_and_one_that_is_large_is_not_kept(meta, tmp_path, monkeypatch):
    monkeypatch.setattr(
        the_proxy, "RECORDED_BODY", the_proxy.RECORDED_BODY.__class__("", "", 100, "bytes", "", "")
    )
    long = {**BODY, "message": {"text": "x" * 500}}
    with running(meta) as meta_url:

        def act(url):
            return requests.post(f"{url}/me/messages?access_token={TOKEN}", json=long, timeout=10)

        assert proxied(meta_url, "http://127.0.0.1:1/w", tmp_path / "1.jsonl", act, meta).status_code == 200
        (entry,) = recording_file.read(tmp_path / "1.jsonl").entries
        assert list(entry.facts["body"]) == ["bytes"]

        limit = the_proxy.PROXIED_BODY.__class__("", "", 100, "bytes", "", "")
        monkeypatch.setattr(the_proxy, "PROXIED_BODY", limit)
        assert proxied(meta_url, "http://127.0.0.1:1/w", tmp_path / "2.jsonl", act, meta).status_code == 503


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://graph.facebook.com", ""),
        ("http://127.0.0.1:8090/", ""),
        ("http://localhost", ""),
        ("http://graph.facebook.com", "would get the token in the clear"),
        ("http://127.0.0.1.example.com", "would get the token in the clear"),
        ("https://a:b@graph.facebook.com", "is no base URL"),
        ("https://graph.facebook.com/v27.0", "is no base URL"),
        ("https://[", "is no URL"),
        ("graph.facebook.com", "is no base URL"),
    ],
)
def test_a_token_goes_over_https_or_stays_on_this_machine(url, said):
    assert said in problem_of_target(url)
    assert bool(said) == bool(problem_of_target(url))


def test_a_compressed_answer_goes_through_as_it_is_and_is_recorded_as_what_it_says(tmp_path):
    packed = gzip.compress(json.dumps({"error": {"code": 190}, "name": "Nadia"}).encode())

    async def answers(request):
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=packed, status=400, headers=headers)

    answer = to_a_server_that(answers, tmp_path / "it.jsonl")

    assert answer.json() == {"error": {"code": 190}, "name": "Nadia"}
    (entry,) = recording_file.read(tmp_path / "it.jsonl").entries
    assert entry.facts["answer"] == {"error": {"code": 190}, "name": "Xxxxx"}


def to_a_server_that(answers, file):
    """GET /me by a proxy to a server that answers so; return what came back."""

    async def run():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answers)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        between = Between(
            f"http://127.0.0.1:{runner.addresses[0][1]}", "http://127.0.0.1:1/w", "1234567", "7654321"
        )
        recorder = Recorder(RecordingWriter(file), Masker(), between)
        async with serve(between, recorder) as url:
            answer = await asyncio.get_running_loop().run_in_executor(
                None, lambda: requests.get(f"{url}/me", allow_redirects=False, timeout=10)
            )
        recorder.close()
        await runner.cleanup()
        return answer

    return asyncio.run(run())


def test_a_redirect_is_given_to_the_bot_and_not_followed(tmp_path):
    async def elsewhere(request):
        raise web.HTTPFound("http://127.0.0.1:1/elsewhere")

    answer = to_a_server_that(elsewhere, tmp_path / "it.jsonl")

    assert (answer.status_code, answer.headers["Location"]) == (302, "http://127.0.0.1:1/elsewhere")
    assert json.loads((tmp_path / "it.jsonl").read_text().splitlines()[1])["status"] == 302
