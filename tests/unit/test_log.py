"""Tests what the log tells, and what it must never tell: secrets, and what people wrote."""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from play import NO_TAKING, OUTAGE, PSID, SALES_BOT, Play

import handover_channel
from handover_channel import log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import (
    GraphError,
    HandoverRefused,
    InvalidSignature,
    MalformedWebhook,
    TokenRefused,
)
from handover_channel.messenger import custom_json, messages, webhook
from handover_channel.queue.event_handlers import EventHandlers
from handover_channel.queue.worker import Worker
from handover_channel.replies.service import AgentReplies

WORDS = "my-card-is-4929-0000"
TOKEN = "demo-page-token"
SECRETS = (TOKEN, "demo-app-secret", WORDS)
SOON = 20

logger = log.logger("handover_channel.test")


@pytest.fixture(autouse=True)
def everything(caplog):
    caplog.set_level(logging.DEBUG)


def fields(record):
    return getattr(record, "thread_id", None), getattr(record, "delivery_id", None)


def said(caplog):
    """All that a formatter could write of any record, tracebacks among it."""
    form = logging.Formatter("%(message)s")
    ours = [record for record in caplog.records if record.name.startswith(("handover_channel", "urllib3"))]
    return "\n".join(form.format(record) + str(vars(record)) for record in ours)


# --- fields -----------------------------------------------------------------------------------------


def test_a_line_carries_what_the_work_is_about(caplog):
    with log.about(PSID, 17):
        logger.warning("something")
        with log.about("7002"):
            logger.warning("something else")
        logger.warning("back")
    logger.warning("after")

    assert [fields(record) for record in caplog.records] == [
        (PSID, 17),
        ("7002", None),
        (PSID, 17),
        (None, None),
    ]


def test_work_that_goes_on_elsewhere_is_about_the_same(caplog):
    with log.about(PSID, 17):
        fields_there = log.present()
    with log.resumed(fields_there):
        logger.warning("something")

    assert fields(caplog.records[0]) == (PSID, 17)
    assert log.present() == {}


def test_fields_of_the_line_itself_stand(caplog):
    with log.about(PSID):
        logger.warning("something", extra={"thread_id": "7002", "more": 1})

    assert (caplog.records[0].thread_id, caplog.records[0].more) == ("7002", 1)


def test_work_in_another_thread_is_about_the_same(caplog):
    with ThreadPoolExecutor(1) as pool, log.about(PSID, 17):
        pool.submit(log.carried(logger.warning), "something").result()

    assert fields(caplog.records[0]) == (PSID, 17)
    assert caplog.records[0].thread != threading.get_ident()


async def test_conversations_side_by_side_keep_their_fields_apart(caplog):
    async def work(thread):
        with log.about(thread):
            await asyncio.sleep(0)
            logger.warning("something %s", thread)

    await asyncio.gather(*(work(thread) for thread in "abc"))

    assert {(record.args[0], record.thread_id) for record in caplog.records} == {(x, x) for x in "abc"}


def test_a_task_that_is_thrown_away_is_no_error():
    about = log.about(PSID)
    log.carried(about.__enter__)()

    about.__exit__(None, None, None)


def test_a_line_points_to_where_it_was_written(caplog):
    logger.warning("something")

    assert caplog.records[0].filename == Path(__file__).name


# --- errors -----------------------------------------------------------------------------------------


def parse(text):
    raise ValueError(f"cannot parse {text}")


def caught(function, *given):
    try:
        function(*given)
    except Exception as error:
        return error


def test_an_error_that_is_not_ours_is_told_by_kind_and_place_only():
    told = log.trace(caught(parse, WORDS))

    assert "ValueError" in told
    assert "test_log.py" in told
    assert "in parse" in told
    assert WORDS not in told


def test_an_error_of_ours_is_told_with_its_text():
    assert "HandoverRefused: no target" in log.trace(caught(refuse))


def refuse():
    raise HandoverRefused("no target")


def wrap(text):
    try:
        parse(text)
    except ValueError as error:
        raise RuntimeError(f"turn failed: {text}") from error


def wrap_silently(text):
    try:
        parse(text)
    except ValueError:
        raise RuntimeError(text) from None


def test_the_cause_is_told_as_well():
    told = log.trace(caught(wrap, WORDS))

    assert told.index("RuntimeError") < told.index("ValueError")
    assert WORDS not in told
    assert "ValueError" not in log.trace(caught(wrap_silently, WORDS)).replace("except ValueError", "")


