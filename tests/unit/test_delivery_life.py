from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from play import PSID, START

from handover_channel.messenger.webhook import parse
from handover_channel.queue import delivery_life
from handover_channel.queue.claims import CLAIM_SECONDS, Claims
from handover_channel.queue.delivery_life import MOVES, Stage, Step
from handover_channel.store import deliveries, queue_admin

WAYS = [(stage, step) for stage in Stage for step in MOVES[stage]]
NOTHING_COUNTED = {"attempts": 0, "failures": 0, "rounds": 0}


def test_every_stage_has_its_line_and_every_step_leads_somewhere():
    assert set(MOVES) == set(Stage)
    assert {step for steps in MOVES.values() for step in steps} == set(Step)


def _drawn(stage):
    """One line for each stage that is reached from *stage*: the steps that lead there."""
    steps = {}
    for step, move in MOVES[stage].items():
        steps.setdefault(move.to, []).append(step.name)
    lines = [f"{', '.join(names)} ─▶ {to.name}" for to, names in steps.items()] or ["(the end)"]
    return [f"      {stage.name if not number else '':<11}{line}" for number, line in enumerate(lines)]


def test_the_drawing_is_made_from_the_table():
    drawing = "\n".join(line for stage in Stage for line in _drawn(stage))

    assert f"\n\n{drawing}\n\n" in delivery_life.__doc__, drawing


def test_only_what_is_processed_stays_as_it_is():
    assert [stage for stage in Stage if not MOVES[stage]] == [Stage.PROCESSED]


@pytest.mark.parametrize("before", Stage)
def test_every_delivery_may_come_to_be_processed(before):
    seen, new = set(), {before}
    while new:
        seen |= new
        new = {move.to for each in new for move in MOVES[each].values()} - seen

    assert Stage.PROCESSED in seen


# --- the table and the store ----------------------------------------------------------------------


class Life:
    """One delivery, and a worker that takes it wherever it is to be."""

    def __init__(self, store, clock):
        self.store, self.clock, self.job = store, clock, None
        self.claims = Claims(store, clock)
        message = {"mid": "m", "text": "hello"}
        item = {"sender": {"id": PSID}, "timestamp": int(START * 1000), "message": message}
        body = json.dumps({"entry": [{"id": "1717", "messaging": [item]}]}).encode()
        with store.writing() as connection:
            deliveries.add(connection, deliveries.rows(parse(body), START))

    def goes(self, *steps):
        for step in steps:
            getattr(self, step.value.replace(" ", "_"))()

    def claim(self):
        self.job = self.claims.begin(PSID)
        assert self.job

    def start(self):
        self.claims.start(self.job)

    def finish(self):
        self.claims.finish(self.job, "answered", None)

    def give_up(self):
        self.claims.finish(self.job, "failed", None)

    def fail(self):
        self.claims.failed(self.job)

    def come_back(self):
        self.job = self.claims.again(self.job)

    def give_back(self):
        self.claims.give_back(self.job, Step.GIVE_BACK)

    def interrupt(self):
        self.clock.passes(CLAIM_SECONDS)  # its process has died

    def retry(self):
        with self.store.writing() as connection:
            assert queue_admin.retry(connection, queue_admin.get(connection, 1, now=self.clock()))

    @property
    def stage(self):
        """Where it is, by what the database says, and of a claim what the worker says."""
        with self.store.reading() as connection:
            found = queue_admin.get(connection, 1, now=self.clock())
        if found.done_at is not None:
            return Stage.GIVEN_UP if found.outcome in queue_admin.GIVEN_UP else Stage.PROCESSED
        return self.job.stage if found.worker else Stage.STORED

    @property
    def counts(self):
        with self.store.reading() as connection:
            row = connection.execute(sa.text("SELECT attempts, failures, rounds FROM deliveries"))
            return dict(row.mappings().one())


TO = {
    Stage.STORED: [],
    Stage.CLAIMED: [Step.CLAIM],
    Stage.IN_TURN: [Step.CLAIM, Step.START],
    Stage.GIVEN_UP: [Step.CLAIM, Step.GIVE_UP],
}


@pytest.mark.parametrize(("before", "step"), WAYS)
def test_a_step_leads_where_its_line_says_and_counts_what_it_says(store, clock, before, step):
    life = Life(store, clock)
    life.goes(*TO[before])
    assert life.stage is before
    counted = life.counts

    life.goes(step)

    move = MOVES[before][step]
    assert life.stage is move.to
    assert life.counts == {name: counted[name] + more for name, more in move.counts.items()}


def test_a_worker_that_gives_a_delivery_back_because_the_store_is_away_leaves_it_counted(store, clock):
    life = Life(store, clock)
    life.goes(Step.CLAIM, Step.START)

    life.claims.give_back(life.job, Step.INTERRUPT)

    assert (life.stage, life.counts) == (Stage.STORED, {**NOTHING_COUNTED, "attempts": 1})


def test_a_step_that_a_stage_does_not_know_is_an_error_and_changes_nothing(store, clock):
    life = Life(store, clock)
    life.goes(Step.CLAIM, Step.START)

    with pytest.raises(KeyError):
        life.come_back()

    assert (life.stage, life.counts) == (Stage.IN_TURN, {**NOTHING_COUNTED, "attempts": 1})
