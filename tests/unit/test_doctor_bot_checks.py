"""Tests what the doctor finds in a bot's folder: each finding, and a bot that has everything."""

from __future__ import annotations

import os

import bots
import pytest
import requests
import yaml
from rasa_commands import ROOT

from handover_channel.doctor import action_server, bot_files, tracker_place
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.return_checks import names_a_bot
from handover_channel.doctor.run import examine
from handover_channel.project_setup.phrases import PHRASES_OF_LANGUAGE
from handover_channel.rules.bot_contract import (
    HANDOVER_ACTION,
    RETURN_ACTION,
    RETURNED_RESPONSE,
    SUMMARY_SLOT,
)

OFFERED = (HANDOVER_ACTION, RETURN_ACTION, "action_own")


@pytest.fixture(autouse=True)
def answering(monkeypatch):
    """The action server answers, and the tracker store."""
    monkeypatch.setattr(action_server, "registered_at", lambda url: OFFERED)
    monkeypatch.setattr(tracker_place, "answers", lambda at, seconds: True)


def look(folder, *only, environ=None, **more):
    report = examine(bots.facts(folder, environ, **more), only=only)
    return [(each.status.value, each.line) for each in report.results]


def one(folder, *only, **more):
    (found,) = look(folder, *only, **more)
    return found


def test_nothing_is_wrong_with_a_bot_that_has_everything(tmp_path):
    bots.make(tmp_path)

    report = examine(
        bots.facts(tmp_path), only=["channels", "model", "action_server", "tracker_store", "lock_store"]
    )

    assert {each.status.value for each in report.results} == {"ok"}
    assert len(report.results) == 14
    assert report.exit_code == 0


# --- what the bot says and knows after a return -------------------------------------------------------


def says_at_a_return(folder, *texts):
    bots.make(folder)
    returned = [{"text": each} for each in texts]
    bots.train(
        folder, domain={**bots.DOMAIN, "responses": {**bots.DOMAIN["responses"], RETURNED_RESPONSE: returned}}
    )
    return one(folder, "model.names_the_bot")


@pytest.mark.parametrize("code", PHRASES_OF_LANGUAGE)
def test_the_texts_that_init_writes_name_the_bot(tmp_path, code):
    status, _ = says_at_a_return(tmp_path, PHRASES_OF_LANGUAGE[code].returned)

    assert status == "ok"


def test_every_text_of_a_return_of_the_example_bot_names_it(tmp_path):
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))

    assert [
        each["text"] for each in domain["responses"][RETURNED_RESPONSE] if not names_a_bot(each["text"])
    ] == []


@pytest.mark.parametrize(
    "text",
    ["I am back. How can I assist you?", "أعادك زميلي إليّ. هل هناك شيء آخر؟", "Me revoilà, j'ai tout lu"],
)
def test_a_text_of_a_return_that_names_no_bot_is_a_note_and_no_error(tmp_path, text):
    status, line = says_at_a_return(tmp_path, "The bot is back.", text)

    assert status == "warn"
    assert text in line
    assert "Article 50(1)" in line
    assert examine(bots.facts(tmp_path), only=["model.names_the_bot"]).exit_code == 0


def test_a_note_of_the_human_part_without_a_slot_for_it_is_found(tmp_path):
    bots.make(tmp_path, handover_yml={**bots.FILES["handover.yml"], "summary": True})

    status, line = one(tmp_path, "model.summary")
    assert status == "warn"
    assert "the domain lacks handover_summary" in line

    slots = {**bots.DOMAIN["slots"], SUMMARY_SLOT: {}}
    bots.train(tmp_path, domain={**bots.DOMAIN, "slots": slots})
    assert one(tmp_path, "model.summary")[0] == "ok"


def test_without_the_note_nobody_looks_for_its_slot(tmp_path):
    bots.make(tmp_path)

    assert look(tmp_path, "model.summary") == []


# --- channels ----------------------------------------------------------------------------------------


def test_rasas_own_channel_is_found(tmp_path):
    bots.make(tmp_path, credentials_yml={"facebook": {"verify": "v"}, "handover_channel.InboxInput": None})

    status, line = one(tmp_path, "channels.facebook")

    assert status == "fail"
    assert "rename the block facebook to handover_channel.MessengerInput" in line


def test_a_bot_without_a_channel_of_ours_is_found(tmp_path):
    bots.make(tmp_path, credentials_yml=bots.NO_CHANNELS)

    assert one(tmp_path, "channels.there")[0] == "warn"


