"""Breaks one rule of the channel at a time, for a moment: each is a rule that people would miss.

Many rules stand behind another one (the bot is muted before Rasa hears anything, in its policy, and at the
way out): breaking one of those alone changes nothing that a person sees. Here are those whose loss is seen.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Callable, Dict, Tuple

from handover_channel.control.transition_writer import TransitionWriter
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger import return_button, webhook
from handover_channel.messenger.events import ControlPassed, ControlRequested, MessageEchoed
from handover_channel.queue import due_deadlines
from handover_channel.replies import service
from handover_channel.rules import control, event_meaning
from handover_channel.rules.control import TRANSITIONS, Change, Control
from handover_channel.rules.durations import parse_duration
from handover_channel.rules.event_meaning import Meaning
from handover_channel.rules.keywords import Keywords
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.targets import known_name

_numbers = itertools.count()


@dataclass(frozen=True)
class Mutation:
    """*breaks* takes pytest's monkeypatch. *caught_by*: files in tests/scenarios, without ".yml"."""

    breaks: Callable[[Any], None]
    caught_by: Tuple[str, ...]


def _everywhere(function: Any, instead: Any) -> Callable[[Any], None]:
    """Replace a function, whoever has imported it."""
    return lambda patch: patch.setattr(function, "__code__", instead.__code__)


def _method(owner: Any, name: str, instead: Any) -> Callable[[Any], None]:
    return lambda patch: patch.setattr(owner, name, instead)


def _meaning(kind: Any, meaning: Meaning) -> Callable[[Any], None]:
    return lambda patch: patch.setitem(event_meaning._BY_KIND, kind, lambda event, now: meaning)


def _transition(before: Control, change: Change, after: Control) -> Callable[[Any], None]:
    return lambda patch: patch.setitem(TRANSITIONS[before], change, after)


def _one_reason(patch: Any) -> None:
    from handover_channel.rasa import turns

    told = turns.returned_parse_data
    patch.setattr(turns, "returned_parse_data", lambda reason: told(ReturnReason.KEYWORD))


def _one_language(patch: Any) -> None:
    from handover_channel.rasa import policy

    patch.setattr(policy, "language_of", lambda text, scripts: None)


def _done(*given: Any, **named: Any) -> Dict[str, Any]:
    return {"success": True}


MUTATIONS: Dict[str, Mutation] = {
    "the bot is silent while it does not have control": Mutation(
        _everywhere(control.bot_may_speak, lambda control: True),
        ("to_the_built_in_inbox",),
    ),
    "a keyword brings the conversation back": Mutation(
        _method(Keywords, "match", lambda self, text: None),
        (
            "back_by_keyword",
            "arabic",
        ),
    ),
    "the button brings the conversation back": Mutation(
        _everywhere(return_button.is_button, lambda payload: False),
        ("back_by_button",),
    ),
    "what is asked with a keyword is answered": Mutation(
        _method(Keywords, "rest", lambda self, text: ""),
        ("back_with_a_question",),
    ),
    "a time limit ends a handover": Mutation(
        _method(due_deadlines, "act_on", lambda thread_control, deadline: None),
        ("time_limit",),
    ),
    "each target has its own time limit": Mutation(
        _method(TransitionWriter, "_limit", lambda self, target: parse_duration("12 hours")),
        ("to_hootsuite",),
    ),
    "a handover passes control at Meta": Mutation(
        _method(GraphApi, "pass_thread_control", _done),
        ("back_by_button",),
    ),
    "a return takes control at Meta": Mutation(
        _method(GraphApi, "take_thread_control", _done),
        ("back_by_button",),
    ),
    "who answers beside the bot silences it": Mutation(
        _meaning(MessageEchoed, Meaning.NOTHING),
        ("staff_steps_in",),
    ),
    "what Meta passes to the bot is the bot's": Mutation(
        _meaning(ControlPassed, Meaning.NOTHING),
        ("back_by_done_in_the_page_inbox",),
    ),
    "a target that asks for control gets it": Mutation(
        _meaning(ControlRequested, Meaning.NOTHING),
        ("an_app_asks_for_control",),
    ),
    "a message that is not on standby shows that control was let go": Mutation(
        _everywhere(event_meaning.is_sign_of_release, lambda event: False),
        (
            "released",
            "lapsed",
        ),
    ),
    "a way back right behind another one is answered by nothing": Mutation(
        _everywhere(event_meaning._is_right_behind_the_return, lambda event, now: False),
        ("two_ways_back_at_once",),
    ),
    "an event counts once": Mutation(
        _method(webhook, "_key", lambda *given: f"{next(_numbers)}"),
        ("faults",),
    ),
    "only what is signed with the app secret is Meta's word": Mutation(
        _method(webhook, "verify_signature", lambda body, **given: None),
        ("faults",),
    ),
    "a pass that Meta refuses leaves control with the bot": Mutation(
        _transition(Control.PASSING, Change.PASS_REFUSED, Control.APP),
        ("faults",),
    ),
    "an agent who takes over from another app has the conversation": Mutation(
        _transition(Control.APP, Change.TAKEN_OVER, Control.APP),
        ("agent_takes_over",),
    ),
    "agents answer in the built-in inbox alone": Mutation(
        _method(service, "_in_inbox", lambda thread, row: row),
        ("refused_by_meta",),
    ),
    "the bot is told why the conversation came back": Mutation(_one_reason, ("back_by_the_agent",)),
    "the bot answers in the language that the person writes": Mutation(_one_language, ("arabic",)),
    "a name that is no target stands for the default one": Mutation(
        _everywhere(known_name, lambda targets, said: said), ("no_such_target",)
    ),
}
