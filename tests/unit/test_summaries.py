"""Tests what the bot is told of the human part at a return, and who words it."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
from datetime import timedelta
from types import ModuleType

import pytest
from play import HOUR, PSID
from urllib3 import HTTPResponse
from urllib3.exceptions import ReadTimeoutError

from handover_channel.control import human_parts, summary_hook
from handover_channel.control.summaries import Summaries
from handover_channel.rules.limits import SUMMARIES_AT_ONCE, SUMMARY_BYTES
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.summary import OUR_NOTE, SummarySettings
from handover_channel.store import agents, transcript
from handover_channel.store.agents import Agent
from handover_channel.store.transcript import AGENT, APP, BOT, PERSON, Line


def part_of(play):
    with play.store.reading() as connection:
        return human_parts.newest(connection, play.settings, PSID)


def line(play, author, text, **more):
    play.clock.passes(1)
    with play.store.writing() as connection:
        transcript.add(connection, PSID, Line(author, text, int(play.clock() * 1000), **more))


def returned(play, reason=ReturnReason.AGENT, who="sara", note=""):
    play.clock.passes(60)
    play.thread_control.return_to_bot(PSID, reason, who=who, note=note, tell=False)
    play.work()


def talked(play):
    """Hand over, talk, return."""
    with play.store.writing() as connection:
        agents.add(connection, Agent("sara", "Sara", "hash"))
    play.hands_over("inbox")
    line(play, PERSON, "where is my money?")
    line(play, BOT, "2 before you")
    line(play, AGENT, "on its way", agent="sara")
    returned(play, note="refund agreed")


# --- what is known of it -------------------------------------------------------------------------


def test_a_human_part_is_what_was_said_between_the_handover_and_the_return(play):
    talked(play)

    part = part_of(play)

    assert [(each.author, each.name, each.text) for each in part.spoken] == [
        ("customer", "", "where is my money?"),
        ("agent", "Sara", "on its way"),
    ]
    assert (part.target, part.reason, part.who, part.note) == ("inbox", "agent", "Sara", "refund agreed")
    assert (part.ended, part.ended - part.began) == (play.clock(), 63.0)


def test_of_two_human_parts_the_newest_counts(play):
    talked(play)
    play.clock.passes(HOUR)
    play.hands_over("sales_bot")
    line(play, APP, "size 42?", app_id="2222")
    returned(play, ReturnReason.PASSED_BACK, who="2222")

    part = part_of(play)

    assert [each.text for each in part.spoken] == ["size 42?"]
    assert (part.target, part.answered_by, part.who) == ("sales_bot", ("sales_bot",), "")


def test_what_is_said_in_a_handover_that_has_begun_since_is_no_part_of_it(play):
    talked(play)
    play.clock.passes(HOUR)
    play.hands_over("inbox")
    line(play, PERSON, "it is me again")

    assert [each.text for each in part_of(play).spoken] == ["where is my money?", "on its way"]


def test_a_handover_that_meta_refused_is_no_human_part(play):
    assert part_of(play) is None
    play.says("hello")

    assert part_of(play) is None


def test_a_message_without_words_is_told_by_what_came(play):
    from handover_channel.messenger.events import Attachment

    play.hands_over("inbox")
    line(play, PERSON, "", attachments=[Attachment("image", "https://example.com/a.png")])
    returned(play)

    assert [each.text for each in part_of(play).spoken] == ["[image]"]


# --- who words it --------------------------------------------------------------------------------


@pytest.fixture
def notes(monkeypatch):
    """A module of the bot's developer, `bot_notes`, to put functions in."""
    module = ModuleType("bot_notes")
    monkeypatch.setitem(sys.modules, "bot_notes", module)
    return module


async def note(play, by, **more):
    """Talk, and return what the slot gets."""
    talked(play)
    return await summaries(play, by, **more).of(PSID)


def summaries(play, by, **more):
    import dataclasses

    settings = dataclasses.replace(play.settings, summary=SummarySettings(by=by, **more))
    return Summaries(settings, play.store)


async def test_our_own_note_needs_nobody(play):
    told = await note(play, OUR_NOTE)

    assert told.startswith("Finished: the human part of this conversation")
    assert '- Sara: "on its way"' in told


async def test_a_thread_that_never_was_with_people_has_no_note(play):
    play.says("hello")

    assert await summaries(play, OUR_NOTE).of(PSID) is None


async def test_a_function_words_it_from_all_that_is_known(play, notes):
    notes.write = lambda part: f"{part['answered_by']} {part['reason']} {len(part['messages'])}"

    first, second = (await note(play, "bot_notes.write")).splitlines()

    assert first.startswith("Finished: ")
    assert second == "['Sara'] agent 2"