@pytest.mark.parametrize(("installed", "status"), [((5, 9), "ok"), ((5, 10), "fail"), ((), "ok")])
def test_socketio_that_reaches_nobody_is_found(tmp_path, monkeypatch, installed, status):
    bots.make(tmp_path, credentials_yml={"socketio": {"session_persistence": True}})
    monkeypatch.setattr(bot_files, "_version", lambda package: installed)

    assert one(tmp_path, "channels.socketio")[0] == status


# --- the model ---------------------------------------------------------------------------------------


def test_a_bot_without_a_model_is_told_to_train(tmp_path):
    (bots.make(tmp_path) / "models" / "bot.tar.gz").unlink()

    found = look(tmp_path, "model")

    assert found[0] == (
        "fail",
        "there is no model in models: Rasa starts without a model, and answers nobody -> run `rasa train`",
    )
    assert {status for status, _ in found[1:]} == {"could_not_look"}


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00\x00"])
def test_a_model_that_cannot_be_read_is_found(tmp_path, content):
    (bots.make(tmp_path) / "models" / "bot.tar.gz").write_bytes(content)

    status, line = one(tmp_path, "model.there")

    assert status == "fail"
    assert "bot.tar.gz cannot be read" in line
    assert one(tmp_path, "model.policy")[0] == "could_not_look"


def test_a_model_that_is_cut_off_is_found(tmp_path):
    path = bots.make(tmp_path) / "models" / "bot.tar.gz"
    path.write_bytes(path.read_bytes()[:-40])

    assert one(tmp_path, "model.there")[0] == "fail"


@pytest.mark.parametrize("domain", [None, [], "x"])
def test_an_archive_that_is_no_model_is_found(tmp_path, domain):
    bots.train(bots.make(tmp_path), domain=domain)

    assert "is no model of Rasa 3" in one(tmp_path, "model.there")[1]


def test_a_model_of_a_server_is_not_looked_at(tmp_path):
    bots.make(tmp_path, endpoints_yml={"models": {"url": "http://models/bot"}})

    assert [status for status, _ in look(tmp_path, "model")] == ["could_not_look"]


def test_the_newest_model_is_the_one_that_is_looked_at(tmp_path):
    bots.train(bots.make(tmp_path), name="older", policies=(), at=1500)

    assert "bot.tar.gz" in one(tmp_path, "model.there")[1]
    assert one(tmp_path, "model.policy")[0] == "ok"


def test_a_model_that_is_older_than_its_data_is_found(tmp_path):
    bots.make(tmp_path)
    os.utime(tmp_path / "data" / "rules.yml", (3000, 3000))

    status, line = one(tmp_path, "model.newer_than_data")

    assert status == "warn"
    assert "newer than the model bot.tar.gz: data/rules.yml" in line


def test_of_many_newer_files_a_few_are_named(tmp_path):
    bots.make(tmp_path)
    for each in "abcde":
        (tmp_path / "data" / f"{each}.yml").write_text("", encoding="utf-8")

    assert "data/a.yml, data/b.yml, data/c.yml, …" in one(tmp_path, "model.newer_than_data")[1]


def without(section, name):
    kept = bots.DOMAIN[section]
    if isinstance(kept, dict):
        return {**bots.DOMAIN, section: {each: kept[each] for each in kept if each != name}}
    return {**bots.DOMAIN, section: [each for each in kept if each != name]}


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("intents", "handover_returned"),
        ("slots", "handover_until"),
        ("actions", "action_handover_return"),
        ("responses", "utter_handover_failed"),
    ],
)
def test_what_the_domain_lacks_is_named(tmp_path, section, name):
    bots.train(bots.make(tmp_path), domain=without(section, name))

    status, line = one(tmp_path, "model.intents")

    assert status == "fail"
    assert f" {name}: " in line


def test_a_model_without_our_policy_is_found(tmp_path):
    bots.train(bots.make(tmp_path), policies=bots.POLICIES[:1])

    assert one(tmp_path, "model.policy")[0] == "fail"


def test_a_policy_that_is_made_of_ours_counts(tmp_path):
    bots.train(bots.make(tmp_path), policies=("policies.OwnHandoverPolicy",))

    assert one(tmp_path, "model.policy")[0] == "ok"


@pytest.mark.parametrize(
    ("policies", "status"),
    [(bots.POLICIES, "fail"), ((*bots.POLICIES, "rasa.core.policies.memoization.MemoizationPolicy"), "ok")],
)
def test_rules_that_lead_nowhere_are_found_unless_another_policy_could(tmp_path, policies, status):
    bots.train(bots.make(tmp_path), policies=policies, rules={"a": "utter_greet"})

    assert one(tmp_path, "model.rules")[0] == status


