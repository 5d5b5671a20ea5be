from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from importlib.util import find_spec

import pytest

from handover_channel import essential
from handover_channel.errors import NotReady
from handover_channel.rasa.turns_loop import TurnsLoop

SOON = 10  #: seconds that nothing here should ever take

ENDS = [SystemExit(1), KeyboardInterrupt(), ValueError("no"), BaseException("a stranger")]


def _raise(error):
    raise error


@pytest.mark.parametrize("end", [*(lambda error=each: _raise(error) for each in ENDS), lambda: None])
def test_a_thread_that_ends_before_its_time_runs_again_and_says_so(end, caplog, monkeypatch):
    monkeypatch.setattr(essential, "RUN_AGAIN_AFTER", 0.001)
    runs, over = [], threading.Event()

    def work():
        runs.append(1)
        if len(runs) == 3:
            over.set()
        end()

    essential.run_again("the work", work, over.is_set).join(SOON)

    assert len(runs) == 3
    assert caplog.text.count("the work has ended before its time") == 2


_PROCESS = """
import asyncio, sys, time
from handover_channel import essential

def fails():
    {end}

async def main():
    {start}
    await asyncio.sleep(5)
    print("still here", flush=True)

asyncio.run(main())
"""
_THREAD = 'essential.or_end("the work", fails)'
_TASK = """
    async def work(): fails()
    task = essential.watched("the work", asyncio.ensure_future(work()), lambda: False)
"""


@pytest.mark.parametrize("start", [_THREAD, _TASK], ids=["a thread", "a task"])
@pytest.mark.parametrize("end", ["raise ValueError", "raise BaseException"])
def test_where_another_process_takes_over_the_whole_process_ends_at_once_and_says_why(start, end):
    code = _PROCESS.format(end=end, start=start.strip())
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=SOON, check=False
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert "the work has ended before its time" in done.stderr
    assert "in fails" in done.stderr


def test_what_has_done_its_work_ends_nothing():
    code = _PROCESS.format(end="pass", start=_THREAD).replace("sleep(5)", "sleep(0.1)")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=SOON, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "still here\n", "")


@pytest.mark.parametrize("error", ENDS[:2])
def test_what_would_end_a_loop_is_an_error_like_any_other_where_a_thread_raises_it(error):
    with pytest.raises(RuntimeError, match=type(error).__name__):
        essential.as_errors(_raise, error)


@pytest.fixture(params=["asyncio", "uvloop"])
def turns(request, monkeypatch):
    if request.param == "uvloop":
        if find_spec("uvloop") is None:
            pytest.skip("there is no uvloop here")
        import uvloop

        monkeypatch.setattr(asyncio, "new_event_loop", uvloop.new_event_loop)
    monkeypatch.setattr(essential, "RUN_AGAIN_AFTER", 0.001)
    loop = TurnsLoop()
    loop.start()
    yield loop
    loop.stop()


@pytest.mark.parametrize("error", ENDS[:2])
def test_the_loop_of_turns_goes_on_with_all_that_waits_in_it_after_one_that_ends_it(turns, error):
    async def leaves_a_task():
        asyncio.ensure_future(ends())

    async def ends():
        raise error

    async def works(number):
        for _ in range(20):
            await asyncio.sleep(0.002)
        return number

    before = [turns.run(works(number)) for number in range(5)]
    for _ in range(3):
        turns.run(leaves_a_task()).result(SOON)
    after = [turns.run(works(number)) for number in range(5)]

    assert [each.result(SOON) for each in before + after] == [*range(5), *range(5)]


async def test_a_loop_of_turns_that_stands_still_does_not_answer(turns):
    stands, go_on = threading.Event(), threading.Event()

    async def blocks():
        stands.set()
        go_on.wait(SOON)

    assert await turns.answers(within=SOON)
    turns.run(blocks())
    stands.wait(SOON)
    assert not await turns.answers(within=0.05)
    go_on.set()
    assert await turns.answers(within=SOON)


def test_a_loop_that_has_stopped_takes_no_work(turns):
    turns.stop()
    for thread in threading.enumerate():
        if thread.name == "handover-turns":
            thread.join(SOON)

    async def work():
        raise AssertionError

    with pytest.raises(NotReady):
        turns.run(work())
