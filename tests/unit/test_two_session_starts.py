from __future__ import annotations

import gc

import pytest
from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor

from handover_channel import conversation_start
from handover_channel.conversation_start import ActionSessionStart


@pytest.fixture
def registered(caplog):
    """Register classes in this order, as the action server does, and return which runs, and what was said."""

    def register(*kinds):
        executor = ActionExecutor()
        for kind in kinds:
            executor.register_action(kind)
        said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        return executor.actions["action_session_start"].__self__.__class__, said

    yield register
    gc.collect()  # a class of a test is a subclass of Action until then


def of_the_bot():
    class OfTheBot(Action):
        def name(self):
            return "action_session_start"

        async def run(self, dispatcher, tracker, domain):
            return []

    return OfTheBot


def test_of_two_session_starts_one_sentence_says_which_runs(registered, monkeypatch):
    theirs = of_the_bot()
    monkeypatch.setattr(conversation_start, "all_subclasses", lambda kind: [ActionSessionStart, theirs])

    runs, (said,) = registered(ActionSessionStart, theirs)

    assert runs is theirs
    assert said.startswith(f"two actions are called action_session_start: {__name__}.OfTheBot runs, and ")
    assert "handover_channel.conversation_start.ActionSessionStart does not" in said


def test_where_ours_is_the_last_one_it_says_that_the_bots_own_does_not_run(registered, monkeypatch):
    theirs = of_the_bot()
    monkeypatch.setattr(conversation_start, "all_subclasses", lambda kind: [theirs, ActionSessionStart])

    runs, (said,) = registered(theirs, ActionSessionStart)

    assert runs is ActionSessionStart
    assert (
        f"handover_channel.conversation_start.ActionSessionStart runs, and {__name__}.OfTheBot does not"
        in said
    )


def test_one_that_goes_on_from_ours_is_meant(registered, monkeypatch):
    class Longer(ActionSessionStart):
        pass

    monkeypatch.setattr(conversation_start, "all_subclasses", lambda kind: [ActionSessionStart, Longer])

    assert registered(ActionSessionStart, Longer) == (Longer, [])


def test_ours_alone_says_nothing_and_constructors_of_others_are_not_run(registered, monkeypatch):
    class Other(Action):
        def __init__(self):
            raise RuntimeError("needs a database")

        def name(self):
            return self.its_name

    monkeypatch.setattr(conversation_start, "all_subclasses", lambda kind: [Other, ActionSessionStart])

    assert registered(ActionSessionStart) == (ActionSessionStart, [])
