from __future__ import annotations

import pickle
import socket
import struct
import threading

import pytest

from handover_channel.queue.ipc import AnswerFailed, Counter, Line, TooLong
from handover_channel.rules.limits import FRAME

SOON = 10  #: seconds that nothing here should ever take


def framed(number, *given):
    """A question, as `Line.ask` writes it."""
    frame = pickle.dumps((number, 0, ("receive", given, {})))
    return struct.pack("!I", len(frame)) + frame


@pytest.fixture
def ends():
    """Both ends of a line: the one that asks, and the counter's."""
    pair = socket.socketpair()
    for each in pair:
        each.settimeout(SOON)
    yield pair
    for each in pair:
        each.close()


def test_all_that_was_asked_meanwhile_is_taken_at_a_time_in_order(ends):
    asking, other = ends
    asking.sendall(framed(1, "sha256=", b"one") + framed(2, "", b"two"))
    asking.sendall(framed(3, "", b""))

    assert Counter(other).questions() == [(1, ("sha256=", b"one")), (2, ("", b"two")), (3, ("", b""))]


def test_a_question_that_comes_in_pieces_is_put_together(ends):
    asking, other = ends
    first, second = framed(1, b"one"), framed(2, b"two")
    counter = Counter(other)

    asking.sendall(first + second[:2])
    assert counter.questions() == [(1, (b"one",))]
    asking.sendall(second[2:])
    assert counter.questions() == [(2, (b"two",))]


def test_a_question_larger_than_a_block_comes_through(ends, monkeypatch):
    monkeypatch.setattr("handover_channel.queue.ipc._BLOCK", 100)
    asking, other = ends
    body = bytes(range(256)) * 20
    asking.sendall(framed(1, body) + framed(2, b"next"))
    counter, found = Counter(other), []

    while len(found) < 2:
        found += counter.questions()

    assert found == [(1, (body,)), (2, (b"next",))]


@pytest.mark.parametrize("last", [b"", framed(7, b"cut off")[:-1]])
def test_no_question_comes_once_the_other_side_is_gone(ends, last):
    asking, other = ends
    asking.sendall(framed(1, b"one") + last)
    asking.close()
    counter = Counter(other)

    assert counter.questions() == [(1, (b"one",))]
    assert counter.questions() == []
    assert counter.questions() == []


def test_a_side_that_goes_with_answers_unread_is_gone_like_any_other(ends):
    asking, other = ends
    asking.sendall(framed(1, b"one"))
    counter = Counter(other)
    counter.answer([(number, (200, "success")) for number, _ in counter.questions()])
    asking.close()  # what is unread resets the connection

    assert counter.questions() == []


def test_an_answer_to_nobody_is_no_error(ends):
    asking, other = ends
    asking.close()

    Counter(other).answer([(1, (200, "success"))])


def test_a_question_that_says_it_is_endless_ends_the_line(ends, caplog):
    asking, other = ends
    asking.sendall(framed(1, b"one") + struct.pack("!I", FRAME.value + 1) + b"x" * 100)
    counter = Counter(other)

    assert counter.questions() == []
    assert "the line is closed" in caplog.text


async def test_a_question_of_the_most_bytes_is_asked_and_none_that_is_longer(ends, monkeypatch):
    asking, other = ends
    monkeypatch.setattr("handover_channel.queue.ipc.FRAME", FRAME.__class__("", "", 1000, "bytes", "", ""))
    line, far = Line(_echo), Line(_echo)
    await line.connect(asking)
    await far.connect(other)

    assert await line.ask("receive", "x" * 800, within=SOON) == ("x" * 800,)
    with pytest.raises(TooLong):
        await line.ask("receive", "x" * 1001, within=SOON)
    with pytest.raises(AnswerFailed, match="TooLong"):  # the answer is longer than the question
        await line.ask("doubled", "x" * 800, within=SOON)

    line.close()
    await line.serve()
    await far.serve()


async def test_a_side_that_announces_an_endless_frame_is_hung_up_on(ends):
    asking, other = ends
    line = Line(_echo)
    await line.connect(asking)

    other.sendall(struct.pack("!I", FRAME.value + 1))

    await line.serve()
    assert line.is_closed


async def _echo(what, given):
    return tuple(each * 2 for each in given) if what == "doubled" else given


async def test_who_asks_gets_the_answer_to_its_own_question(ends):
    asking, other = ends
    other.settimeout(None)
    counter = Counter(other)

    def answer_backwards():
        while questions := counter.questions():
            counter.answer([(number, given) for number, given in reversed(questions)])

    answering = threading.Thread(target=answer_backwards)
    answering.start()

    async def none_asked(what, given):
        raise AssertionError(what)

    line = Line(none_asked)
    await line.connect(asking)
    assert await line.ask("receive", "one", b"1", within=SOON) == ("one", b"1")
    assert await line.ask("receive", "two", b"2", within=SOON) == ("two", b"2")

    line.close()
    await line.serve()
    answering.join(SOON)
    assert not answering.is_alive()