def test_an_intent_of_the_bots_own_is_the_one_that_is_looked_for(tmp_path):
    handover = {**bots.FILES["handover.yml"], "handover_intents": ["to_people"]}
    domain = {**bots.DOMAIN, "intents": ["to_people", "handover_returned"]}
    bots.train(bots.make(tmp_path, handover_yml=handover), domain=domain)

    assert one(tmp_path, "model.intents")[0] == "ok"


# --- the action server -------------------------------------------------------------------------------


def test_a_bot_that_knows_no_action_server_is_found(tmp_path):
    bots.make(tmp_path, endpoints_yml={})

    found = look(tmp_path, "action_server")

    assert [status for status, _ in found] == ["fail"]
    assert "endpoints.yml has no action_endpoint" in found[0][1]


def test_an_action_server_that_is_not_there_is_found_once(tmp_path, monkeypatch):
    def refused(url):
        raise requests.ConnectionError

    monkeypatch.setattr(action_server, "registered_at", refused)
    bots.make(tmp_path)

    assert [status for status, _ in look(tmp_path, "action_server")] == ["ok", "fail", "could_not_look"]


def test_an_action_server_without_our_actions_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(action_server, "registered_at", lambda url: ["action_own"])
    bots.make(tmp_path)

    status, line = one(tmp_path, "action_server.actions")

    assert status == "fail"
    assert "does not have action_handover, action_handover_return" in line


# --- where Rasa keeps conversations and locks --------------------------------------------------------

OWN_STORE = "class OwnStore: pass\nnot_a_class = 1\n"


def endpoints(**stores):
    return {**bots.FILES["endpoints.yml"], **stores}


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"type": "sql"}, "ok", "kept by sql"),
        ({"type": "Redis"}, "ok", "kept by Redis"),
        ({"url": "db"}, "fail", "has no `type`"),
        (None, "warn", "in memory"),
    ],
)
def test_conversations_in_memory_are_found(tmp_path, given, status, words):
    bots.make(tmp_path, endpoints_yml=endpoints(tracker_store=given))

    found, line = one(tmp_path, "tracker_store.path")

    assert (found, words in line) == (status, True)


@pytest.mark.parametrize(
    ("store", "status", "words"),
    [
        ({"type": "SQL", "dialect": "sqlite", "db": "nowhere/rasa.db"}, "fail", "/nowhere for the file"),
        ({"type": "SQL", "db": "/nowhere/at/all/rasa.db"}, "fail", "no folder /nowhere/at/all"),
        ({"type": "SQL", "db": "data/rasa.db"}, "ok", "kept by SQL"),
        ({"type": "SQL", "db": ":memory:"}, "ok", "kept by SQL"),
        ({"type": "SQL", "dialect": "postgresql", "url": "db.test"}, "fail", "answers at db.test:5432"),
        ({"type": "SQL", "dialect": "postgresql+psycopg2", "url": "db:7"}, "fail", "answers at db:7"),
        ({"type": "SQL", "dialect": "postgresql", "url": "postgresql://u:p@db/x"}, "fail", "at db:5432"),
        ({"type": "redis"}, "fail", "answers at localhost:6379"),
        ({"type": "redis", "url": "cache", "port": "6380"}, "fail", "answers at cache:6380"),
        ({"type": "mongod", "url": "mongodb://u:p@docs:27018"}, "fail", "answers at docs:27018"),
        ({"type": "mongod", "url": "mongodb://one,two"}, "ok", "kept by mongod"),
        ({"type": "mongod", "url": "mongodb+srv://cluster"}, "ok", "kept by mongod"),
        ({"type": "mongod", "url": "mongodb://[", "port": 1}, "ok", "kept by mongod"),
        ({"type": "dynamo"}, "ok", "kept by dynamo"),
    ],
)
def test_a_tracker_store_that_is_not_where_it_should_be_is_found(tmp_path, monkeypatch, store, status, words):
    monkeypatch.setattr(tracker_place, "answers", lambda at, seconds: False)
    bots.make(tmp_path, endpoints_yml=endpoints(tracker_store=store))

    found, line = one(tmp_path, "tracker_store.path")

    assert (found, words in line) == (status, True)
    assert "u:p" not in line


