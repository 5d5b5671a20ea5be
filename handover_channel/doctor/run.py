"""Runs the checks, each within the time that is left, and returns the report.

1. Each check has a thread of its own: one that hangs (a database, an action server, Meta) costs the others
   nothing, and what has not come by the deadline is `could_not_look`.
2. Nothing is changed unless it is asked for: fixes are done after all looks, then those checks look again.
3. A fault of a check's own is `could_not_look`, too: the doctor always reports.
"""

from __future__ import annotations

import threading
from typing import Dict, Iterable, List, Sequence, Tuple

from handover_channel import log
from handover_channel.doctor import (
    bot_checks,
    meta_checks,
    rasa_stores,
    return_checks,
    settings_checks,
    store_checks,
    version_checks,
)
from handover_channel.doctor.check import Check, CouldNotLook, Found, not_seen
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.report import UNSAID, Report, Result, Status
from handover_channel.errors import HandoverError, NotKnown
from handover_channel.sentences import Sentence

logger = log.logger(__name__)

#: In the order in which they are shown.
CHECKS: Tuple[Check, ...] = (
    *settings_checks.CHECKS,
    *bot_checks.CHECKS,
    *return_checks.CHECKS,
    *rasa_stores.CHECKS,
    *store_checks.CHECKS,
    *version_checks.CHECKS,
    *meta_checks.CHECKS,
)

#: Those that a Rasa which starts runs itself: what it says of its bot by itself is not among them.
AT_START: Tuple[Check, ...] = tuple(each for each in CHECKS if each.at_start)


def chosen(only: Iterable[str], checks: Sequence[Check] = CHECKS) -> List[Check]:
    """Return the checks with these ids, or whose ids begin with one of them ("token"); without any, all.

    Raises NotKnown for an id that no check has.
    """
    wanted = list(only)
    for each in wanted:
        if not any(_is_meant(check, each) for check in checks):
            raise NotKnown(
                "no check is called %(name)s -> write one of: %(known)s",
                name=each,
                known=", ".join(check.id for check in checks),
            )
    return [check for check in checks if not wanted or any(_is_meant(check, each) for each in wanted)]


def _is_meant(check: Check, name: str) -> bool:
    return check.id == name or check.id.startswith(f"{name}.")


def examine(
    facts: Facts, *, checks: Sequence[Check] = CHECKS, only: Iterable[str] = (), fix: bool = False
) -> Report:
    """Look at everything, at what *only* names, until the deadline of *facts*.

    *fix*: put right what an API can. Raises NotKnown for an unknown id in *only*.
    """
    wanted = chosen(only, checks)
    found = _look_at(wanted, facts)
    if fix:
        mended = [check for check in wanted if check.fix and any(map(_is_bad, found[check.id]))]
        refused = {check.id: _mend(check, facts) for check in mended}
        facts.forget()
        found.update(_look_at([check for check in mended if not refused[check.id]], facts))
        for name, results in refused.items():
            found[name] = [*found[name], *results]
    return Report(tuple(result for check in wanted for result in found[check.id]))


def _is_bad(result: Result) -> bool:
    return result.status in (Status.FAIL, Status.WARN)


def _look_at(checks: Sequence[Check], facts: Facts) -> Dict[str, List[Result]]:
    found: Dict[str, List[Result]] = {}

    def run(check: Check) -> None:
        found[check.id] = _results(check, facts)

    threads = [
        threading.Thread(target=run, args=(check,), name=f"doctor-{check.id}", daemon=True)
        for check in checks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(facts.left)
    return {check.id: found.get(check.id, _late(check, facts)) for check in checks}


def _late(check: Check, facts: Facts) -> List[Result]:
    return [Found(Status.COULD_NOT_LOOK, facts.late).result(check)]


def _results(check: Check, facts: Facts) -> List[Result]:
    found: List[Found] = []  # what was found before something could not be seen stays found
    try:
        if not check.applies(facts):
            return []
        for each in check.look(facts):
            found.append(each)
        found = found or [Found(Status.OK, UNSAID)]
    except CouldNotLook as error:
        found.append(not_seen(error))
    except HandoverError as error:
        found.append(Found(Status.COULD_NOT_LOOK, error.text))
    except Exception as error:  # a fault of ours: the other checks go on
        logger.debug("the check %s failed: %s", check.id, log.trace(error))
        said = Sentence("the check itself failed (%(kind)s)", kind=type(error).__name__)
        found.append(Found(Status.COULD_NOT_LOOK, said))
    return [each.result(check) for each in found]


def _mend(check: Check, facts: Facts) -> List[Result]:
    """Put right what *check* found; return why that could not be."""
    assert check.fix is not None  # noqa: S101  (the caller has looked)
    try:
        check.fix(facts)
    except HandoverError as error:
        said = Sentence("it could not be put right: %(reason)s", reason=error.text)
        return [Found(Status.FAIL, said).result(check)]
    return []
