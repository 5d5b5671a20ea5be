"""Defines what the doctor hands over: results, the report of them, its JSON and its exit code.

1. "Wrong" (`fail`) and "could not look" are two things: of what could not be looked at nothing is claimed.
2. The ids of checks, the words of `Status` and the keys of the JSON are stable: scripts rely on them.
   `SCHEMA` counts up where one of them changes its meaning or goes; keys may be added.
3. A result says what was found, why it matters, where to open it and what to do there, a sentence each. Each
   can be translated; names that Meta and Rasa give are values.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from handover_channel.sentences import Sentence, sentence

#: Of the JSON.
SCHEMA = 1

UNSAID = sentence("")


class Status(str, Enum):
    """What came of a look, the worst last but one; `COULD_NOT_LOOK` says nothing of good or bad."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    COULD_NOT_LOOK = "could_not_look"


class Where(NamedTuple):
    """What to open: a page of Meta's, or a file with its key."""

    name: str  #: as it is called there: "Page settings > Conversation routing", "handover.yml: app_id"
    url: str = ""  #: "" for a file


@dataclass(frozen=True)
class Result:
    """What a check has found."""

    id: str  #: "token.valid"
    status: Status
    title: Sentence  #: what is looked at
    found: Sentence = UNSAID
    why: Sentence = UNSAID  #: why that matters
    where: Optional[Where] = None
    remedy: Sentence = UNSAID  #: what to click, or to write

    @property
    def line(self) -> str:
        """The result as one line of a log, in English."""
        return one_line(self.found, self.why, self.remedy)


def one_line(found: Sentence, why: Sentence, remedy: Sentence) -> str:
    """Return what was found as one line of a log, in English."""
    said = ": ".join(filter(None, (str(found), str(why))))
    return " -> ".join(filter(None, (said, str(remedy))))


@dataclass(frozen=True)
class Report:
    """The results of all checks, in the order of the checks."""

    results: Tuple[Result, ...]

    @property
    def status(self) -> Status:
        """The worst of all."""
        found = {each.status for each in self.results}
        order = (Status.FAIL, Status.COULD_NOT_LOOK, Status.WARN)
        return next((each for each in order if each in found), Status.OK)

    @property
    def exit_code(self) -> int:
        """1 if something is wrong; 2 if nothing is, as far as could be looked; else 0, warnings or not."""
        return {Status.FAIL: 1, Status.COULD_NOT_LOOK: 2}.get(self.status, 0)

    def counts(self) -> Dict[Status, int]:
        """Return how many results have which status."""
        return dict(Counter(each.status for each in self.results))

    def with_status(self, *wanted: Status) -> List[Result]:
        """Return the results that have one of these."""
        return [each for each in self.results if each.status in wanted]


def to_json(report: Report, say: Callable[[Sentence], str] = str) -> Dict[str, Any]:
    """Return the report as it is printed by `--json`; *say* words a sentence in somebody's language.

    {"schema": 1, "status": "fail", "checks": [{"id", "status", "title", "found", "why", "where": {"name",
    "url"} or null, "remedy"}]}: a check that has found several things is there several times.
    """
    return {
        "schema": SCHEMA,
        "status": report.status.value,
        "checks": [
            {
                "id": each.id,
                "status": each.status.value,
                "title": say(each.title),
                "found": say(each.found),
                "why": say(each.why),
                "where": {"name": each.where.name, "url": each.where.url} if each.where else None,
                "remedy": say(each.remedy),
            }
            for each in report.results
        ],
    }
