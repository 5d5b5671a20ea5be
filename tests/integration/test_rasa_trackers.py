"""Rasa's own stores, asked for one conversation, and to forget it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
import yaml

from handover_channel.rasa import trackers
from handover_channel.rasa.trackers import TrackerOutOfReach

pytest.importorskip("rasa")
pytestmark = [
    pytest.mark.rasa,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*MovedIn20.*"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.MovedIn20Warning"),
]


@pytest.fixture(params=["sql", pytest.param("redis", marks=pytest.mark.redis)])
def endpoints(request, tmp_path):
    if request.param == "sql":
        store = {"type": "SQL", "dialect": "sqlite", "db": str(tmp_path / "rasa.db")}
    else:
        store = {"type": "redis", "url": "127.0.0.1", "port": request.getfixturevalue("redis").port}
    path = tmp_path / "endpoints.yml"
    path.write_text(yaml.safe_dump({"tracker_store": store}))
    return path


def _says(endpoints, thread, text):
    from rasa.shared.core.events import UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    store = trackers._store(thread, endpoints)
    asyncio.run(store.save(DialogueStateTracker.from_events(thread, [UserUttered(text)])))


def _texts(endpoints, thread):
    return [event.get("text") for event in trackers.events(thread, endpoints)]


def test_a_conversation_is_handed_out_and_deleted_and_others_stay(endpoints):
    _says(endpoints, "7001", "hello")
    _says(endpoints, "7002", "good morning")
    assert _texts(endpoints, "7001") == ["hello"]

    assert trackers.delete("7001", endpoints) == 1

    assert _texts(endpoints, "7001") == []
    assert _texts(endpoints, "7002") == ["good morning"]
    assert trackers.delete("7001", endpoints) == 0


def test_the_command_shows_no_warning_of_rasas(tmp_path):
    database = {"type": "SQL", "dialect": "sqlite", "db": str(tmp_path / "rasa.db")}
    (tmp_path / "endpoints.yml").write_text(yaml.safe_dump({"tracker_store": database}))
    (tmp_path / "handover.yml").write_text('app_id: "1"\n')
    (tmp_path / "credentials.yml").write_text("handover_channel.InboxInput:\n")
    # What pytest's own filters would hide or raise is shown in a process of its own.
    command = [sys.executable, "-m", "handover_channel", "export", "7001"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert done.stderr == ""
    assert json.loads(done.stdout)["tracker"] == {"events": []}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "restart Rasa"),
        ({"tracker_store": {"type": "SQL", "dialect": "postgresql", "url": "127.0.0.1", "port": 1}}, "check"),
        ({"tracker_store": {"type": "no.such.Store"}}, "by hand"),
    ],
)
def test_what_cannot_be_reached_says_what_to_do(tmp_path, given, said):
    path = tmp_path / "endpoints.yml"
    path.write_text(yaml.safe_dump({"action_endpoint": {"url": "http://127.0.0.1:1"}, **given}))

    for ask in (trackers.events, trackers.delete):
        with pytest.raises(TrackerOutOfReach, match=said):
            ask("7001", path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TrackerOutOfReach, match="nowhere.yml is not there"):
        trackers.delete("7001", tmp_path / "nowhere.yml")
