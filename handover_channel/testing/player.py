"""Plays scenarios with a bot, and says of each whether the conversation went as it should.

Nothing goes unnoticed: what the bot says has to be expected, before the next act or by the end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Iterable, Iterator, Optional, Tuple

from handover_channel.testing.bot_under_test import ActFailed, BotUnderTest
from handover_channel.testing.chat import text_of
from handover_channel.testing.conversation import Conversation
from handover_channel.testing.expectations import ExpectationFailed
from handover_channel.testing.scenario import Scenario
from handover_channel.testing.steps import STEPS, Stage, Step


@dataclass(frozen=True)
class Played:
    """What came of a scenario."""

    scenario: Scenario
    conversation: Optional[Conversation] = None  #: None for one that was not played
    step: Optional[Step] = None  #: the one that failed
    said: str = ""  #: what was expected there, and what happened
    seconds: float = 0.0
    skipped: str = ""  #: why it was not played

    @property
    def failed(self) -> bool:
        """Whether something was not as expected."""
        return self.step is not None

    def diff(self) -> str:
        """Return the steps up to the one that failed, what happened instead as comments, and the chat."""
        step, scenario = self.step, self.scenario
        if step is None:
            return ""
        steps = scenario.source[scenario.line - 1 : step.last_line]
        happened = [f"      # {line}" for line in self.said.splitlines()]
        left = sum(each.line > step.line for each in scenario.steps)
        rest = [f"      # not played: {left} more"] if left else []
        chat = [f"    {line}" for line in str(self.conversation).splitlines()]
        title = f"# {scenario.file}:{step.line}"
        return "\n".join([title, *steps, *happened, *rest, "", *chat])


def play_all(bot: BotUnderTest, scenarios: Iterable[Scenario]) -> Iterator[Played]:
    """Play one after the other, each with somebody who has not written yet."""
    for scenario in scenarios:
        yield play(bot, scenario)


def play(bot: BotUnderTest, scenario: Scenario) -> Played:
    """Play a scenario; return what came of it."""
    why_not = bot.cannot(scenario.needs)
    if why_not:
        return Played(scenario, skipped=why_not)
    began = time.perf_counter()
    bot.begin()
    conversation = Conversation(bot)
    step, said = _failure(Playing(conversation, scenario.steps))
    return Played(scenario, conversation, step, said, time.perf_counter() - began)


class Playing:
    """A scenario that is being played, step by step, in a conversation of its own."""

    def __init__(self, conversation: Conversation, steps: Iterable[Step]) -> None:
        self._stage, self._steps = Stage(conversation), tuple(steps)
        self.done = 0  #: steps

    @property
    def psid(self) -> str:
        """The id of the person on the page where they are now."""
        return self._stage.conversation.psid

    @property
    def is_over(self) -> bool:
        """Whether no step is left."""
        return self.done == len(self._steps)

    def step(self) -> Tuple[Optional[Step], str]:
        """Do the next step; return the one that failed, and what was wrong: (None, "") if all is well.

        Before an act, and behind the last step, everything that the bot has said has to be expected.
        """
        before = self._steps[self.done - 1] if self.done else None
        if self.is_over:
            return None, ""
        step = self._steps[self.done]
        said = "" if before is None or STEPS[step.kind].expects else self._unexpected()
        if said:
            return before, said
        try:
            STEPS[step.kind].does(self._stage, step)
        except ExpectationFailed as error:
            return step, error.said
        except ActFailed as error:
            return step, str(error)
        self.done += 1
        said = self._unexpected() if self.done == len(self._steps) else ""
        return (step, said) if said else (None, "")

    def _unexpected(self) -> str:
        everywhere = self._stage.conversation.everywhere.values()
        unread = [entry for conversation in everywhere for entry in conversation.unread()]
        texts = [text_of(entry["message"]) for entry in unread]
        return "\n".join(f"the bot also replies: {text}" for text in texts)


def _failure(playing: Playing) -> Tuple[Optional[Step], str]:
    """Do the steps up to the first that fails; return it, and what was wrong."""
    while not playing.is_over:
        failed = playing.step()
        if failed[0] is not None:
            return failed
    return None, ""
