"""Reads recordings, compares them with the simulator, and makes scenarios of them."""

from __future__ import annotations

import json

import pytest

from handover_channel.errors import HandoverError
from handover_channel.recording import as_scenario, recording_file
from handover_channel.recording.comparison import Replay
from handover_channel.recording.recording_file import RecordingWriter, heading
from handover_channel.testing.scenario import read as read_scenarios

APP, PAGE, PSID = "9000000000000001", "9000000000000002", "9000000000000003"
AT = 1_790_000_000_000


def webhook(item, channel="messaging", n=1):
    whole = {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": AT, **item}
    body = {"object": "page", "entry": [{"id": PAGE, "time": AT, channel: [whole]}]}
    return {"n": n, "at": AT + n, "kind": "webhook", "body": body, "status": 200}


def call(edge, body, status=200, answer=None, n=1, method="POST", query=None):
    given = {"method": method, "path": f"/v27.0/me/{edge}", "query": query or {}}
    whole = {**given, "body": body, "status": status, "answer": answer or {}}
    return {"n": n, "at": AT + n, "kind": "graph", **whole}


def says(text, **more):
    return webhook({"message": {"mid": "m_1", "text": text}}, **more)


def sends(text, **more):
    body = {"recipient": {"id": PSID}, "messaging_type": "RESPONSE", "message": {"text": text}}
    return call("messages", body, **more)


def echo(text, **more):
    message = {"is_echo": True, "app_id": int(APP), "mid": "m_2", "text": text}
    return webhook({"sender": {"id": PAGE}, "recipient": {"id": PSID}, "message": message}, **more)


GOOD = [
    says("hello", n=1),
    sends("Hello, you", n=2),
    echo("Hello, you", n=3),
    call("pass_thread_control", {"recipient": {"id": PSID}, "target_app_id": "263902037430900"}, n=4),
    says("are you there?", channel="standby", n=5),
]


@pytest.fixture
def recorded(tmp_path):
    def write(lines):
        file = tmp_path / "it.jsonl"
        writer = RecordingWriter(file)
        for each in [heading(APP, PAGE, keep_texts=True), *lines]:
            writer.write(each)
        writer.close()
        return file

    return write


def differences(file, **more):
    return list(Replay(recording_file.read(file), **more).differences())


def test_what_the_simulator_would_have_done_too_is_no_difference(recorded):
    assert differences(recorded(GOOD)) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            [
                says("hello"),
                sends("Hi", n=2, status=400, answer={"error": {"code": 10, "error_subcode": 2018278}}),
            ],
            "3: POST messages: Meta answered 400 (10/2018278), the simulator would answer 200",
        ),
        (
            [says("hello", channel="standby")],
            "2: message: Meta sent it on standby, the simulator would on messaging",
        ),
        ([echo("Hello")], "2: echo on messaging: Meta sent it, the simulator would not"),
        (
            [says("hello"), sends("Hi", n=2)],
            "3: the simulator would then send echo on messaging, and Meta sent none",
        ),
        (
            [
                says("hello"),
                call(
                    "thread_owner",
                    {},
                    method="GET",
                    query={"recipient": PSID},
                    answer={"data": [{"thread_owner": {"app_id": "2222"}}]},
                    n=2,
                ),
            ],
            "by Meta the owner is 2222, by the simulator",
        ),
    ],
)
def test_each_difference_is_a_line_with_its_place(recorded, lines, said):
    assert any(said in each for each in differences(recorded(lines)))


def test_a_page_without_a_default_app_is_played_as_one(recorded):
    refused = {"error": {"code": 27, "message": "x"}}
    take = call("take_thread_control", {"recipient": {"id": PSID}}, status=400, answer=refused, n=2)

    assert differences(recorded([says("hello"), take]), default_app=False) == []
    assert differences(recorded([says("hello"), take])) != []


def test_the_time_of_the_recording_counts(recorded):
    outside = {"error": {"code": 10, "error_subcode": 2018278}}
    late = {**sends("Hi", n=2, status=400, answer=outside), "at": AT + 25 * 3_600_000}

    assert differences(recorded([says("hello"), late])) == []


def test_a_recording_becomes_a_scenario(recorded, tmp_path):
    assert as_scenario.write(recording_file.read(recorded(GOOD)), tmp_path / "it.yml") == []

    (scenario,) = read_scenarios(tmp_path / "it.yml")
    assert [(step.kind, step.value) for step in scenario.steps] == [
        ("person", "hello"),
        ("reply", "Hello, you"),
        ("control", "page_inbox"),
        ("person", "are you there?"),
        ("silence", True),
        ("control", "page_inbox"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", '1: a recording is expected: {"format": "handover-recording", "version": 1, ...}'),
        ("{}\n", "1: a recording is expected"),
        (
            json.dumps({**heading(APP, PAGE, keep_texts=True), "version": 2}) + "\n",
            "1: version 1 is expected, and it",
        ),
        (json.dumps(heading("", PAGE, keep_texts=True)) + "\n", '1: "app" is expected to be an id'),
    ],
)
def test_what_is_no_recording_is_told_with_file_line_and_what_was_expected(tmp_path, text, said):
    (tmp_path / "it.jsonl").write_text(text)

    with pytest.raises(HandoverError) as caught:
        recording_file.read(tmp_path / "it.jsonl")
    assert f"it.jsonl:{said}" in str(caught.value)


def test_all_broken_lines_are_told_at_once(recorded):
    file = recorded(
        [{"kind": "graf"}, {**says("x"), "n": "1"}, {**sends("x"), "query": 1, "at": None}, says("y")]
    )

    with pytest.raises(HandoverError) as caught:
        recording_file.read(file)
    assert [line.partition("it.jsonl:")[2] for line in str(caught.value).splitlines()] == [
        '2: an object with "kind": "graph" or "webhook" is expected',
        '3: "n" is expected to be a number',
        '4: "at" is expected to be a number',
        '4: "query" is expected to be an object',
    ]


def test_a_last_line_that_a_crash_has_cut_off_is_left_out(recorded):
    file = recorded(GOOD)
    file.write_bytes(file.read_bytes()[:-20])

    assert len(recording_file.read(file).entries) == len(GOOD) - 1


def test_what_cannot_be_played_is_a_line_and_the_rest_is_played(recorded, monkeypatch):
    monkeypatch.setattr(Replay, "_says", lambda self, given, psid: 1 / 0)

    found = differences(recorded([says("hello"), call("nowhere", {}, n=2)]))

    assert (
        "2: this cannot be played: it is not as Meta or a bot would send it (ZeroDivisionError)" in found[0]
    )
    assert "3: POST nowhere: Meta answered 200" in found[1]


def test_the_page_is_the_one_that_the_webhooks_are_about_whatever_the_head_says(recorded):
    file = recorded(GOOD)
    file.write_text(file.read_text().replace(f'"page":"{PAGE}"', '"page":"1"'))

    assert differences(file) == []