async def test_the_function_may_be_a_coroutine(play, notes):
    async def write(part):
        await asyncio.sleep(0)
        return "by and by"

    notes.write = write

    assert (await note(play, "bot_notes.write")).endswith("\nby and by")


async def test_one_human_part_is_worded_once(play, notes):
    asked = []
    notes.write = lambda part: asked.append(part["ended"]) or "once"
    talked(play)
    told = summaries(play, "bot_notes.write")

    assert await told.of(PSID) == await told.of(PSID)
    assert len(asked) == 1


def _raises(part):
    raise RuntimeError(part["messages"][0]["text"])


def _exits(part):
    raise SystemExit(1)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (_raises, "`summary` failed (RuntimeError)"),
        (_exits, "`summary` failed (SystemExit)"),
        (lambda part: None, "answered NoneType without a text"),
        (lambda part: "  ", "answered str without a text"),
        ("no function", "which is no function"),
    ],
)
async def test_a_function_that_fails_leaves_the_bot_our_own_note(play, notes, caplog, write, said):
    notes.write = write

    told = await note(play, "bot_notes.write")

    assert '- Sara: "on its way"' in told
    assert said in caplog.text
    assert "where is my money" not in caplog.text


async def test_what_a_function_writes_can_be_stored_and_sent(play, notes):
    notes.write = lambda part: "They agreed \ud83d\0."

    assert (await note(play, "bot_notes.write")).endswith("\nThey agreed ?.")


@pytest.mark.parametrize("name", ["bot_notes.nothing", "no_such_module.write"])
async def test_a_function_that_is_not_there_leaves_the_bot_our_own_note(play, notes, caplog, name):
    assert '- Sara: "on its way"' in await note(play, name)
    assert f"summary names {name}, which is not there" in caplog.text


async def test_a_function_that_never_returns_holds_up_neither_the_bot_nor_more_than_a_few_threads(
    play, notes, caplog
):
    goes_on, begun = threading.Event(), []

    def write(part):
        begun.append(part)
        goes_on.wait()
        return "late"

    notes.write = write
    talked(play)
    part, settings = part_of(play), SummarySettings(by="bot_notes.write", within=timedelta(milliseconds=1))
    hook = summary_hook.SummaryHook(settings)

    told = [await hook.note(part) for _ in range(SUMMARIES_AT_ONCE.value + 3)]
    goes_on.set()

    assert all('- Sara: "on its way"' in each for each in told)
    assert len(begun) <= SUMMARIES_AT_ONCE.value
    assert "took more than 0.001 seconds" in caplog.text
    assert "calls of `summary` have not returned" in caplog.text


class Endpoint:
    """Takes the place of the network."""

    def __init__(self, status, content):
        self.status, self.content, self.calls = status, content, []

    def urlopen(self, method, url, *, headers, body, **options):
        self.calls.append((method, url, headers, json.loads(body)))
        if isinstance(self.content, Exception):
            raise self.content
        return HTTPResponse(io.BytesIO(self.content), status=self.status, preload_content=False)


ADDRESS = "https://notes.example.com/x?key=hidden"


@pytest.fixture
def endpoint(monkeypatch):
    def made(status, content):
        found = Endpoint(status, content if isinstance(content, Exception) else content.encode())
        monkeypatch.setattr(summary_hook, "_pools", lambda url: found)
        return found

    return made


async def test_an_address_words_it_from_the_same(play, endpoint):
    found = endpoint(200, '{"summary": "They get 20 dollars."}')

    told = await note(play, ADDRESS, token="abc")

    ((method, url, headers, body),) = found.calls
    assert told.endswith("\nThey get 20 dollars.")
    assert (method, url, headers["Authorization"]) == ("POST", ADDRESS, "Bearer abc")
    assert [each["text"] for each in body["messages"]] == ["where is my money?", "on its way"]
    assert (body["thread"], body["note"]) == (PSID, "refund agreed")


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (500, "{}", "answered 500"),
        (302, "", "answered 302"),
        (200, "<html>", "answered no JSON"),
        (200, "[1]", "answered no JSON"),
        (200, "[" * 100_000, "answered more than"),
        (200, "{}", "answered NoneType without a text"),
        (200, "x" * (SUMMARY_BYTES.value + 1), "answered more than 65536 bytes"),
        (200, ReadTimeoutError(None, ADDRESS, "hidden"), "was not reached (ReadTimeoutError)"),
        (200, ValueError("hidden"), "was not reached (ValueError)"),
    ],
)
async def test_an_address_that_fails_leaves_the_bot_our_own_note(
    play, endpoint, caplog, status, content, said
):
    endpoint(status, content)

    told = await note(play, ADDRESS)

    assert '- Sara: "on its way"' in told
    assert said in caplog.text
    assert "hidden" not in caplog.text
