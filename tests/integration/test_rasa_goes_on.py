"""Rasa goes on, whatever a stranger chooses as the sender of a message."""

from __future__ import annotations

import pytest

pytest.importorskip("rasa")
pytestmark = pytest.mark.rasa


@pytest.fixture
def rasas(tmp_path, monkeypatch):
    """Rasa's own tracker store, as it is before anything of ours is there."""
    from rasa.core.tracker_store import SQLTrackerStore
    from rasa.shared.core.domain import Domain

    scope = SQLTrackerStore.session_scope
    if hasattr(scope, "_handover_goes_on"):  # a server of ours has started in this process before
        scope = scope.__wrapped__.__wrapped__  # ours, below its context manager; Rasa's
    monkeypatch.setattr(SQLTrackerStore, "session_scope", scope)
    return lambda: SQLTrackerStore(Domain.empty(), dialect="sqlite", db=str(tmp_path / "rasa.db"))


async def _save(store, sender):
    from rasa.shared.core.events import UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    await store.save(DialogueStateTracker.from_events(sender, [UserUttered("hello")]))


@pytest.mark.parametrize("sender", ["\ud800", "a\udfffb"])
async def test_a_sender_that_the_database_cannot_store_fails_alone(rasas, sender):
    from rasa.shared.exceptions import RasaException

    from handover_channel.rasa.store_checks import mend_sessions

    for _ in range(2):
        mend_sessions()
    store = rasas()

    with pytest.raises(RasaException, match="takes no such conversation id"):
        await _save(store, sender)
    await _save(store, "7001")
    assert len((await store.retrieve("7001")).events) == 1


async def test_without_that_rasa_would_end(rasas):
    with pytest.raises(SystemExit):
        await _save(rasas(), "\ud800")