# --- another process ---------------------------------------------------------------------------------


@pytest.fixture
def other():
    """The log of another process, and what has come from there."""
    sent = []
    theirs = logging.Logger("handover_channel.other", logging.DEBUG)
    theirs.addHandler(log.Forward(lambda plain: sent.append(pickle.dumps(plain))))
    theirs.sent = sent
    return theirs


def arrives(other):
    for each in other.sent:
        log.received(pickle.loads(each))  # noqa: S301 - our own bytes


def test_a_line_of_another_process_arrives_with_its_facts_and_fields(other, caplog):
    other.warning("thread %s: %.1f s, %d times: %s", PSID, 0.5, 3, ["x"], extra={"thread_id": PSID})
    arrives(other)

    [record] = caplog.records
    assert record.getMessage() == f"thread {PSID}: 0.5 s, 3 times: ['x']"
    assert record.msg == "thread %s: %.1f s, %d times: %s"
    assert (record.name, record.levelname, record.thread_id) == ("handover_channel.other", "WARNING", PSID)


def test_an_error_arrives_without_its_text_though_it_cannot_be_pickled(other, caplog):
    class Local(Exception):
        pass

    try:
        raise Local(WORDS)
    except Local:
        other.exception("it failed: %s", TokenRefused("no", code=190))
    arrives(other)

    told = logging.Formatter().format(caplog.records[0])
    assert "it failed: no\nLocal\n" in told
    assert WORDS not in told


@pytest.mark.parametrize("args", [(), ({"a": 1},)])
def test_a_line_without_facts_or_with_named_ones_arrives(other, caplog, args):
    other.warning("100%% %(a)s" if args else "100%", *args)
    arrives(other)

    assert caplog.records[0].getMessage() == ("100% 1" if args else "100%")


def test_the_log_that_receives_decides_what_is_shown(other, caplog):
    other.debug("one")
    logging.getLogger("handover_channel.other").setLevel(logging.INFO)
    try:
        arrives(other)
    finally:
        logging.getLogger("handover_channel.other").setLevel(logging.NOTSET)

    assert caplog.records == []


def test_what_cannot_be_sent_is_said_here(capsys):
    def gone(plain):
        raise ConnectionError

    alone = logging.Logger("handover_channel.other")
    alone.addHandler(log.Forward(gone))
    alone.warning("the other end is gone")

    assert capsys.readouterr().err == "the other end is gone\n"


# --- nothing said, and no secret ----------------------------------------------------------------------


def test_a_handover_with_all_its_troubles_tells_no_secret(play, caplog):
    play.says(WORDS)
    play.meta.fails("pass_thread_control", NO_TAKING)
    for name in ("nowhere", "sales_bot"):
        with pytest.raises((HandoverRefused, GraphError)):
            play.thread_control.hand_over(PSID, name)
    play.hands_over("sales_bot")
    play.says(WORDS)
    play.meta.fails("take_thread_control", OUTAGE)
    play.meta.fails("thread_owner", OUTAGE)
    play.says(f"{WORDS} back to bot")
    play.clock.passes(60)
    play.due()
    play.hands_over("inbox")
    AgentReplies(play.settings, play.store, play.graph, play.thread_control, play.clock).reply(PSID, WORDS)

    assert "not give control back" in said(caplog)
    assert not [secret for secret in SECRETS if secret in said(caplog)]


def test_strange_events_tell_no_secret(play, caplog):
    for item in (
        {"message": {"mid": "1", "text": WORDS, "attachments": [WORDS]}},
        {"message": {"mid": "2", "is_echo": True, "app_id": int(SALES_BOT), "text": WORDS}},
        {"postback": {"title": WORDS, "payload": WORDS}},
        {"request_thread_control": {"requested_owner_app_id": 9999, "metadata": WORDS}},
        {"referral": {"ref": WORDS}},
        {WORDS: {WORDS: WORDS}},
    ):
        at = int(play.clock() * 1000)
        people = {"sender": {"id": PSID}, "recipient": {"id": PSID if "is_echo" in str(item) else "1"}}
        play.deliver({**people, "timestamp": at, **item})
        play.work()

    assert "not granted" in said(caplog)
    assert WORDS not in said(caplog)


