"""Whatever stands in a recording, it is played, or refused in words."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handover_channel.errors import HandoverError
from handover_channel.recording import as_scenario, recording_file
from handover_channel.recording.recording_file import heading
from handover_channel.testing.scenario import read

APP, PAGE, PSID = "9000000000000001", "9000000000000002", "9000000000000003"
IDS = st.sampled_from([PSID, APP, PAGE, "263902037430900", "2222", "", 5])
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "message",
        "postback",
        "referral",
        "reaction",
        "optin",
        "read",
        "pass_thread_control",
        "take_thread_control",
    ]
    + ["request_thread_control", "app_roles"]
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(max_size=5) | ANY,
        "is_echo": st.booleans(),
        "app_id": IDS,
        "attachments": ANY,
        "quick_reply": ANY,
        "payload": ANY,
        "title": ANY,
        "previous_owner_app_id": IDS,
        "new_owner_app_id": IDS,
        "requested_owner_app_id": IDS,
    },
)
ITEMS = st.builds(
    lambda sender, key, part: {"sender": {"id": sender}, "recipient": {"id": PAGE}, key: part},
    IDS,
    KEYS,
    PARTS | ANY,
)
BODIES = st.builds(
    lambda channel, items: {"entry": [{channel: items}]},
    st.sampled_from(["messaging", "standby"]),
    st.lists(ITEMS | ANY, max_size=3),
)
EDGES = st.sampled_from(
    ["messages", "thread_owner", "pass_thread_control", "take_thread_control", "", "x/y", "?"]
)
ASKED = {"recipient": st.just({"id": PSID}) | ANY, "message": ANY, "target_app_id": ANY}
CALLS = st.builds(
    lambda method, edge, more: {"kind": "graph", "method": method, "path": f"/v27.0/me/{edge}", **more},
    st.sampled_from(["GET", "POST", "DELETE", "", "get"]),
    EDGES,
    st.fixed_dictionaries(
        {
            "query": st.dictionaries(
                st.sampled_from(["recipient", "fields", "ids", "method", "x"]), ANY, max_size=3
            ),
            "body": st.fixed_dictionaries({}, optional=ASKED) | ANY,
            "answer": ANY,
        }
    ),
)
LINES = st.builds(
    lambda facts, n, at, status: {**facts, "n": n, "at": at, "status": status},
    CALLS | BODIES.map(lambda body: {"kind": "webhook", "body": body}),
    st.integers(),
    st.integers(0, 2 * 10**12) | st.integers(),
    st.sampled_from([200, 400, None]),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(LINES, max_size=5) | st.lists(LINES | ANY, max_size=3))
def test_it_is_refused_in_words_or_played_and_what_it_becomes_is_a_scenario(lines):
    with tempfile.TemporaryDirectory() as folder:
        file, scenario = Path(folder, "it.jsonl"), Path(folder, "it.yml")
        whole = [heading(APP, PAGE, keep_texts=True), *lines]
        file.write_text("".join(json.dumps(line) + "\n" for line in whole))
        with contextlib.suppress(HandoverError):
            as_scenario.write(recording_file.read(file), scenario)
            if "scenarios:" in scenario.read_text(encoding="utf-8"):
                read(scenario)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_recording_are_refused_in_words(content):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "it.jsonl").write_bytes(content)
        with contextlib.suppress(HandoverError):
            recording_file.read(Path(folder, "it.jsonl"))
