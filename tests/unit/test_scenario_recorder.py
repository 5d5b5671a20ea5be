"""Tests that what happens becomes a scenario to play: recorded with a bot of a few lines."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
from echo_bot import EchoBot
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.errors import HandoverError
from handover_channel.recording import scenario_recorder, whole_file
from handover_channel.recording.scenario_recorder import ScenarioRecorder
from handover_channel.recording.scenario_text import Line, Remark, ScenarioText, written
from handover_channel.testing.conversation import Conversation
from handover_channel.testing.people import OtherApp, Person, Staff
from handover_channel.testing.player import play
from handover_channel.testing.scenario import parse, read

FILE = Path("it.yml")


@pytest.fixture
def bot():
    return EchoBot()


@pytest.fixture
def recorder(bot, tmp_path):
    recorder = ScenarioRecorder(bot.page, tmp_path / "it.yml")
    yield recorder
    recorder.close()


def steps(recorder, tmp_path):
    recorder.flush()
    (scenario,) = read(tmp_path / "it.yml")
    return [(step.kind, step.value, *step.options.values()) for step in scenario.steps]


def test_a_conversation_becomes_a_scenario_that_passes_and_fails_with_another_bot(bot, recorder, tmp_path):
    person = Person(Conversation(bot))
    person.says("hello")
    person.says("sales")
    OtherApp(person.conversation, "sales_bot").says("In blue?")
    person.says("in green")
    person.taps("Back to Bot")
    recorder.close()
    text = (tmp_path / "it.yml").read_text()

    assert "- other_app: sales_bot\n        says: In blue?\n      - silence" in text
    assert 'buttons: ["Back to Bot"]\n      - control: sales_bot' in text
    (scenario,) = parse(text, FILE)
    assert not play(bot, scenario).failed, text
    other = EchoBot()
    other.says = lambda text: [text]
    assert play(other, scenario).failed


def test_acts_of_people_staff_apps_and_faults_are_steps(bot, recorder, tmp_path):
    conversation = Conversation(bot)
    person = Person(conversation)
    person.says("hello")
    person.sends("image", "https://example.com/a.png")
    person.comes_by("summer")
    person.chooses("/start")
    bot.page.fault("code_2", call="messages", thread=conversation.psid)
    bot.page.set_default_app(None)
    Staff(conversation, "page_inbox").replies("Sam here")
    Staff(conversation, "page_inbox").done()

    kinds = [each for each in steps(recorder, tmp_path) if each[0] not in ("reply", "silence", "control")]

    assert kinds == [
        ("person", "hello"),
        ("sends", "image", "https://example.com/a.png"),
        ("comes_by", "summer"),
        ("chooses", "/start"),
        ("fault", "code_2", "messages"),
        ("default_app", "none"),
        ("staff", "page_inbox", "Sam here"),
        ("staff", "page_inbox", "done"),
    ]


def test_what_meta_refuses_another_app_is_recorded_with_its_refusal(bot, recorder, tmp_path):
    person = Person(Conversation(bot))
    person.says("hello")
    bot.page.app("bot").passes(person.conversation.psid, "bot")
    bot.page.app("sales_bot").passes(person.conversation.psid, "bot", "mine")
    bot.page.app("sales_bot").says(person.conversation.psid, "psst")

    found = [each for each in steps(recorder, tmp_path) if each[0] == "other_app"]

    assert [each[:3] for each in found] == [
        ("other_app", "sales_bot", "passes_back"),
        ("other_app", "sales_bot", "psst"),
    ]
    assert "not the thread owner" in found[0][-1]
    assert "another app is controlling" in found[1][-1]


def test_each_person_has_a_scenario_of_their_own(bot, recorder, tmp_path):
    for text in ("one", "two"):
        Person(Conversation(bot)).says(text)
    recorder.flush()

    assert [each.name for each in read(tmp_path / "it.yml")] == ["conversation 1", "conversation 2"]


def test_all_is_in_the_file_as_it_happens_without_an_end(bot, recorder, tmp_path):
    person = Person(Conversation(bot))
    for text in ("one", "two"):
        person.says(text)
        until = time.monotonic() + 30
        while f"reply: You said {text}" not in (tmp_path / "it.yml").read_text():
            assert time.monotonic() < until, "it is not written"
            time.sleep(0.02)


def test_a_file_that_is_there_is_refused_unless_it_may_be_overwritten(bot, tmp_path):
    (tmp_path / "it.yml").write_text("mine")

    with pytest.raises(HandoverError, match="is there already -> give another name, or add --overwrite"):
        ScenarioRecorder(bot.page, tmp_path / "it.yml")
    assert (tmp_path / "it.yml").read_text() == "mine"

    ScenarioRecorder(bot.page, tmp_path / "it.yml", over=True).close()
    assert (tmp_path / "it.yml").read_text().startswith("# Recorded")


def test_a_file_that_cannot_be_written_is_told_once_and_has_all_as_soon_as_it_can(
    bot, recorder, tmp_path, monkeypatch, caplog
):
    def full(path, text):
        raise OSError(28, "No space left on device")

    person = Person(Conversation(bot))
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(scenario_recorder.whole_file, "replace", full)
        for text in ("one", "two"):
            person.says(text)
            recorder.flush()
    assert [each.getMessage().endswith("(No space left on device).") for each in caplog.records] == [True]

    person.says("three")

    assert [each[1] for each in steps(recorder, tmp_path) if each[0] == "person"] == ["one", "two", "three"]


def test_a_crash_while_the_file_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    whole_file.replace(tmp_path / "it.yml", "before")
    monkeypatch.setattr(whole_file.os, "fsync", lambda number: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        whole_file.replace(tmp_path / "it.yml", "after")

    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_whatever_people_write_is_read_back_as_they_wrote_it(texts):
    lines = [Line("person", text) for text in texts]
    replies = [Line("reply", "x", {"buttons": texts}), Remark(texts[0])]

    (found,) = parse(written([ScenarioText(texts[0], [*lines, *replies])]), FILE)

    expected = [text.encode("utf-8", "replace").decode() for text in texts]
    *people, reply = found.steps
    assert [step.value for step in people] == expected
    assert reply.options["buttons"] == expected


def test_what_happens_on_another_page_is_a_scenario_that_goes_there_first(tmp_path):
    bot = EchoBot("Garden Shop")
    recorder = ScenarioRecorder(bot.page, tmp_path / "it.yml")
    here = Person(Conversation(bot))
    there = here.on("Garden Shop")
    here.says("hello")
    there.says("sales")
    OtherApp(there.conversation, "sales_bot").says("In blue?")
    bot.page.page("Garden Shop").set_default_app(None)
    here.says("and now?")
    recorder.close()

    first, second = read(tmp_path / "it.yml")
    assert [step.value for step in first.steps] == [
        *("hello", "You said hello"),
        *("and now?", "You said and now?", "bot"),
    ]
    assert [(step.kind, step.value) for step in second.steps[:3]] == [
        ("page", "Garden Shop"),
        ("person", "sales"),
        ("reply", "One moment"),
    ]
    assert ("default_app", "none") in [(step.kind, step.value) for step in second.steps]
    assert not play(EchoBot("Garden Shop"), second).failed