@pytest.mark.parametrize("body", [WORDS, f'{{"{WORDS}": 1}}', f'{{"entry": "{WORDS}"}}'])
def test_a_refused_webhook_call_is_not_quoted(body):
    with pytest.raises(MalformedWebhook) as malformed:
        webhook.parse(body.encode())
    with pytest.raises(InvalidSignature) as unsigned:
        webhook.verify_signature(body.encode(), signature=WORDS, secret="demo-app-secret")

    assert not [secret for secret in SECRETS if secret in f"{malformed.value} {unsigned.value}"]


def test_what_the_bot_says_is_not_quoted_where_it_is_too_long_or_odd(caplog):
    long = WORDS * 200
    messages.button_messages(long, [{"title": long, "payload": long}, long])
    messages.quick_reply_messages(long, [{"title": long, "payload": long}])
    messages.element_messages([{"title": long, "buttons": [{"title": long, "payload": long}]}])
    messages.attachment_messages({"type": "image", "payload": {"text": long}})
    for given in ({"text": long, "tag": "HUMAN_AGENT"}, {"odd": long}, {"recipient": long, "message": long}):
        messages.custom_messages(given)
        custom_json.logger.debug("end of one")

    assert "shortened" in said(caplog)
    assert WORDS not in said(caplog)


class Bot:
    """Fails, and says in its error what the person wrote."""

    async def answer(self, event, context, delivery):
        raise RuntimeError(f"cannot answer {event.text} with {TOKEN}")


async def test_a_turn_that_fails_is_told_of_without_its_words(store, clock, caplog, monkeypatch):
    real = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda delay, *more: real(delay / 1000))
    play = Play(store, clock)
    thread_control = ThreadControl(play.settings, store, play.graph, clock)
    worker = Worker(store, thread_control, EventHandlers(play.settings, store, thread_control), Bot(), clock)
    play.person.says(WORDS)
    play.receive()
    task = asyncio.ensure_future(worker.run())
    try:
        for _ in range(SOON * 200):
            if "given up" in caplog.text:
                break
            await real(0.005)
    finally:
        await worker.stop(1)
        await asyncio.wait_for(task, SOON)

    assert "delivery 1 failed, tried again" in said(caplog)
    assert not [secret for secret in SECRETS if secret in said(caplog)]
    about = {fields(record) for record in caplog.records if "delivery 1" in record.getMessage()}
    assert about == {(PSID, 1)}


# --- the house ----------------------------------------------------------------------------------------


def test_no_line_is_written_with_an_error_that_may_quote_somebody():
    package = Path(handover_channel.__file__).parent
    texts = {
        str(path.relative_to(package)): path.read_text(encoding="utf-8")
        for path in package.rglob("*.py")
        if "simulator" not in path.parts
    }

    writing = {name for name, text in texts.items() if "logger.exception(" in text or "exc_info=" in text}
    formatted = {
        name for name, text in texts.items() if 'logger.error(f"' in text or 'logger.warning(f"' in text
    }
    assert not writing
    assert not formatted


FORGED = "7001\n2026-01-01 ERROR root - FORGED\x1b[31m\r\u2028\u202e\ud800"


@pytest.mark.parametrize("name", ["handover_channel.test", "handover_channel"])
@pytest.mark.parametrize("fact", [FORGED, ValueError(FORGED), HandoverRefused(FORGED)])
def test_no_fact_forges_a_line_or_steers_a_terminal(caplog, name, fact):
    logging.getLogger(name).warning("thread %s: handed over in %s ms", fact, 7)

    (line,) = [record.getMessage() for record in caplog.records]
    assert line.isprintable()
    assert line.startswith("thread 7001\\n2026-01-01 ERROR root - FORGED\\x1b[31m\\r")
    assert line.endswith("handed over in 7 ms")


def test_what_other_scripts_need_stays(caplog):
    for words in ("محادثة", "نیم\u200cفاصله", "👩\u200d👧"):
        logger.warning("thread %s", words)
        assert caplog.records[-1].getMessage() == f"thread {words}"


def test_a_trace_keeps_its_lines_and_quotes_nothing_that_does_anything(caplog):
    try:
        raise HandoverRefused("thread 7001\x1b[31m is already with sales")
    except HandoverRefused as error:
        logger.error("it failed: %s", log.trace(error))

    said = caplog.records[-1].getMessage()
    assert said.count("\n") >= 2
    assert "\x1b" not in said
    assert "7001\\x1b[31m" in said


def test_the_loggers_of_others_are_left_alone(caplog):
    logging.getLogger("somebody.else").warning("%s", "two\nlines")

    assert caplog.records[-1].getMessage() == "two\nlines"