def test_a_tracker_store_that_answers_is_well(tmp_path, monkeypatch):
    monkeypatch.setattr(tracker_place, "answers", lambda at, seconds: at == ("db", 5432))
    store = {"type": "SQL", "dialect": "postgresql", "url": "db"}
    bots.make(tmp_path, endpoints_yml=endpoints(tracker_store=store))

    assert one(tmp_path, "tracker_store.path")[0] == "ok"


@pytest.mark.rasa
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("own.OwnStore", "ok"),
        ("own.NoStore", "fail"),
        ("own.not_a_class", "fail"),
        ("mongodb", "fail"),  # Rasa's word is mongod
        ("nowhere.OwnStore", "fail"),
        ("broken.OwnStore", "could_not_look"),
    ],
)
def test_a_class_that_cannot_be_imported_is_conversations_in_memory(tmp_path, path, status):
    bots.make(tmp_path, endpoints_yml=endpoints(tracker_store={"type": path}))
    (tmp_path / "own.py").write_text(OWN_STORE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("1 / 0\n", encoding="utf-8")

    assert one(tmp_path, "tracker_store.path")[0] == status


@pytest.mark.parametrize(
    ("workers", "stores", "status", "words"),
    [
        ("", {}, "warn", "is no number"),
        ("four", {}, "warn", "is no number"),
        ("4", {}, "warn", "is 4, and Rasa starts one process"),
        ("4", {"lock_store": {"type": "in_memory"}}, "warn", "starts one process"),
        ("4", {"lock_store": {"url": "redis"}}, "fail", "has no `type`"),
        ("4", {"lock_store": {"type": "redis"}, "tracker_store": None}, "fail", "of 4 processes each"),
        ("4", {"lock_store": {"type": "redis"}}, "ok", "shared"),
        ("1", {"lock_store": {"url": "redis"}}, "ok", "one process"),
    ],
)
def test_locks_that_do_not_suit_the_processes_are_found(tmp_path, workers, stores, status, words):
    bots.make(tmp_path, endpoints_yml=endpoints(**stores))

    found, line = one(tmp_path, "lock_store.workers", environ={"SANIC_WORKERS": workers})

    assert (found, words in line) == (status, True)


@pytest.mark.rasa
def test_a_lock_store_that_rasa_does_not_find_is_found(tmp_path):
    bots.make(tmp_path, endpoints_yml=endpoints(lock_store={"type": "nowhere.Locks"}))

    assert one(tmp_path, "lock_store.workers")[0] == "fail"


def test_what_needs_variables_that_are_not_set_is_not_looked_at(tmp_path):
    bots.make(tmp_path, endpoints_yml="action_endpoint:\n  url: http://${ACTIONS}:5055/webhook\n")

    found = look(tmp_path, "action_server")

    assert {status for status, _ in found} == {"could_not_look"}
    assert "variables that endpoints.yml needs are not set: ACTIONS" in found[0][1]
    given = look(tmp_path, "action_server", environ={"ACTIONS": "actions"})
    assert {status for status, _ in given} == {"ok"}


def test_the_bot_is_looked_for_where_the_command_is_typed(tmp_path, monkeypatch):
    bot, settings = bots.make(tmp_path / "bot"), tmp_path / "settings"
    settings.mkdir()
    (bot / "handover.yml").rename(settings / "handover.yml")
    monkeypatch.chdir(bot)

    facts = Facts(environ={"HANDOVER_CONFIG": str(settings / "handover.yml")})

    assert (facts.config.parent, facts.folder) == (settings, bot)
    assert examine(facts, only=["model.there"]).exit_code == 0


UNREADABLE = ["- a list\n", "a: [", "'", "a:\n\tb: 1\n"]


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_file_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path, text):
    bots.make(tmp_path, endpoints_yml=text)

    assert one(tmp_path, "tracker_store.path") == (
        "could_not_look",
        "the file endpoints.yml cannot be read -> see the check `files.readable`",
    )


@pytest.mark.parametrize("text", [*UNREADABLE, "a: 1\na: 2\n"])
@pytest.mark.parametrize("name", ["config.yml", "domain.yml", "endpoints.yml", "credentials.yml"])
def test_a_file_that_rasa_cannot_read_is_wrong_and_named(tmp_path, name, text):
    bots.make(tmp_path, **{name.replace(".", "_"): text})

    found = [each for each in look(tmp_path, "settings", "files") if each[0] != "ok"]

    assert {status for status, _ in found} == {"fail"}
    assert any(f"{name}: line " in line or f"{name}: holds no keys" in line for _, line in found)


def test_files_that_are_not_there_are_not_unreadable(tmp_path):
    assert one(tmp_path, "files.readable")[0] == "ok"
