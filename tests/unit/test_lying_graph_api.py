"""A Graph API that lies: whatever it answers and however its events come, what we do is bounded and seen.

One page, one person, other apps, and a Meta that names nobody, us or others as owners, refuses, does not
answer, sends echoes late, twice, never or under another app's name, and events out of order.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from play import HOOTSUITE, NO_TAKING, OURS, OUTAGE, PSID, SALES_BOT, STRANGER, Clock, Play
from test_bounded import BAD_TOKEN, BLOCKED, NOBODY, NOT_OURS, NOT_OWNER, owner
from test_event_handlers import echo, item

from handover_channel.errors import GraphError, HandoverRefused
from handover_channel.messenger.events import OUR_METADATA
from handover_channel.messenger.return_button import BUTTON_PAYLOAD
from handover_channel.rules import budget
from handover_channel.rules.control import Change, Control
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.loader import PAGE_INBOX_APP_ID
from handover_channel.store import Store, deadlines, deliveries, schema, transcript

#: Graph API calls that one thing that happens may cause, however it is answered. A way back asks for the
#: owner twice and takes; the turn of the return, the rest of the message and a message after it are three.
CALLS_OF_ONE = 10

#: How many lives of a page are played: 10 in the inner loop, 40 in CI.
EXAMPLES = settings().max_examples * 2 // 5

#: Changes of control: it comes back, is found to be somebody else's, and somebody steps in.
CHANGES_OF_ONE = 4

APPS = st.sampled_from([OURS, SALES_BOT, HOOTSUITE, STRANGER, PAGE_INBOX_APP_ID, ""])
CHANNELS = st.sampled_from(["messaging", "standby"])
TEXTS = st.sampled_from(["hello?", "back to bot", "Back to Bot", "please, back to bot", "where is my order?"])
MOVES = st.sampled_from(["pass_thread_control", "take_thread_control"])
OWNS = st.sampled_from(
    [None, NOBODY, {}, owner(OURS), owner(int(SALES_BOT)), owner(expiration=2_000_000_000), OUTAGE]
)
SENDS = st.sampled_from([None, None, NOT_OWNER, NOT_OURS, BAD_TOKEN, BLOCKED, OUTAGE])
TAKES = st.sampled_from([None, NO_TAKING, NOT_OWNER, OUTAGE])


@pytest.fixture(scope="module")
def template():
    folder = Path(tempfile.mkdtemp())
    store = Store(f"sqlite:///{folder / 'template.db'}")
    store.migrate()
    store.close()
    LyingMeta.template = folder / "template.db"
    yield
    shutil.rmtree(folder)


class LyingMeta(RuleBasedStateMachine):
    """What may happen, in any order."""

    template: Path

    @initialize(default_app=st.sampled_from(["bot", None]), owns=OWNS, sends=SENDS, takes=TAKES)
    def begin(self, default_app, owns, sends, takes):
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "handover.db")
        self.store = Store(f"sqlite:///{self.folder / 'handover.db'}")
        self.play = Play(self.store, Clock(), default_app=default_app, talks=True)
        self.play.meta.during = self.watch
        self.play.messages_of_a_turn = 2
        self.out_of_turn = []
        self.count, self.said, self.answered, self.last = 0, {}, set(), None
        self.meta_changes_its_mind(owns, sends, takes)
        self.reach_us("hello")

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    # --- what happens -----------------------------------------------------------------------------

    @rule(text=TEXTS)
    def reach_us(self, text):
        self.hear(text, "messaging")

    @rule(text=TEXTS, channel=CHANNELS)
    def hear(self, text, channel):
        self.count += 1
        mid = f"m_{self.count}"
        self.said[mid] = text
        self.arrive(item(self.play, message={"mid": mid, "text": text}), channel)

    @rule(channel=CHANNELS)
    def tap(self, channel):
        self.count += 1
        tapped = {"mid": f"t_{self.count}", "title": "Back to Bot", "payload": BUTTON_PAYLOAD}
        self.arrive(item(self.play, postback=tapped), channel)

    @precondition(lambda self: self.last is not None)
    @rule()
    def hear_it_again(self):
        self.arrive(*self.last)

    @rule(app=APPS, channel=CHANNELS)
    def somebody_answers(self, app, channel):
        self.count += 1
        words = {"mid": f"e_{self.count}", "text": "We open at nine.", **({"app_id": app} if app else {})}
        self.arrive(echo(self.play, **words), channel)

    @precondition(lambda self: self.play.mids)
    @rule(app=APPS, channel=CHANNELS, number=st.integers(0, 50))
    def our_own_words_come_back(self, app, channel, number):
        mid = self.play.mids[number % len(self.play.mids)]
        self.arrive(echo(self.play, mid=mid, app_id=app, metadata=f"{OUR_METADATA}1.1"), channel)

    @rule(
        kind=st.sampled_from(["pass_thread_control", "take_thread_control"]), app=APPS, late=st.integers(0, 5)
    )
    def control_moves(self, kind, app, late):
        event = item(self.play, **{kind: {"new_owner_app_id": app or None, "previous_owner_app_id": None}})
        self.arrive({**event, "timestamp": event["timestamp"] - late * 1000}, "messaging")

    @rule(to=st.sampled_from(["inbox", "sales_bot", "page_inbox", "hootsuite"]))
    def bot_hands_over(self, to):
        with self.nothing_is_an_error():
            self.play.thread_control.hand_over(PSID, to)

    @rule()
    def agent_takes_over(self):
        with self.nothing_is_an_error():
            self.play.thread_control.take_over(PSID, "amal")

    @rule()
    def agent_returns(self):
        with self.nothing_is_an_error():
            self.play.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="amal")

    @rule(seconds=st.sampled_from([0.2, 1, 61, 3600, 13 * 3600, 25 * 3600]))
    def time_passes(self, seconds):
        self.play.clock.passes(seconds)
        before = len(self.play.meta.calls)
        due = self.play.due()
        assert len(self.play.meta.calls) - before <= CALLS_OF_ONE * (len(due) + 1)

    @rule(meanwhile=st.sampled_from([None, "taken over", "control lost", "an answer"]))
    def something_happens_in_every_turn(self, meanwhile):
        steps = {
            "taken over": lambda: self.play.thread_control.take_over(PSID, "amal"),
            "control lost": lambda: self._lose(Change.CONTROL_LOST),
            "an answer": lambda: self._lose(Change.FOREIGN_ECHO),
        }
        self.play.during_turn = lambda text: steps[meanwhile]() if meanwhile else None

    def _lose(self, change):
        self.play.thread_control.lose(self.play.row, change, stamp=self.play.page.stamp(), owner=STRANGER)

    @rule(owns=OWNS, sends=SENDS, takes=TAKES)
    def meta_changes_its_mind(self, owns, sends, takes):
        answers = {"thread_owner": owns, "messages": sends, "take_thread_control": takes}
        answers["pass_thread_control"] = takes
        self.play.meta.always = {name: answer for name, answer in answers.items() if answer is not None}

    # --- how it is looked at ----------------------------------------------------------------------

    def arrive(self, event, channel):
        self.last = (event, channel)
        self.play.clock.passes(0.1)
        calls, changes = len(self.play.meta.calls), len(self.play.log)
        self.play.deliver(event, channel=channel)
        self.play.work()
        assert len(self.play.meta.calls) - calls <= CALLS_OF_ONE
        assert len(self.play.log) - changes <= CHANGES_OF_ONE

    def nothing_is_an_error(self):
        return _Refusable(self.play)

    def watch(self, name):
        if name == "messages" and self.play.control != Control.BOT.value:
            self.out_of_turn.append(self.play.control)

    @invariant()
    def nothing_is_said_out_of_turn(self):
        assert not getattr(self, "out_of_turn", [])

    @invariant()
    def every_word_was_answered_or_is_in_the_transcript(self):
        if not hasattr(self, "store"):
            return
        with self.store.reading() as connection:
            kept = {line.mid for line in transcript.of(connection, PSID, limit=10_000)}
            done = schema.deliveries.c
            rows = connection.execute(
                schema.deliveries.select().where(done.kind == deliveries.EVENT)
            ).mappings()
            answered = {row["key"].rsplit(":", 1)[1] for row in rows if row["outcome"] == "answered"}
        assert set(self.said) <= kept | answered

    @invariant()
    def what_is_away_has_a_time_at_which_it_comes_back(self):
        if hasattr(self, "store") and self.play.control != Control.BOT.value:
            with self.store.reading() as connection:
                assert deadlines.due(connection, now=float("inf"), limit=5)

    @rule()
    def meta_is_honest_and_every_handover_ends(self):
        always, self.play.meta.always = self.play.meta.always, {}
        for _ in range(60):
            if self.play.control == Control.BOT.value:
                break
            self.play.clock.passes(3600)
            self.play.due()
        assert self.play.control == Control.BOT.value
        self.play.meta.always = always


class _Refusable:
    """What people and actions ask for may be refused; then the rest is processed."""

    def __init__(self, play):
        self._play = play

    def __enter__(self):
        self._before = len(self._play.meta.calls)

    def __exit__(self, kind, error, trace):
        if kind is not None and not issubclass(kind, (GraphError, HandoverRefused)):
            return False
        self._play.work()
        assert len(self._play.meta.calls) - self._before <= CALLS_OF_ONE + budget.ROUNDS
        return True


def test_whatever_meta_answers_calls_are_bounded_words_are_seen_and_handovers_end(template):
    often = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(LyingMeta, settings=often)
