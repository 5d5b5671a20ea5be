"""Whatever lies in a bot's folder, the doctor reports: no check breaks, and no secret is in what it says."""

from __future__ import annotations

import json

import bots
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handover_channel.doctor import action_server, rasa_stores
from handover_channel.doctor.report import to_json
from handover_channel.doctor.run import examine

SECRET = "s3cr3t-VALUE"

#: All but those of Meta's, which have tests of their own.
OURS = [
    "settings",
    "channels",
    "model",
    "action_server",
    "tracker_store",
    "lock_store",
    "database",
    "versions",
]

FAULT_OF_OURS = "the check itself failed"

KEYS = st.sampled_from(
    [
        *("action_endpoint", "tracker_store", "lock_store", "models", "url", "type", "facebook", "socketio"),
        *("session_persistence", "handover_channel.InboxInput", "handover_channel.MessengerInput", "app_id"),
        *("database", "targets", "lookup", "rules", "nodes", "predict_schema", "domain", "intents", "slots"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | KEYS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4)
    ),
)
TEXTS = VALUES.map(lambda value: yaml.safe_dump(value)) | st.text(max_size=30)


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch):
    monkeypatch.setattr(action_server, "registered_at", lambda url: ())
    monkeypatch.setattr(rasa_stores, "_import", lambda facts, path: rasa_stores.Kind.NOT_FOUND)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return bots.make(tmp_path_factory.mktemp("bot"))


hostile = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@hostile
@given(text=TEXTS, name=st.sampled_from(["handover.yml", "credentials.yml", "endpoints.yml"]))
def test_whatever_a_file_holds_every_check_comes_to_an_end(folder, text, name):
    before = (folder / name).read_bytes()
    (folder / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        report = examine(bots.facts(folder), only=OURS)
    finally:
        (folder / name).write_bytes(before)

    assert not [each for each in report.results if FAULT_OF_OURS in each.line]
    json.dumps(to_json(report))


@hostile
@given(domain=VALUES, policies=st.lists(st.text(max_size=5), max_size=2), rules=VALUES)
def test_whatever_a_model_holds_every_check_comes_to_an_end(folder, domain, policies, rules):
    try:
        bots.train(folder, domain=domain, policies=policies, rules=rules)
        report = examine(bots.facts(folder), only=OURS)
    finally:
        bots.train(folder)

    assert not [each for each in report.results if FAULT_OF_OURS in each.line]


# --- secrets -----------------------------------------------------------------------------------------


def keyed(value):
    return dict.fromkeys(("url", "password", "username", "token", "db", "host", "login_db"), value)


FILES = {
    "endpoints.yml": {
        "action_endpoint": {"url": f"http://u:{SECRET}@127.0.0.1:9/webhook?token={SECRET}", "token": SECRET},
        "tracker_store": {"type": "nowhere.Store", **keyed(SECRET)},
        "lock_store": {"type": "nowhere.Locks", **keyed(SECRET)},
        "event_broker": keyed(SECRET),
    },
    "credentials.yml": {
        "handover_channel.MessengerInput": {"verify": SECRET, "secret": SECRET, "page-access-token": SECRET},
        "facebook": {"verify": SECRET, "secret": SECRET, "page-access-token": SECRET},
        "socketio": {"jwt_key": SECRET},
    },
    "handover.yml": {
        **bots.FILES["handover.yml"],
        "database": f"postgresql://u:{SECRET}@127.0.0.1:1/x?options={SECRET}",
        "page_access_token": f"{SECRET}-2",
    },
}


@pytest.mark.parametrize("spoilt", ["", "handover.yml", "credentials.yml", "endpoints.yml"])
@pytest.mark.parametrize("how", ["{}: [", "'", "{}\n- {}"])
def test_no_secret_of_any_file_is_in_any_report(tmp_path, spoilt, how, caplog):
    bots.make(tmp_path)
    for name, content in FILES.items():
        text = yaml.safe_dump(content)
        (tmp_path / name).write_text(
            text + how.replace("{}", SECRET) if name == spoilt else text, encoding="utf-8"
        )
    (tmp_path / "models" / "bot.tar.gz").write_text(SECRET, encoding="utf-8")

    with caplog.at_level("DEBUG"):
        report = examine(
            bots.facts(tmp_path, {"SANIC_WORKERS": SECRET, "HANDOVER_CONFIG": SECRET}, seconds=10)
        )

    said = json.dumps(to_json(report)) + caplog.text
    assert report.exit_code == 1
    assert SECRET not in said
