"""Keeps what happened in one thread as a scenario: acts, what the bot said to each, who had control.

1. What the bot says belongs to the act before it. After an act with no answer comes `silence`.
2. Control is told where it has changed, and at the end.
3. What happens by itself after a while (a time limit) gets the time that has passed before it, as a `run`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional

from handover_channel.recording.scenario_text import Line, Remark, ScenarioText
from handover_channel.recording.steps_of_acts import Written
from handover_channel.simulator.clock import seconds_of
from handover_channel.testing.bot_under_test import BOT

#: Seconds after an act from which on what happens is taken to happen by itself, not because of the act.
BY_ITSELF_AFTER = 30.0

#: Steps that nobody answers.
_QUIET = frozenset({"fault", "default_app", "jump", "run"})


@dataclass
class _Act:
    """An act, and what came of it. *at*: seconds, when it happened last."""

    at: float
    written: List[Written]
    replies: List[Line] = field(default_factory=list)
    control: str = ""  #: who has it afterwards, "" where that did not change

    @property
    def moved(self) -> float:
        """Seconds by which it moves the clock."""
        moves = [each for each in self.written if isinstance(each, Line) and each.step in ("jump", "run")]
        return sum(seconds_of(str(each.value)) for each in moves)

    @property
    def is_answered(self) -> bool:
        """Whether it is an act to which the bot might have said something."""
        return any(isinstance(each, Line) and each.step not in _QUIET for each in self.written)


class ConversationRecord:
    """One thread. *name*: of its scenario."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._acts: List[_Act] = []
        self._page = ""
        self.now = ""  #: who has control, "" where nobody has said

    @property
    def steps(self) -> int:
        """How many lines there are."""
        return sum(len(act.written) + len(act.replies) + 1 for act in self._acts)

    @property
    def has_begun(self) -> bool:
        """Whether there is any step."""
        return any(isinstance(line, Line) for act in self._acts for line in act.written)

    def begins_on(self, page: str) -> None:
        """Note the page on which the person is; without this the first one."""
        self._page = page

    def act(self, written: Written, at: float) -> None:
        """Note an act."""
        self._acts.append(_Act(at, [written]))

    def remark(self, text: str, at: float) -> None:
        """Note what no step can say, behind what happened last."""
        if self._acts:
            self._acts[-1].written.append(Remark(text))
        else:
            self._acts.append(_Act(at, [Remark(text)]))

    def reply(self, line: Line, at: float) -> None:
        """Note what the bot has said."""
        self._by_itself(at)
        if not self._acts:
            self._acts.append(_Act(at, [Remark("the bot writes unasked")]))
        self._acts[-1].replies.append(line)

    def control(self, name: str, at: float) -> None:
        """Note who has control now."""
        self._by_itself(at)
        self.now = name
        if self._acts:
            self._acts[-1].control = name

    def _by_itself(self, at: float) -> None:
        last = self._acts[-1] if self._acts else None
        if last is not None and at - last.at - last.moved >= BY_ITSELF_AFTER:
            self.act(Line("run", f"{int(at - last.at) + 1} seconds"), at)

    def as_scenario(self) -> ScenarioText:
        """Return it as a scenario."""
        lines: List[Written] = [Line("page", self._page)] if self._page else []
        told, now = BOT, BOT
        for act in self._acts:
            lines += act.written
            lines += act.replies or ([Line("silence")] if act.is_answered else [])
            now = act.control or now
            if now != told:
                lines.append(Line("control", now))
                told = now
        if self._acts and not _ends_with_control(lines):
            lines.append(Line("control", now))
        return ScenarioText(self.name, lines)


def _ends_with_control(lines: List[Written]) -> bool:
    last: Optional[Written] = lines[-1] if lines else None
    return isinstance(last, Line) and last.step == "control"
