"""The data of one person, handed out and deleted by the command and in the page (control/person_data.py)."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from inbox_page import ADMIN, get, post, services_of
from play import PSID

from handover_channel.control import person_data
from handover_channel.control.person_data import PersonData
from handover_channel.errors import HandoverError, Refused
from handover_channel.inbox import routes
from handover_channel.inbox.admin import person_routes
from handover_channel.store import acts, audit, deliveries
from handover_channel.store.audit import Which

SECRET = "said in confidence"


class Rasa:
    """Rasa's conversations, or what is said where they are out of reach."""

    def __init__(self, refusal=""):
        self.kept, self.refusal = {PSID: [{"event": "user", "text": SECRET}]}, refusal

    def events(self, thread):
        self._reach()
        return self.kept.get(thread, [])

    def delete(self, thread):
        self._reach()
        return len(self.kept.pop(thread, []))

    def _reach(self):
        if self.refusal:
            raise HandoverError(self.refusal)


@pytest.fixture
def said(play):
    play.hands_over()
    play.says(SECRET)
    with play.store.writing() as connection:
        acts.add(connection, acts.Done.TAGGED, thread=PSID, agent="sara", detail="vip", now=play.clock())


def audited(play):
    with play.store.reading() as connection:
        rows = audit.newest(connection, Which(), limit=100)
    return [(each.what, each.who, each.thread, each.detail) for each in rows]


def test_it_is_handed_out_whole_and_the_log_says_by_whom(play, said):
    found = PersonData(play.store, Rasa(), play.clock).export(PSID, by="mona")

    assert json.dumps(found).count(SECRET) >= 2
    assert found["tracker"]["events"][0]["text"] == SECRET
    assert ("exported", "mona", PSID, "") in audited(play)
    assert SECRET not in repr(audited(play))


def test_it_is_deleted_whole_and_the_log_says_by_whom_and_not_whose_it_was(play, said):
    rasa = Rasa()

    done = PersonData(play.store, rasa, play.clock).forget(PSID, by="mona")

    assert (done.in_tracker, done.left, rasa.kept) == (1, [], {})
    assert done.rows["transcript"] >= 1
    assert audited(play) == [("forgotten", "mona", "", "")]
    assert PersonData(play.store, rasa, play.clock).held(PSID) == {}


def test_where_rasa_is_out_of_reach_the_rest_is_deleted_and_that_is_said(play, said):
    done = PersonData(play.store, Rasa("no Rasa -> by hand"), play.clock).forget(PSID, by="mona")

    assert done.left == ["no Rasa -> by hand"]
    assert PersonData(play.store, Rasa("x"), play.clock).export(PSID, by="mona")["tracker"] == {
        "not_reached": "x"
    }
    assert PersonData(play.store, Rasa(), play.clock).held(PSID) == {}


def test_while_a_worker_is_at_it_nothing_is_deleted(play, said, monkeypatch):
    monkeypatch.setattr(person_data, "WORKER_ENDS_WITHIN", 0.0)
    with play.store.writing() as connection:
        connection.execute(sa.text("DELETE FROM claims"))
        assert deliveries.claim(connection, PSID, worker="one", now=play.clock(), until=9e12)
    rasa = Rasa()

    with pytest.raises(Refused, match="at work in conversation 7001 -> try again"):
        PersonData(play.store, rasa, play.clock, sleep=lambda seconds: None).forget(PSID, by="mona")
    assert PSID in rasa.kept


# --- in the page ---


@pytest.fixture
def services(play, said):
    found = services_of(play)
    yield found
    found.pools.shutdown()


async def test_an_admin_is_asked_before_and_reads_what_cannot_be_undone(play, services):
    shown = await person_routes.show_person_data(services, get(ADMIN))
    assert "This cannot be undone" in shown.content

    asked = await person_routes.forget_person(services, post(ADMIN))
    assert (asked.status, "Nothing is deleted yet" in asked.content) == (400, True)
    assert play.lines

    done = await person_routes.forget_person(services, post(ADMIN, sure="1"))
    assert (done.status, "Deleted for good" in done.content) == (200, True)
    assert play.lines == []


async def test_the_export_is_a_file_for_nobody_to_keep_on_the_way(services):
    answer = await person_routes.export_person(services, post(ADMIN))

    assert answer.headers["Content-Disposition"] == 'attachment; filename="person.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert SECRET in answer.content.decode()


async def test_the_way_there_is_beside_the_person_and_for_admins(services):
    for visitor, shown in ((ADMIN, True), (get().visitor, False)):
        page = await routes.show_person(services, get(visitor))
        assert (f"/admin/people/{PSID}" in page.content) is shown


async def test_of_somebody_never_seen_there_is_nothing_to_delete(services):
    shown = await person_routes.show_person_data(services, get(ADMIN, thread="4711"))

    assert "Nothing is kept here" in shown.content
    assert "<button" not in shown.content
