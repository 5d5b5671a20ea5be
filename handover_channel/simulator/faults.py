"""Holds what shall go wrong, by name: without a fault nothing fails, and nothing changes by itself. No I/O.

1. A fault counts for the bot's app, unless another one is named ("*": for every app).
2. It happens once, unless a count is given; with the count None it happens until it is taken away.
3. It may be bound to a call (a Graph edge, or `sender_action`), a kind of event, a page, and a thread.
4. Of a Graph call the oldest fault that fits happens alone; of a webhook all of them.
5. What needs a client that waits (`slow`, `hang`) can be had over HTTP only.

`FAULTS` is the table; docs/simulator.md shows it.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional

from handover_channel.simulator.connected_app import PAGE_INBOX, WEBHOOK_FIELDS

EVERY_APP = "*"
OF_WEBHOOK, OF_CALL, OF_PERSON = "webhook", "Graph call", "person's act"

_WEBHOOKS_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks"
)
_ERRORS_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes"
)
_ROUTING_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing"
)
_LIMITS_PAGE = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"
_ANY_HTTP = "no page of Meta's: what any service over HTTP does"

_SENDING = frozenset({"messages", "sender_action"})
_BY_OWNER = frozenset({"pass_thread_control", "release_thread_control", "extend_thread_control"})


@dataclass(frozen=True)
class FaultKind:
    """One line of the table: where it happens, what it does, and who says that this can happen."""

    where: str  #: OF_WEBHOOK, OF_CALL or OF_PERSON
    does: str
    source: str
    only: FrozenSet[str] = frozenset()  #: the calls or kinds of events that it can happen to; empty: all
    seconds: float = 0.0  #: how long, where that is not given
    http_only: bool = False


FAULTS: Mapping[str, FaultKind] = {
    "duplicate": FaultKind(OF_WEBHOOK, "The event comes twice, with the same `mid`.", _WEBHOOKS_PAGE),
    "reorder": FaultKind(
        OF_WEBHOOK,
        "The event comes after the next one of its app, or after `seconds`.",
        _WEBHOOKS_PAGE,
        seconds=30,
    ),
    "batch": FaultKind(
        OF_WEBHOOK,
        "The event waits, and comes in one body with the next one of its app: several entries. After "
        "`seconds` it comes alone.",
        _WEBHOOKS_PAGE,
        seconds=30,
    ),
    "late_echo": FaultKind(
        OF_WEBHOOK,
        "The echo comes after `seconds`, and later events before it.",
        _WEBHOOKS_PAGE,
        frozenset({"echo"}),
        seconds=30,
    ),
    "drop_webhook": FaultKind(OF_WEBHOOK, "The event never comes.", _WEBHOOKS_PAGE),
    "bad_signature": FaultKind(
        OF_WEBHOOK, "The event comes with signatures of another secret.", _WEBHOOKS_PAGE
    ),
    "unknown_event": FaultKind(
        OF_WEBHOOK, "Before the event comes one of a kind that Meta has not announced.", _WEBHOOKS_PAGE
    ),
    "no_mids": FaultKind(
        OF_WEBHOOK,
        "The delivery receipt has a watermark, and no `mids`.",
        _WEBHOOKS_PAGE,
        frozenset({"delivery"}),
    ),
    "webhook_down": FaultKind(
        OF_WEBHOOK,
        "The webhook does not answer. Meta tries again (`count`: how many attempts fail), alerts the "
        "developer after 15 minutes, and after an hour disables the webhook: the app is unsubscribed from "
        "the page "
        "until it calls POST subscribed_apps.",
        _WEBHOOKS_PAGE,
    ),
    "code_2": FaultKind(OF_CALL, "Refused for the moment: code 2.", _ERRORS_PAGE),
    "refused": FaultKind(
        OF_CALL, "Refused with the `code`, `subcode` and `message` that are given.", _ERRORS_PAGE
    ),
    "refused_27": FaultKind(
        OF_CALL,
        "Taking is refused as on a page without a default app: code 27.",
        _ROUTING_PAGE,
        frozenset({"take_thread_control"}),
    ),
    "not_owner": FaultKind(
        OF_CALL,
        "Another app has the thread, as seen by this call: 10/2018300 for a send, 100/2534037 for control.",
        _ERRORS_PAGE,
        _SENDING | _BY_OWNER,
    ),
    "rate_613": FaultKind(
        OF_CALL,
        "Too many calls: code 613, with `X-Business-Use-Case-Usage`, access again after `seconds`.",
        _LIMITS_PAGE,
        seconds=60,
    ),
    "slow": FaultKind(
        OF_CALL, "The answer comes after `seconds` of real time.", _ANY_HTTP, seconds=6, http_only=True
    ),
    "hang": FaultKind(OF_CALL, "No answer comes.", _ANY_HTTP, seconds=600, http_only=True),
    "html": FaultKind(OF_CALL, "A gateway answers: 502 and a page of HTML.", _ANY_HTTP),
    "token_expired": FaultKind(OF_CALL, "The access token has expired: 190/463.", _ERRORS_PAGE),
    "owner_hidden": FaultKind(
        OF_CALL,
        "`thread_owner` is empty, whoever has the thread.",
        _ROUTING_PAGE,
        frozenset({"thread_owner"}),
    ),
    "foreign_owner_without_webhook": FaultKind(
        OF_PERSON,
        "Before the person does something another app (`by`, else the Page inbox) has taken the thread, and "
        "no app was told, as when Meta's own AI answers.",
        _ROUTING_PAGE,
    ),
}


@dataclass
class Fault:
    """A fault that was ordered. *count*: how often it still happens, None for always."""

    number: int
    name: str
    count: Optional[int]
    call: str = ""  #: "" for any
    event: str = ""
    thread: str = ""
    page: str = ""
    app: str = ""
    seconds: float = 0.0
    takes_effect: bool = False  #: Meta does what the call asks for, and answers as if it had not
    by: str = PAGE_INBOX
    code: int = 1  #: of `refused`, as the next two
    subcode: int = 0
    message: str = "An unknown error occurred"
    happened: int = 0

    @property
    def kind(self) -> FaultKind:
        """Its line of the table."""
        return FAULTS[self.name]

    @property
    def is_over(self) -> bool:
        """Whether it has happened as often as it should."""
        return self.count == 0

    def fits(self, what: str, thread: str, app: str, page: str) -> bool:
        """Whether it happens to this call or event of that app in that thread (rules 1 and 3)."""
        wanted = self.call or self.event
        return (
            (not wanted or wanted == what)
            and (not self.kind.only or what in self.kind.only)
            and (not self.thread or self.thread == thread)
            and (not self.page or self.page == page)
            and self.app in (EVERY_APP, app)
        )

    def happens(self) -> None:
        """Count that it happens."""
        self.happened += 1
        if self.count is not None:
            self.count -= 1

    def shown(self) -> Dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


class Faults:
    """The faults of one simulator, oldest first. Used under its lock."""

    def __init__(self, bot: str) -> None:
        self._bot = bot
        self._numbers = itertools.count(1)
        self._ordered: List[Fault] = []

    def add(self, name: str, *, served: bool, **options: Any) -> Fault:
        """Order a fault. *served*: whether there is HTTP. Raises ValueError, which names the key."""
        if name not in FAULTS:
            raise ValueError(f"'name' is {name!r}, which is no fault (known: {', '.join(FAULTS)})")
        kind = FAULTS[name]
        if kind.http_only and not served:
            raise ValueError(
                f"{name} needs a client that waits -> serve the simulator, and call it over HTTP"
            )
        _check(name, kind, options)
        given = {"app": self._bot, "seconds": kind.seconds, **_without_none(options)}
        fault = Fault(next(self._numbers), name, options.get("count", 1), **given)
        self._ordered.append(fault)
        return fault

    def remove(self, number: int) -> Fault:
        """Take a fault away; raises KeyError where there is none of that number."""
        for fault in self._ordered:
            if fault.number == number:
                self._ordered.remove(fault)
                return fault
        known = ", ".join(str(fault.number) for fault in self._ordered) or "none"
        raise KeyError(f"there is no fault {number} (known: {known})")

    def clear(self) -> int:
        """Take all away; returns how many there were."""
        count = len(self._ordered)
        self._ordered.clear()
        return count

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._ordered))

    def __len__(self) -> int:
        return len(self._ordered)

    def take(
        self, where: str, what: str, thread: str, app: str, page: str, name: str = ""
    ) -> Iterator[Fault]:
        """Yield the faults that happen now to a call, an event or an act; each counts as having happened.

        *name*: of one fault alone; without it all but `webhook_down`, which is asked for at each attempt.
        """
        for fault in list(self._ordered):
            wanted = fault.name == name if name else fault.name != "webhook_down"
            if fault.kind.where == where and wanted and fault.fits(what, thread, app, page):
                fault.happens()
                if fault.is_over:
                    self._ordered.remove(fault)
                yield fault

    def first(
        self, where: str, what: str, thread: str, app: str, page: str, name: str = ""
    ) -> Optional[Fault]:
        """Return the oldest fault that happens now; the others wait (rule 4)."""
        return next(self.take(where, what, thread, app, page, name), None)


_OPTIONS: Mapping[str, FrozenSet[str]] = {
    OF_WEBHOOK: frozenset({"count", "event", "thread", "page", "app", "seconds"}),
    OF_CALL: frozenset({"count", "call", "thread", "page", "app", "seconds", "takes_effect"}),
    "refused": frozenset(
        {"count", "call", "thread", "page", "app", "takes_effect", "code", "subcode", "message"}
    ),
    OF_PERSON: frozenset({"count", "thread", "page", "by"}),
}


def _check(name: str, kind: FaultKind, options: Mapping[str, Any]) -> None:
    for key, value in options.items():
        if value is None:
            continue
        known = _OPTIONS.get(name, _OPTIONS[kind.where])
        if key not in known:
            accepted = ", ".join(sorted(known))
            raise ValueError(f"{key!r} is nothing that {name} knows (a fault of a {kind.where}: {accepted})")
        if key == "count" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ValueError(f"'count' is {value!r}; it must be a number from 1 on, or null for always")
        if key == "seconds" and not 0 < value <= 604800:
            raise ValueError(f"'seconds' is {value!r}; it must be more than 0, and 604800 at most")
    bound = options.get("call") or options.get("event")
    if bound and kind.only and bound not in kind.only:
        raise ValueError(f"{name} never happens to {bound!r} (only to {', '.join(sorted(kind.only))})")
    if options.get("event") and options["event"] not in WEBHOOK_FIELDS:
        raise ValueError(
            f"'event' is {options['event']!r}, which is no kind of event (known: {', '.join(WEBHOOK_FIELDS)})"
        )


def _without_none(options: Mapping[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in options.items() if key != "count" and value is not None}
